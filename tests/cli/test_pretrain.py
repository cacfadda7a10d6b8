"""`convbert-edu data pack` and `convbert-edu pretrain`, from the user's own text to models."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result

from convbert_edu import ConvBertForMaskedLM
from convbert_edu.cli.main import main
from tiny_corpus import documents, make_corpus, quick_settings

# What a command cannot do without.
EXTRA = {"pretrain": [], "distil": ["--set", "student=START"]}


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)))


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text("\n\n".join(documents(count=200)))
    return path


def test_from_text_to_models(text: Path, tmp_path: Path):
    packed = run("data", "pack", tmp_path / "corpus", "--text", text, "--vocab-size", 120, "--max-length", 32)
    assert packed.exit_code == 0, packed.output
    assert "train: 198 documents" in packed.output
    assert "held out: 2 documents" in packed.output

    (tmp_path / "settings.json").write_text(json.dumps(quick_settings(steps=3, batch_size=2).to_dict()))
    changes = ["--set", "objective=masked_lm", "--set", "steps=4", "--set", 'sizes={"hidden_size": 16}']
    command = [
        "pretrain",
        tmp_path / "corpus",
        tmp_path / "run",
        "--settings",
        tmp_path / "settings.json",
        *changes,
    ]
    result = run(*command)
    assert result.exit_code == 0, result.output
    assert '"steps": 4' in result.output
    assert "masked_lm_accuracy" in result.output
    assert ConvBertForMaskedLM.from_pretrained(tmp_path / "run" / "generator").config.hidden_size == 16

    again = run(*command)
    assert again.exit_code == 1
    assert "holds a run already" in again.output
    assert run(*command, "--resume").exit_code == 0
    other = run(*command, "--resume", "--set", "seed=1")
    assert other.exit_code == 1
    assert "seed was 0, now 1" in other.output


def test_held_out_text_and_tokenizer_can_be_given(text: Path, tmp_path: Path):
    assert run("data", "pack", tmp_path / "one", "--text", text, "--vocab-size", 120).exit_code == 0
    held_out = tmp_path / "held_out.txt"
    held_out.write_text("\n\n".join(documents(seed=5, count=7)))
    two = run(
        "data",
        "pack",
        tmp_path / "two",
        "--text",
        text,
        "--held-out",
        held_out,
        "--tokenizer",
        tmp_path / "one",
    )
    assert two.exit_code == 0, two.output
    assert "held out: 7 documents" in two.output
    assert (tmp_path / "one" / "vocab.txt").read_bytes() == (tmp_path / "two" / "vocab.txt").read_bytes()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--held-out", "TEXT"], "--held-out needs --text"),
        (["--text", "TEXT", "--recipes"], "--recipes adds to the course's own texts"),
        (["--text", "TEXT", "--tokenizer", ".", "--vocab-size", "8000"], "--tokenizer brings its own vocabulary"),
    ],
)
def test_options_of_which_one_would_go_unheeded_are_refused(
    text: Path, tmp_path: Path, options: list[str], message: str
):
    result = run("data", "pack", tmp_path / "corpus", *[text if word == "TEXT" else word for word in options])
    assert result.exit_code == 2
    assert message in result.output
    assert not (tmp_path / "corpus").exists()


def test_bad_text_and_settings_give_one_plain_message(text: Path, tmp_path: Path):
    broken = tmp_path / "broken.txt"
    broken.write_bytes(b"caf\xe9 au lait\n")
    empty = tmp_path / "empty.txt"
    empty.write_text("")
    for path, message in ((broken, "is not UTF-8 text: line 1"), (empty, "holds no text")):
        result = run("data", "pack", tmp_path / "corpus", "--text", path)
        assert result.exit_code == 1
        assert message in result.output
        assert not (tmp_path / "corpus").exists()
    result = run("pretrain", tmp_path / "nowhere", tmp_path / "run")
    assert "`convbert-edu data pack" in result.output
    for setting, message in (
        ("steps", "has no '='"),
        ("step=3", "no settings called"),
        ("steps=few", "steps is 'few'"),
    ):
        result = run("pretrain", tmp_path / "nowhere", tmp_path / "run", "--set", setting)
        assert result.exit_code == 1
        assert message in result.output


@pytest.mark.parametrize("command", ["pretrain", "distil"])
def test_a_run_that_was_stopped_says_how_to_go_on_and_exits_like_other_stopped_programs(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    make_corpus(tmp_path / "corpus")
    module = {"pretrain": "pretraining", "distil": "distillation"}[command]

    def stopped(*arguments: object) -> dict:
        raise KeyboardInterrupt("stopped; go on with --resume")

    monkeypatch.setattr(f"convbert_edu.{module}.run.{command}", stopped)
    result = run(command, tmp_path / "corpus", tmp_path / "run", "--set", "steps=1000", *EXTRA[command])
    assert result.exit_code == 130
    assert "stopped; go on with --resume" in result.output
