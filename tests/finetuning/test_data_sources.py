"""Names and files that tasks learn from: every format meets its task, and the labels of all files agree."""

import json
from pathlib import Path

import pytest
from datasets import Dataset, DatasetDict

from convbert_edu.data.examples import Answer, TextExample
from convbert_edu.data.formats.hub import COLUMNS
from convbert_edu.finetuning.data_sources import FILE_FORMATS, NAMED_DATA, load_data
from convbert_edu.finetuning.tasks import TASKS

SQUAD = {
    "data": [
        {
            "paragraphs": [
                {
                    "context": "a b c",
                    "qas": [{"id": "q", "question": "b?", "answers": [{"text": "b", "answer_start": 2}]}],
                }
            ]
        }
    ]
}
SWAG = "video-id,fold-ind,sent1,sent2,ending0,ending1,ending2,ending3,label\nv,1,A cat.,It,sits,runs,eats,sleeps,2\n"
FILES = {
    "table": ("x.csv", "text,label\na film,bad\na good film,good\n"),
    "lines": ("x.txt", "bad a film\ngood a good film\n"),
    "glue": ("x.tsv", "sentence\tlabel\na film\t0\na good film\t1\n"),
    "conll": ("x.conll", "Ann B-person\nsees O\n"),
    "conllu": ("x.conllu", "1\tAnn\tann\tPROPN\t_\t_\t0\troot\t_\t_\n2\tsees\tsee\tVERB\t_\t_\t1\tx\t_\t_\n"),
    "squad": ("x.json", json.dumps(SQUAD)),
    "swag": ("x.csv", SWAG),
    "text": ("x.txt", "one text\n\nanother one\n"),
}
OPTIONS = {"glue": {"task": "sst2"}}


def test_every_name_and_format_belongs_to_a_task():
    assert FILES.keys() == FILE_FORMATS.keys()
    assert {known.task for known in [*NAMED_DATA.values(), *FILE_FORMATS.values()]} == TASKS.keys()


@pytest.mark.parametrize("name", list(FILES))
def test_files_become_the_three_parts(tmp_path: Path, name: str):
    file, content = FILES[name]
    (tmp_path / file).write_text(content)
    path, task = tmp_path / file, FILE_FORMATS[name].task
    splits = load_data(f"{name}:{path}", task, validation=path, options=OPTIONS.get(name))
    assert splits.train == splits.validation != []
    assert splits.test == []
    if name == "squad":
        assert splits.train[0].answers == (Answer("b", 2),)
    if name == "table":
        assert [splits.label_names[example.label] for example in splits.train] == ["bad", "good"]


def test_recipes_are_whole_where_their_tokens_are_masked_anyway():
    whole, for_labels = (load_data("recipes", task).train for task in ("masked-lm", "classification"))
    assert len(whole) == len(for_labels)
    assert any("[MASK]" in example.text for example in for_labels)
    assert not any("[MASK]" in example.text for example in whole)


def test_every_task_can_learn_from_the_hub(tmp_path: Path):
    assert COLUMNS.keys() == TASKS.keys()
    DatasetDict({"train": Dataset.from_dict({"text": ["one text"]})}).save_to_disk(tmp_path / "saved")
    splits = load_data(f"hub:{tmp_path / 'saved'}", "masked-lm", options={"validation": None})
    assert splits.train == [TextExample("one text", 0)]


def test_a_label_that_the_training_file_lacks_is_an_error(tmp_path: Path):
    (tmp_path / "train.txt").write_text("bad a film\ngood a good film\n")
    (tmp_path / "test.txt").write_text("good a film\nfair a film\n")
    with pytest.raises(ValueError, match=r"test\.txt, line 2: .*fair"):
        load_data(f"lines:{tmp_path / 'train.txt'}", "classification", test=tmp_path / "test.txt")


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("text", {"column": 1}, "the format text has no option 'column'; its options are none"),
        (
            "conll",
            {"colum": 1},
            "no option 'colum'; its options are column, word_column, label_names, on_bad",
        ),
        ("conll", {"column": "word"}, "column is 'word'; it must be a whole number"),
        ("table", {"label": 5}, "label is 5; it must be text"),
        ("table", {"quoted": "maybe"}, "quoted is 'maybe'; it must be true or false"),
        ("table", {"label_names": "good"}, r"label_names is 'good'; it must be a list \[...\]"),
        (
            "table",
            {"problem_type": "regresion"},
            "problem_type is 'regresion'; choose one of single_label_class",
        ),
        ("table", {"on_bad": "ignore"}, "on_bad is 'ignore'; choose one of stop, skip"),
        ("glue", {}, "the format glue needs the option 'task': --read task=..."),
    ],
)
def test_options_that_the_reader_does_not_take_are_named(
    tmp_path: Path, name: str, options: dict, message: str
):
    file, content = FILES[name]
    (tmp_path / file).write_text(content)
    with pytest.raises(ValueError, match=message):
        load_data(f"{name}:{tmp_path / file}", FILE_FORMATS[name].task, options=options)


def test_names_of_labels_hold_for_all_files(tmp_path: Path):
    (tmp_path / "train.txt").write_text("bad a film\n")
    (tmp_path / "test.txt").write_text("good a film\n")
    splits = load_data(
        f"lines:{tmp_path / 'train.txt'}",
        "classification",
        test=tmp_path / "test.txt",
        options={"label_names": ["good", "bad"]},
    )
    assert splits.label_names == ("good", "bad")
    assert (splits.train[0].label, splits.test[0].label) == (1, 0)


def test_masked_language_modelling_reads_the_texts_of_classified_ones(tmp_path: Path):
    (tmp_path / "x.txt").write_text("bad a film\n")
    assert load_data(f"lines:{tmp_path / 'x.txt'}", "masked-lm").train[0].text == "a film"
