"""Distillation runs, end to end: they learn, they go on exactly, and they refuse what does not fit."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import transformers
from click.testing import CliRunner
from safetensors.torch import load_file, save_file

from convbert_edu import ConvBertForMaskedLM, ConvBertForPreTraining, ConvBertModel
from convbert_edu.cli.main import main
from convbert_edu.distillation.run import distil
from convbert_edu.distillation.settings import DistillationSettings
from convbert_edu.tokenizer import ConvBertTokenizer
from convbert_edu.training.run_checkpoint import newest_checkpoint
from convbert_edu.training.run_folder import RunLog
from tiny_corpus import make_corpus
from tiny_distillation import Parties, make_teacher

CPU = torch.device("cpu")
# What another process runs, to be killed: a distillation in float64.
IN_FLOAT64 = """
import sys
import torch
torch.set_default_dtype(torch.float64)
from convbert_edu.cli.main import main
main(sys.argv[1:])
"""


def run(parties: Parties, folder: Path, settings: DistillationSettings, **options: object) -> dict:
    corpus = parties.corpus
    options = {"device": CPU, "held_out": corpus.held_out} | options
    return distil(settings, corpus.train, corpus.tokenizer, folder, **options)


def test_a_run_comes_nearer_to_the_teacher_and_saves_one_folder_for_three_classes(
    parties: Parties, tmp_path: Path
):
    settings = parties.settings(steps=60, rtd_weight=5.0, new_learning_rate=5e-3, learning_rate=2e-3)
    record = run(parties, tmp_path, settings)
    lines = RunLog(tmp_path / "log.jsonl").lines()
    for name in ("hidden_error", "last_layer_error", "masked_lm_loss"):
        first, last = (sum(line[name] for line in some) / 10 for some in (lines[:10], lines[-10:]))
        assert last < 0.9 * first, name
    held_out = record["held_out"]
    mean = sum(held_out[f"hidden_error_{layer}"] for layer in range(3)) / 3
    assert held_out["hidden_error"] == pytest.approx(mean)
    assert 0 < held_out["masked_lm_accuracy"] < 1
    assert 0 <= held_out["detection_auc"] <= 1
    for kind in (ConvBertModel, ConvBertForMaskedLM, ConvBertForPreTraining):
        assert kind.from_pretrained(tmp_path / "model").loading_report.newly_initialised == []
    opened = transformers.AutoModelForMaskedLM.from_pretrained(tmp_path / "model").eval()
    ids = torch.arange(5, 20)[None]
    with torch.no_grad():
        ours = ConvBertForMaskedLM.from_pretrained(tmp_path / "model")(ids).logits
        torch.testing.assert_close(ours, opened(ids).logits, atol=1e-4, rtol=1e-4)
    assert ConvBertForMaskedLM.from_pretrained(tmp_path / "model").config.hidden_dropout_prob == 0.1


def test_without_games_only_the_encoder_is_saved(parties: Parties, tmp_path: Path):
    run(parties, tmp_path, parties.settings(masked_lm_weight=0.0, steps=3, warmup_steps=1))
    names = load_file(tmp_path / "model" / "model.safetensors")
    assert not [name for name in names if "predictions" in name or "lm_head" in name]


@pytest.mark.usefixtures("float64")
def test_a_run_that_was_killed_and_resumed_ends_where_an_uninterrupted_one_does(
    parties: Parties, tmp_path: Path
):
    """Twenty steps in float64, with dropout and accumulation; killed with kill -9, at no particular moment."""
    settings = parties.settings(
        steps=20, gradient_accumulation_steps=2, dropout=0.1, rtd_weight=2.0, attention_weight=0.1,
        checkpoint_minutes=0.0,
    )  # fmt: skip
    run(parties, tmp_path / "whole", settings)
    (tmp_path / "settings.json").write_text(json.dumps(settings.to_dict()))
    arguments = [
        parties.corpus.train.folder.parent,
        tmp_path / "killed",
        "--settings",
        tmp_path / "settings.json",
    ]
    process = subprocess.Popen(
        [sys.executable, "-c", IN_FLOAT64, "distil", *map(str, arguments), "--device", "cpu"]
    )
    deadline = time.monotonic() + 100
    while "step-00000000" in str(newest_checkpoint(tmp_path / "killed" / "checkpoints") or "step-00000000"):
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.001)
    process.kill()
    assert process.wait() == -signal.SIGKILL

    run(parties, tmp_path / "killed", settings, resume=True)
    whole, killed = (
        load_file(tmp_path / name / "model" / "model.safetensors") for name in ("whole", "killed")
    )
    assert whole.keys() == killed.keys()
    for name, tensor in whole.items():
        assert tensor.dtype == torch.float64
        torch.testing.assert_close(killed[name], tensor, atol=1e-10, rtol=0, msg=name)


@pytest.mark.slow
def test_two_processes_learn_what_one_learns_with_twice_the_batch(parties: Parties, tmp_path: Path):
    settings = parties.settings(rtd_weight=2.0, gradient_accumulation_steps=2)
    (tmp_path / "settings.json").write_text(json.dumps(settings.to_dict()))
    corpus = parties.corpus.train.folder.parent
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m"]
    arguments = ["convbert_edu", "distil", corpus, tmp_path / "two", "--settings", tmp_path / "settings.json"]
    subprocess.run([*torchrun, *map(str, arguments), "--device", "cpu"], check=True, timeout=300)
    run(parties, tmp_path / "one", parties.settings(rtd_weight=2.0, gradient_accumulation_steps=4))
    names = ("loss", "hidden_error", "masked_lm_loss", "detection_loss")
    one, two = (
        torch.tensor(
            [[line[name] for name in names] for line in RunLog(tmp_path / folder / "log.jsonl").lines()]
        )
        for folder in ("one", "two")
    )
    torch.testing.assert_close(one, two, atol=1e-3, rtol=1e-3)


# Refusals ------------------------------------------------------------------------------------------------


def test_resuming_with_another_teacher_is_refused(parties: Parties, tmp_path: Path):
    run(parties, tmp_path / "run", parties.settings(steps=3, stop_after=2))
    other = make_teacher(tmp_path / "other", parties.corpus)
    weights = load_file(other / "model.safetensors")
    save_file(weights | {"embeddings.LayerNorm.bias": torch.ones(32)}, other / "model.safetensors")
    with pytest.raises(ValueError, match="teacher_sha256 was"):
        run(parties, tmp_path / "run", parties.settings(steps=3, teacher=str(other)), resume=True)


def test_the_student_and_the_teacher_may_move_to_another_folder(parties: Parties, tmp_path: Path):
    run(parties, tmp_path / "run", parties.settings(steps=3, stop_after=2))
    (tmp_path / "student").symlink_to(parties.student)
    run(parties, tmp_path / "run", parties.settings(steps=3, student=str(tmp_path / "student")), resume=True)
    assert RunLog(tmp_path / "run" / "log.jsonl").lines()[-1]["step"] == 3


@pytest.mark.parametrize("who", ["teacher", "student"])
def test_another_vocabulary_is_refused(parties: Parties, tmp_path: Path, who: str):
    other = make_teacher(tmp_path / "other", parties.corpus)
    tokens = parties.corpus.tokenizer.convert_ids_to_tokens(list(range(len(parties.corpus.tokenizer))))
    tokens[-1], tokens[-2] = tokens[-2], tokens[-1]
    ConvBertTokenizer(tokens).save_pretrained(other)
    with pytest.raises(
        ValueError, match=rf"the {who} in .* was trained with another vocabulary.*--tokenizer"
    ):
        run(parties, tmp_path / "run", parties.settings(**{who: str(other)}))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("teacher", "settings", "message"),
    [
        ({"hidden_size": 48}, {}, "the student's hidden_size is 32, the teacher's 48; they must be equal"),
        (
            {"num_hidden_layers": 1},
            {},
            "the teacher has 1 layers, the student 2; a teacher must have at least",
        ),
        (
            {"num_hidden_layers": 1},
            {"layers": [0, 1]},
            r"layers is \[0, 1\].*0 to 0, for each of the student's 2",
        ),
        ({}, {"layers": [3]}, r"layers is \[3\]; it must name a layer of the teacher, 0 to 3"),
        ({}, {"layers": [1, "last"]}, r"layers is \[1, 'last'\]"),
        ({"max_position_embeddings": 16}, {}, "max_position_embeddings is 16, but sequences have up to 32"),
        ({}, {"batch_size": 5000}, "sequences, but one step takes 5000"),
    ],
)
def test_a_teacher_that_does_not_fit_is_refused(
    parties: Parties, tmp_path: Path, teacher: dict, settings: dict, message: str
):
    folder = make_teacher(tmp_path / "teacher", parties.corpus, **teacher)
    with pytest.raises(ValueError, match=message):
        run(parties, tmp_path / "run", parties.settings(teacher=str(folder), **settings))


def test_text_shorter_than_a_sequence_is_refused(tmp_path: Path):
    (tmp_path / "short.txt").write_text("the cat\n")
    short = str(tmp_path / "short.txt")
    command = ["data", "pack", str(tmp_path / "corpus"), "--text", short, "--held-out", short]
    corpus = make_corpus(tmp_path / "other")
    result = CliRunner().invoke(main, [*command, "--tokenizer", str(corpus.train.folder.parent)])
    assert result.exit_code == 1
    assert "there is no sequence to write" in result.output


def test_maps_can_be_compared_only_where_a_conversion_says_which_heads_were_kept(
    parties: Parties, tmp_path: Path
):
    ConvBertModel.from_pretrained(parties.student).save_pretrained(tmp_path / "bare")
    settings = parties.settings(student=str(tmp_path / "bare"), attention_weight=1.0)
    with pytest.raises(
        FileNotFoundError, match=r"attention_weight is above 0, but .*conversion.json is missing"
    ):
        run(parties, tmp_path / "run", settings)
    report = json.loads((parties.student / "conversion.json").read_text())
    (tmp_path / "bare" / "conversion.json").write_text(json.dumps(report | {"replaced": [[0, 1]]}))
    with pytest.raises(ValueError, match="is of another model: it keeps"):
        run(parties, tmp_path / "run", settings)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"inputs": "clean"}, "inputs is 'clean'; choose one of masked, student_masked, original"),
        ({"hidden_weight": -1.0}, "hidden_weight is -1.0; it must be at least 0"),
        ({"hidden_weight": 0.0, "masked_lm_weight": 0.0}, "are all 0, so there is nothing to learn"),
        ({"masked_lm_weight": 0.0, "rtd_weight": 1.0}, "rtd_weight is 1.0 but masked_lm_weight is 0"),
        ({"new_learning_rate": 0.0}, "new_learning_rate is 0.0; it must be above 0"),
        ({"steps": 0}, "steps is 0; it must be at least 1"),
        ({"warmup_steps": 12}, "warmup_steps is 12; it must be from 0 to below steps"),
        ({"mask_share": 1.5}, "mask_share is 1.5"),
        ({"beta2": 1.0}, "beta2 is 1.0"),
        ({"max_length": 0}, "max_length is 0"),
    ],
)
def test_settings_that_cannot_work_are_refused(parties: Parties, change: dict, message: str):
    with pytest.raises(ValueError, match=message):
        parties.settings(**change)


def test_the_command_needs_a_student_and_explains_errors(parties: Parties, tmp_path: Path):
    command = ["distil", str(parties.corpus.train.folder.parent), str(tmp_path / "run")]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 2
    assert "--set student=FOLDER" in result.output
    result = CliRunner().invoke(main, [*command, "--set", "student=/no/such/folder"])
    assert result.exit_code == 1
    assert "neither a folder nor a bundled model" in result.output
