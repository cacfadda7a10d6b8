"""The model card says what the record says, completely, and nothing of the machine."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from convbert_edu.data import SOURCES
from convbert_edu.extras.publishing import TrainingRecord, TrainingStage, model_card


def a_run(folder: Path) -> Path:
    """The folder of a finished pretraining run, in miniature."""
    settings = {"steps": 400, "learning_rate": 0.003, "start_generator": str(folder / "mlm" / "generator")}
    record = {"settings": settings, "steps": 400, "tokens": 1_234_567, "seconds": 7260.0, "torch": "2.13.0",
              "held_out": {"masked_lm_accuracy": 0.48508449}}  # fmt: skip
    (folder / "record.json").write_text(json.dumps(record))
    lines = [
        {"step": step, "loss": 8 - step / 100, "masked_lm_loss": 7 - step / 100}
        for step in range(10, 401, 10)
    ]
    lines.insert(20, {"step": 200, "held_out": {"masked_lm_accuracy": 0.3}})
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def a_record(**changes: Any) -> TrainingRecord:
    """A record with everything that a card shows."""
    stage = TrainingStage(
        what="masked words",
        settings={"steps": 12, "objective": "masked_lm"},
        steps=12,
        tokens=3456,
        seconds=90.0,
    )
    facts: dict[str, Any] = dict(
        name="me/tiny",
        what="A small ConvBERT that predicts masked tokens.",
        model_class="ConvBertForMaskedLM",
        parameters=1_900_000,
        stages=[stage],
        sources=("reviews", "wikipedia"),
        results={"accuracy | masked tokens": 0.4412345, "topics, 500 examples": "0.59 ± 0.01"},
        limits=["It has seen film reviews and little else."],
        reproduce=["convbert-edu data pack corpus", "convbert-edu pretrain corpus run"],
    )
    return TrainingRecord(**(facts | changes))


def header(card: str) -> dict[str, Any]:
    assert card.startswith("---\n")
    return yaml.safe_load(card.split("---\n")[1])


def tables(card: str) -> list[list[list[str]]]:
    """All tables of a card: rows of cells."""
    blocks = [block.splitlines() for block in card.split("\n\n") if block.startswith("|")]
    return [[[cell.strip() for cell in line.strip("|").split(" | ")] for line in block] for block in blocks]


def test_the_hub_can_read_the_header():
    assert header(model_card(a_record())) == {
        "license": "apache-2.0", "language": "en", "library_name": "convbert_edu", "pipeline_tag": "fill-mask",
        "tags": ["convbert"],
    }  # fmt: skip
    # The names of tasks that the hub knows.
    for model_class, tag in {
        "ConvBertForSequenceClassification": "text-classification",
        "ConvBertForTokenClassification": "token-classification",
        "ConvBertForQuestionAnswering": "question-answering",
    }.items():
        assert header(model_card(a_record(model_class=model_class)))["pipeline_tag"] == tag
    for model_class in ("ConvBertForPreTraining", "ConvBertForMultipleChoice", "ConvBertModel"):
        assert "pipeline_tag" not in header(model_card(a_record(model_class=model_class)))


def test_each_piece_of_the_record_is_there():
    card = model_card(a_record())
    for piece in (
        "# me/tiny", "A small ConvBERT that predicts masked tokens.", "of 1,900,000 parameters",
        'ConvBertForMaskedLM.from_pretrained("me/tiny")', "## Training, stage 1: masked words",
        "12 steps, 3,456 tokens, 2 minutes", '| objective | "masked_lm" |', "| topics, 500 examples | 0.59 ± 0.01 |",
        r"| accuracy \| masked tokens | 0.4412 |", "- It has seen film reviews", "convbert-edu pretrain corpus run",
    ):  # fmt: skip
        assert piece in card
    for name in ("reviews", "wikipedia"):
        source = SOURCES[name]
        assert f"| {source.what} | {source.licence} | {source.citation} |" in card


def test_a_run_is_read_from_its_folder(tmp_path: Path):
    stage = TrainingStage.from_run(a_run(tmp_path), "the discriminator")
    card = model_card(a_record(stages=[stage]))
    assert "400 steps, 1,234,567 tokens, 2.0 hours, torch 2.13.0." in card
    assert "| masked_lm_accuracy | 0.4851 |" in card
    curve = next(table for table in tables(card) if table[0][0] == "step")
    assert curve[0] == ["step", "loss", "masked_lm_loss"]
    steps = [int(row[0].replace(",", "")) for row in curve[2:]]
    assert len(steps) == 10
    assert (steps[0], steps[-1]) == (10, 400)
    assert steps == sorted(steps)
    assert all(float(row[1]) == pytest.approx(8 - int(row[0]) / 100) for row in curve[2:])


def test_a_card_names_no_folder_of_somebodys_machine(tmp_path: Path):
    card = model_card(a_record(stages=[TrainingStage.from_run(a_run(tmp_path), "the discriminator")]))
    assert str(tmp_path) not in card
    assert '| start_generator | "generator" |' in card


@pytest.mark.parametrize("name", ["record.json", "log.jsonl"])
def test_a_run_that_has_not_ended(name: str, tmp_path: Path):
    (a_run(tmp_path) / name).unlink()
    with pytest.raises(
        FileNotFoundError, match=rf"{name} is missing; a card is made from the folder of a finished"
    ):
        TrainingStage.from_run(tmp_path, "the discriminator")


def test_a_short_log_and_none_at_all():
    line = {"step": 5, "loss": 1.5}
    for log in ([], [line], [line, {"step": 6, "loss": 1.25}]):
        stage = TrainingStage(what="all", settings={}, steps=6, tokens=1, seconds=1.0, log=log)
        curves = [table for table in tables(model_card(a_record(stages=[stage]))) if table[0][0] == "step"]
        assert [len(table) - 2 for table in curves] == ([len(log)] if log else [])
