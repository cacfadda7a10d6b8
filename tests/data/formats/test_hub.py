"""Data sets in the package `datasets`, in memory and saved on disk, with the columns of the best-known ones."""

import sys

import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value

from convbert_edu.data.examples import Answer, ChoiceExample, QuestionExample, TextExample, TokenExample
from convbert_edu.data.formats.hub import load_hub_dataset, read_dataset

STARS = Features({"text": Value("string"), "label": ClassLabel(names=["1", "2", "3"])})


def test_classes_keep_their_names_even_if_these_are_numbers():
    dataset = Dataset.from_dict({"text": ["a", "b 😀"], "label": [2, 0]}, features=STARS)
    file = read_dataset(dataset, "classification")
    assert file.label_names == ("1", "2", "3")
    assert file.examples == [TextExample("a", 2), TextExample("b 😀", 0)]


def test_pairs_with_values():
    dataset = Dataset.from_dict({"sentence1": ["a"], "sentence2": ["b"], "label": [3.5]})
    columns = {"text": "sentence1", "text_pair": "sentence2"}
    assert read_dataset(dataset, "classification", columns).examples == [TextExample("a", 3.5, "b")]


def test_several_classes():
    features = Features({"text": Value("string"), "labels": List(ClassLabel(names=["joy", "fear", "anger"]))})
    dataset = Dataset.from_dict({"text": ["a", "b"], "labels": [[2, 0], []]}, features=features)
    file = read_dataset(dataset, "classification", {"label": "labels"})
    assert [example.label for example in file.examples] == [(1, 0, 1), (0, 0, 0)]


def test_words_with_labels():
    names = ["O", "B-PER", "I-PER"]
    features = Features({"tokens": List(Value("string")), "ner_tags": List(ClassLabel(names=names))})
    dataset = Dataset.from_dict(
        {"tokens": [["Ann", "Lee", "sings"]], "ner_tags": [[1, 2, 0]]}, features=features
    )
    file = read_dataset(dataset, "token-classification")
    assert (file.label_names, file.examples) == (
        tuple(names),
        [TokenExample(("Ann", "Lee", "sings"), (1, 2, 0))],
    )
    dataset = Dataset.from_dict({"tokens": [["Ann", "sings"]], "ner_tags": [[1]]}, features=features)
    with pytest.raises(ValueError, match="row 0: there are 2 words and 1 labels"):
        read_dataset(dataset, "token-classification")


def test_questions():
    answers = [{"text": ["fünf"], "answer_start": [6]}, {"text": [], "answer_start": []}]
    columns = {
        "id": ["q1", "q2"],
        "question": ["?", "??"],
        "context": ["😀 sind fünf"] * 2,
        "answers": answers,
    }
    with pytest.raises(ValueError, match="item q1: the answer 'fünf' is not at its offset 6"):
        read_dataset(Dataset.from_dict(columns), "question-answering")
    answers[0]["answer_start"] = [7]
    assert read_dataset(Dataset.from_dict(columns), "question-answering").examples == [
        QuestionExample("q1", "?", "😀 sind fünf", (Answer("fünf", 7),)),
        QuestionExample("q2", "??", "😀 sind fünf", ()),
    ]


def test_choices():
    columns = {
        "sent1": ["A man."],
        "sent2": ["He"],
        **{f"ending{n}": [f"e{n}"] for n in range(4)},
        "label": [3],
    }
    assert read_dataset(Dataset.from_dict(columns), "multiple-choice").examples == [
        ChoiceExample("", "A man.", ("e0", "e1", "e2", "e3"), 3, "He")
    ]


def test_rows_without_a_text_or_an_answer_are_bad_rows():
    good = {"text": ["fünf"], "answer_start": [0]}
    questions = {
        "id": ["q1", "q2", "q3"],
        "question": ["?", None, "?"],
        "context": ["fünf"] * 3,
        "answers": [good, good, None],
    }
    with pytest.warns(UserWarning, match="item q2: the question is missing.*item q3: it has no answers"):
        file = read_dataset(Dataset.from_dict(questions), "question-answering", on_bad="skip")
    assert [example.id for example in file.examples] == ["q1"]
    choices = {"sent1": ["A man.", None], "sent2": ["He"] * 2, "label": [0, 1]}
    choices |= {f"ending{n}": ["e"] * 2 for n in range(4)}
    with pytest.warns(UserWarning, match="1 bad row was left out: row 1: the context is missing"):
        read_dataset(Dataset.from_dict(choices), "multiple-choice", on_bad="skip")


def test_plain_texts_to_hide_words_in():
    dataset = Dataset.from_dict({"text": ["a b 😀", "", None, "c"], "title": ["1", "2", "3", "4"]})
    with pytest.raises(ValueError, match=r"row 1: the text is ''; it must hold words. .*on_bad=\"skip\""):
        read_dataset(dataset, "masked-lm")
    with pytest.warns(UserWarning, match="2 bad rows were left out: row 1: the text is ''.*row 2: .*None"):
        file = read_dataset(dataset, "masked-lm", on_bad="skip")
    assert file.examples == [TextExample("a b 😀", 0), TextExample("c", 0)]
    assert read_dataset(dataset, "masked-lm", {"text": "title"}).examples[0] == TextExample("1", 0)


def test_splits_saved_on_disk(tmp_path):
    splits = {"train": Dataset.from_dict({"text": ["a", "b"], "label": [1, 0]}, features=STARS)}
    splits["test"] = Dataset.from_dict({"text": ["c"], "label": [-1]}, features=STARS)
    DatasetDict(splits).save_to_disk(tmp_path / "saved")
    name = str(tmp_path / "saved")
    loaded = load_hub_dataset(name, "classification", validation=None)
    assert (loaded.train, loaded.validation, loaded.test) == (
        [TextExample("a", 1), TextExample("b", 0)],
        [],
        [],
    )
    assert loaded.label_names == ("1", "2", "3")
    with pytest.raises(ValueError, match="has no split 'validation'; its splits are train, test"):
        load_hub_dataset(name, "classification")
    with pytest.raises(ValueError, match="test, row 0: the label is missing"):
        load_hub_dataset(name, "classification", validation=None, test="test")


def test_what_is_not_there():
    dataset = Dataset.from_dict({"review": ["a"], "label": [1]})
    with pytest.raises(ValueError, match="has no column 'text'; its columns are review, label"):
        read_dataset(dataset, "classification")
    with pytest.raises(ValueError, match="needs no 'word'; columns are given for text, text_pair, label"):
        read_dataset(dataset, "classification", {"word": "review"})
    with pytest.raises(ValueError, match="there is no task 'summaries'; choose one of classification"):
        read_dataset(dataset, "summaries")


def test_without_the_package_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'convbert-edu\[datasets\]'"):
        load_hub_dataset("some/name", "classification")
