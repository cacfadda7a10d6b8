"""Publishing: the real client's requests to a hub on this machine, in one commit or not at all."""

import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
import torch
from huggingface_hub import constants

from convbert_edu import (
    ConvBertForMaskedLM,
    ConvBertForPreTraining,
    ConvBertForQuestionAnswering,
    ConvBertForSequenceClassification,
    ConvBertTokenizer,
)
from convbert_edu.extras.publishing import TrainingRecord, push_to_hub
from convbert_edu.finetuning.data_sources import load_data
from convbert_edu.finetuning.predictor import Predictor
from convbert_edu.finetuning.run import finetune
from convbert_edu.finetuning.tasks import Classification
from extras.test_model_card import a_record
from helpers import ROOT
from local_hub import TOKEN, LocalHub
from models.cases import build, inputs_for
from tiny_tasks import CPU, quick_settings, save_tiny_model
from tolerance import assert_same_numbers
from upload_hub import Uploads, accept_uploads


@pytest.fixture
def uploads(hub: LocalHub, monkeypatch: pytest.MonkeyPatch) -> Uploads:
    """The hub takes uploads over plain HTTP, and the user is logged in."""
    monkeypatch.setattr(
        constants, "HF_HUB_DISABLE_XET", True
    )  # its storage servers speak a protocol of their own
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    return accept_uploads(hub)


@pytest.fixture(scope="module")
def tokenizer() -> ConvBertTokenizer:
    return ConvBertTokenizer.train(["a warm film"] * 3, vocab_size=30)


def test_what_was_published_is_what_comes_back(hub: LocalHub, uploads: Uploads, tokenizer: ConvBertTokenizer):
    model = build(ConvBertForMaskedLM)
    address = push_to_hub(model, "me/tiny", tokenizer, a_record(), commit_message="The first one")
    repository = hub.repositories["me/tiny"]
    assert address == f"{hub.url}/me/tiny/commit/{repository.revisions['main']}"
    assert uploads.messages == ["The first one"]
    assert len(repository.commits) == 2, "the empty one of the new repository, and one with all files"
    files = repository.commits[repository.revisions["main"]]
    assert sorted(files) == [
        "README.md", "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.txt",
    ]  # fmt: skip
    assert list(uploads.large.values()) == [files["model.safetensors"]]
    assert files["README.md"].decode().startswith("---\nlicense: apache-2.0\n")

    back = ConvBertForMaskedLM.from_pretrained("me/tiny")
    inputs = inputs_for(ConvBertForMaskedLM)
    with torch.no_grad():
        assert_same_numbers(back(**inputs).logits, model(**inputs).logits)
    for before, after in zip(model.parameters(), back.parameters(), strict=True):
        assert torch.equal(before, after)
    texts = ["a warm warm film"]
    assert ConvBertTokenizer.from_pretrained("me/tiny")(texts)["input_ids"] == tokenizer(texts)["input_ids"]


def test_a_fine_tuned_model_is_published_as_lesson_09_shows_and_answers_from_there(
    hub: LocalHub, uploads: Uploads, tmp_path: Path
):
    table = tmp_path / "animals.tsv"
    table.write_text("text\tlabel\n" + "the cat likes milk .\thouse\nthe bear hid honey .\twood\n" * 2)
    finetune(
        Classification(windows=2), load_data(f"table:{table}", "classification"), save_tiny_model(tmp_path / "start"),
        tmp_path / "run", quick_settings(max_length=7), device=CPU,
    )  # fmt: skip
    predictor = Predictor.load(tmp_path / "run", CPU)
    push_to_hub(predictor.model, "me/animal-sorter", predictor.tokenizer)
    texts = ["the bear likes milk .", "the cat hid honey ."]
    answers = predictor.predict(texts)
    assert {answer["label"] for answer in answers} <= {"house", "wood"}
    published = Predictor.load("me/animal-sorter", CPU)
    assert (published.task, published.max_length) == (Classification(windows=2), 7)
    for here, there in zip(answers, published.predict(texts), strict=True):
        assert here["label"] == there["label"]
        assert here["probabilities"] == pytest.approx(there["probabilities"], abs=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"windows": 2, "stride": 3}, "classification has no options ['stride']; it has "),
        *[({"max_length": value}, f"the max_length {value!r}; it must be a whole number from 1 to "
           "max_position_embeddings, 64") for value in (0, 65, 7.5, "7", None)],
    ],
)  # fmt: skip
def test_task_options_that_cannot_be_used_are_refused(options: dict[str, Any], message: str, tmp_path: Path):
    fields = {"max_position_embeddings": 64, "task_specific_params": {"classification": options}}
    build(ConvBertForSequenceClassification, **fields).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=re.escape(message)) as raised:
        Predictor.load(tmp_path, CPU)
    assert f"task_specific_params in the config.json of {tmp_path}" in str(raised.value)


def test_a_repository_that_is_there_gets_one_more_commit(hub: LocalHub, uploads: Uploads):
    for seed in range(2):
        model = build(ConvBertForPreTraining, num_hidden_layers=1 + seed)
        assert push_to_hub(model, "me/tiny", private=True).startswith(f"{hub.url}/me/tiny/commit/")
    assert [made["visibility"] for made in uploads.made] == ["private"]
    repository = hub.repositories["me/tiny"]
    assert len(repository.commits) == 3
    config = json.loads(repository.commits[repository.revisions["main"]]["config.json"])
    assert config["num_hidden_layers"] == 2


def test_what_lesson_11_shows_of_publishing_works(
    hub: LocalHub,
    uploads: Uploads,
    tokenizer: ConvBertTokenizer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    lesson = nbformat.read(ROOT / "notebooks" / "11_question_answering.ipynb", as_version=4)
    text = "\n\n".join(cell.source for cell in lesson.cells if cell.cell_type == "markdown")
    (shown,) = (
        block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "push_to_hub" in block
    )
    model = build(ConvBertForQuestionAnswering)
    model.save_pretrained(tmp_path / "library" / "model")
    tokenizer.save_pretrained(tmp_path / "library" / "model")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(shown.replace('"you/', '"me/'), names)
    assert list(hub.repositories) == ["me/library-questions"]
    assert [made["visibility"] for made in uploads.made] == ["private"]
    for before, after in zip(model.parameters(), names["predictor"].model.parameters(), strict=True):
        assert torch.equal(before, after)
    (answer,) = names["predictor"].predict([{"question": "warm", "context": "a warm film"}])
    assert answer["answer"] in "a warm film"


@pytest.mark.parametrize("step", ["preupload", "batch", "put", "commit"])
def test_whatever_breaks_nothing_is_published(step: str, hub: LocalHub, uploads: Uploads):
    uploads.stop_at = step
    with pytest.raises(ConnectionError, match="'me/tiny' was not published: "):
        push_to_hub(build(ConvBertForMaskedLM), "me/tiny")
    assert hub.repositories["me/tiny"].commits[hub.repositories["me/tiny"].revisions["main"]] == {}


def test_strangers_are_told_to_log_in(hub: LocalHub, uploads: Uploads, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(PermissionError, match=r"'me/tiny' was not published: .* log in with `hf auth login`"):
        push_to_hub(build(ConvBertForMaskedLM), "me/tiny")
    assert hub.repositories == {}
    with pytest.raises(PermissionError, match="does not let you write there"):
        push_to_hub(build(ConvBertForMaskedLM), "others/tiny", token=TOKEN)


def test_a_branch_that_is_not_there(hub: LocalHub, uploads: Uploads):
    with pytest.raises(FileNotFoundError, match=r"no such branch \(Invalid rev id: draft\)"):
        push_to_hub(build(ConvBertForMaskedLM), "me/tiny", revision="draft")


@pytest.mark.parametrize("name", ["me/../tiny", "me/a--b", "a/b/c", "tiny", ""])
def test_an_impossible_name(name: str, hub: LocalHub, uploads: Uploads):
    with pytest.raises(ValueError, match="OWNER/NAME"):
        push_to_hub(build(ConvBertForMaskedLM), name)
    assert uploads.made == []


def test_no_network_and_offline(hub: LocalHub, uploads: Uploads, monkeypatch: pytest.MonkeyPatch):
    hub.close()
    with pytest.raises(ConnectionError, match=r"the connection to .* failed"):
        push_to_hub(build(ConvBertForMaskedLM), "me/tiny")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ConnectionError, match=r"HF_HUB_OFFLINE forbids it|failed"):
        push_to_hub(build(ConvBertForMaskedLM), "me/tiny")


def test_a_record_that_names_no_source_publishes_nothing(hub: LocalHub, uploads: Uploads):
    record: TrainingRecord = a_record(sources=("reviews", "the whole web"))
    with pytest.raises(ValueError, match="there is no data source 'the whole web'"):
        push_to_hub(build(ConvBertForMaskedLM), "me/tiny", record=record)
    assert uploads.made == []
