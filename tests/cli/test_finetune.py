"""`convbert-edu finetune` and `convbert-edu predict`, from files to answers."""

import json
import warnings
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from convbert_edu.cli.common import plain_errors
from convbert_edu.cli.main import main
from convbert_edu.finetuning.predictor import Predictor
from tiny_corpus import sentences
from tiny_tasks import save_tiny_model, whose_food

QUICK = (
    "--set",
    "batch_size=8",
    "--set",
    "precision=float32",
    "--set",
    "learning_rate=0.01",
    "--device",
    "cpu",
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("model"))


def run(*arguments: object, input: str | None = None) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)), input=input)


@pytest.fixture(scope="module")
def columns(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three files of CoNLL columns."""
    folder, splits = tmp_path_factory.mktemp("columns"), whose_food(60)
    for split in ("train", "validation", "test"):
        blocks = [
            "\n".join(
                f"{word} x {splits.label_names[label]}" for word, label in zip(e.words, e.labels, strict=True)
            )
            for e in getattr(splits, split)
        ]
        (folder / f"{split}.txt").write_text("\n\n".join(blocks) + "\n")
    return [folder / f"{split}.txt" for split in ("train", "validation", "test")]


def test_from_columns_to_entities(model: Path, columns: list[Path], tmp_path: Path):
    train, validation, test = columns
    command = [
        "finetune", "token-classification", "--data", f"conll:{train}", "--validation", validation, "--test", test,
        "--read", "column=2", "--model", model, "--output", tmp_path / "run", *QUICK, "--set", "epochs=10",
    ]  # fmt: skip
    result = run(*command)
    assert result.exit_code == 0, result.output
    record = json.loads(result.output)
    assert record["examples"] == {"train": 40, "validation": 10, "test": 10}
    assert record["test"]["entity_f1"] > 0.9

    again = run(*command)
    assert again.exit_code == 1
    assert "holds a run already, it is complete" in again.output
    assert json.loads(run(*command, "--resume").output) == record

    words = json.dumps({"words": ["the", "bear", "hid", "honey"]})
    result = run("predict", "--model", tmp_path / "run", input=f"the cat likes milk .\n\n{words}\n")
    assert result.exit_code == 0, result.output
    first, second = map(json.loads, result.output.splitlines())
    assert [(entity["kind"], entity["text"]) for entity in first["entities"]] == [
        ("animal", "cat"),
        ("food", "milk"),
    ]
    assert second["labels"] == ["O", "B-animal", "O", "B-food"]


def test_from_plain_text_to_guessed_words(model: Path, tmp_path: Path):
    (tmp_path / "text.txt").write_text("\n\n".join(sentences(seed=8, count=60)))
    result = run(
        "finetune", "masked-lm", "--data", f"text:{tmp_path / 'text.txt'}", "--model", model,
        "--output", tmp_path / "run", *QUICK, "--set", "epochs=2", "--set", 'task_options={"mask_probability": 0.3}',
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    (tmp_path / "inputs.txt").write_text("the [MASK] likes [MASK] .\n")
    result = run(
        "predict", "--model", tmp_path / "run", "--text", "the cat [MASK] milk", tmp_path / "inputs.txt"
    )
    assert result.exit_code == 0, result.output
    first, second = map(json.loads, result.output.splitlines())
    assert len(first["predictions"]) == 1
    assert [len(guess) for guess in second["predictions"]] == [5, 5]
    assert all(0 < sum(guess.values()) <= 1 for guess in second["predictions"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sorting", "--data", "tweets"], "there is no task 'sorting'; the tasks are classification, token-"),
        (
            ["classification", "--data", "tweets"],
            "the data 'tweets' is for token-classification; for classification",
        ),
        (
            ["classification", "--data", "rt"],
            "the data 'rt' is not known; for classification there are reviews:rt",
        ),
        (
            ["token-classification", "--data", "table:a.csv"],
            "'table:a.csv' is for classification; for token-",
        ),
        (["token-classification", "--data", "conll:nowhere.txt"], "there is no file nowhere.txt"),
        (["masked-lm", "--data", "tweets"], "for masked-lm there are reviews:rt"),
        (
            ["classification", "--data", "reviews:rt", "--read", "column=3"],
            "has its own validation and test splits",
        ),
        (["classification", "--data", "reviews:rt", "--set", "epoch=3"], "no settings called ['epoch']"),
        (
            ["classification", "--data", "reviews:rt", "--set", 'task_options={"stride": 3}'],
            "no options ['stride']",
        ),
        (
            ["classification", "--data", "reviews:rt", "--set", "task_options=3"],
            "task_options is 3; it must be an object {...}",
        ),
        (["classification", "--data", "reviews:rt", "--read", "text"], "--read 'text' has no '='"),
        (
            ["classification", "--data", "reviews:rt", "--set", 'task_options={"windows": "2"}'],
            "windows is '2'; it must be a whole number",
        ),
        (
            ["question-answering", "--data", "factbook:qa", "--set", 'task_options={"n_best_size": 0}'],
            "n_best_size is 0; it must be at least 1",
        ),
        (
            ["masked-lm", "--data", "reviews:rt", "--set", 'task_options={"mask_probability": 15}'],
            "mask_probability is 15.0; it is a share, above 0 and up to 1",
        ),
    ],
)
def test_what_cannot_be_done_is_said_in_one_message(
    model: Path, tmp_path: Path, arguments: list, message: str
):
    result = run("finetune", *arguments, "--model", model, "--output", tmp_path / "run")
    assert result.exit_code == 1
    assert message in result.output
    assert not (tmp_path / "run").exists()


def test_options_that_a_reader_does_not_take_are_named(model: Path, columns: list[Path], tmp_path: Path):
    for option, message in (("colum=1", "colum"), ("column=7", "no column 7")):
        result = run(
            "finetune", "token-classification", "--data", f"conll:{columns[0]}", "--read", option,
            "--model", model, "--output", tmp_path / "run",
        )  # fmt: skip
        assert result.exit_code == 1
        assert message in result.output


def test_predict_refuses_models_without_a_task_and_input_that_is_not_whole(model: Path, tmp_path: Path):
    from convbert_edu import ConvBertForPreTraining, ConvBertForQuestionAnswering, ConvBertTokenizer
    from helpers import tiny_config

    ConvBertForPreTraining(tiny_config(pad_token_id=0)).save_pretrained(tmp_path / "pretrained")
    result = run("predict", "--model", tmp_path / "pretrained", "--text", "a")
    assert result.exit_code == 1
    assert "is a ConvBertForPreTraining, with no trained head for a task" in result.output

    tokenizer = ConvBertTokenizer.from_pretrained(model)
    config = tiny_config(vocab_size=len(tokenizer), pad_token_id=0)
    ConvBertForQuestionAnswering(config).save_pretrained(tmp_path / "qa")
    tokenizer.save_pretrained(tmp_path / "qa")
    for line, message in (
        (
            '{"question": "what?"}',
            "standard input, line 1: the field 'context' is missing; there are question",
        ),
        ('{"question": 3, "context": "a"}', "the field 'question' is 3; it must be text"),
        ('{"question": ', "standard input, line 1: it is not valid JSON"),
        ("what is it", "the field 'question' is missing; there are text"),
    ):
        result = run("predict", "--model", tmp_path / "qa", input=line + "\n")
        assert result.exit_code == 1
        assert message in result.output
    assert run("predict", "--model", tmp_path / "qa", input="\n").output == ""


@pytest.fixture(scope="module")
def chooser(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with a head of random numbers for multiple choice."""
    from convbert_edu import ConvBertForMultipleChoice, ConvBertTokenizer
    from helpers import tiny_config

    folder, tokenizer = tmp_path_factory.mktemp("chooser"), ConvBertTokenizer.from_pretrained(model)
    config = tiny_config(vocab_size=len(tokenizer), pad_token_id=0)
    ConvBertForMultipleChoice(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_what_is_cut_is_said(model: Path, tmp_path: Path):
    """Rows of 6 tokens hold 4 words; the fifth may decide."""
    lines = {"train": ["the cat likes milk ."] * 3 + ["the cat sleeps"] * 5, "test": ["the bear sleeps"] * 2}
    for split, texts in lines.items():
        (tmp_path / f"{split}.csv").write_text(
            "text,label\n" + "".join(f"{text},{number % 2}\n" for number, text in enumerate(texts))
        )
    command = [
        "finetune", "classification", "--data", f"table:{tmp_path / 'train.csv'}", "--test", tmp_path / "test.csv",
        "--model", model, "--output", tmp_path / "run", *QUICK, "--set", "epochs=1", "--set", "max_length=6",
    ]  # fmt: skip
    result = run(*command)
    assert result.exit_code == 0, result.output
    assert result.stderr.splitlines()[-1] == (
        "3 of 8 examples of the train split did not fit into max_length = 6 tokens and were cut; a larger max_length "
        "reads more of them"
    )
    assert json.loads((tmp_path / "run" / "record.json").read_text())["cut"] == {"train": 3}
    assert json.loads(result.stdout)["examples"]["train"] == 8

    with pytest.warns(UserWarning, match="1 of 2 inputs did not fit into max_length = 6 tokens and were cut"):
        Predictor.load(tmp_path / "run").predict(["the cat sleeps", "the cat likes milk ."])


def test_predict_names_the_line_that_is_wrong_and_answers_those_before_it(
    chooser: Path, tmp_path: Path, monkeypatch
):
    monkeypatch.setattr("convbert_edu.cli.predict.AT_ONCE", 2)
    good = json.dumps({"context": "the cat", "choices": ["sleeps", "eats"]})
    for bad, message in (
        ('{"context": "the cat"}', "the field 'choices' is missing"),
        (
            '{"context": "the cat", "choices": ["eats", 3]}',
            "the field 'choices' is ['eats', 3]; it must be a list of texts",
        ),
        ('{"context": "the cat", "cho', "it is not valid JSON"),
    ):
        (tmp_path / "in.jsonl").write_text("\n".join([good, "", good, good, bad]))
        result = run("predict", "--model", chooser, tmp_path / "in.jsonl")
        assert result.exit_code == 1
        assert f"in.jsonl, line 5: {message}" in result.output
        assert len(result.stdout.splitlines()) == 3


def test_inputs_with_more_or_fewer_choices_are_answered_in_one_call(chooser: Path):
    lines = [{"context": "the cat", "choices": ["sleeps", "eats", "likes milk"][:count]} for count in (2, 3)]
    result = run("predict", "--model", chooser, input="\n".join(map(json.dumps, lines)))
    assert result.exit_code == 0, result.output
    assert [len(json.loads(line)["probabilities"]) for line in result.output.splitlines()] == [2, 3]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "config.json is missing; a model folder holds config.json beside its weights"),
        ("{", "config.json is not valid JSON"),
    ],
)
def test_predict_names_the_file_of_a_folder_that_is_no_model(
    tmp_path: Path, content: str | None, message: str
):
    if content:
        (tmp_path / "config.json").write_text(content)
    result = run("predict", "--model", tmp_path, "--text", "a")
    assert result.exit_code == 1
    assert message in result.output


def test_predict_says_that_a_run_is_not_complete(tmp_path: Path):
    (tmp_path / "checkpoints").mkdir()
    result = run("predict", "--model", tmp_path, "--text", "a")
    assert result.exit_code == 1
    assert "holds a run that is not complete; go on with it first (--resume)" in result.output


def test_a_single_input_outside_of_a_list_is_not_read_letter_by_letter(chooser: Path):
    with pytest.raises(TypeError, match=r"inputs is 'the cat'; give a list, .* predict\(\[\.\.\.\]\)"):
        Predictor.load(chooser).predict("the cat")
    assert Predictor.load(chooser).predict([]) == []
    with pytest.raises(ValueError, match="batch_size is 0; it must be at least 1"):
        Predictor.load(chooser).predict([{"context": "the cat", "choices": ["sleeps", "eats"]}], batch_size=0)


def test_warnings_of_commands_are_plain_sentences():
    usual = warnings.formatwarning
    with plain_errors():
        assert warnings.formatwarning("1 row was left out", UserWarning, "a.py", 3) == (
            "Warning: 1 row was left out\n"
        )
    assert warnings.formatwarning is usual
