"""The models in the package: they are those that were measured, they load without a network, and the figures hold."""

import hashlib
import json
from pathlib import Path
from statistics import mean

import pytest
import torch
import transformers

from bundled_models import stage_command
from convbert_edu import ConvBertForMaskedLM, ConvBertForPreTraining, ConvBertModel, ConvBertTokenizer
from convbert_edu.checkpoints.folder import BUNDLED, bundled_models
from convbert_edu.pretraining.documents import pretraining_texts
from convbert_edu.pretraining.token_file import TokenFile, write_token_file
from pretraining_held_out import evaluate_models
from tolerance import assert_same_numbers

SHA256 = {
    "convbert-mini": "17652770157091300a6e62cf47569c7466671bb03e31d136ccdb1a1c4ef961fc",
    "convbert-tiny": "89142beba0a956ed157a4e715cfcab13019b945ec574df79f7e50d17a1e034ea",
    "convbert-tiny-generator": "c42cc6dd408cabb6eef6cbb9a7996c4f65fb13f003151529b80c2448a73bcbf6",
}
# All classes that a folder opens with, none of which starts a weight anew.
CLASSES = {
    "convbert-mini": (ConvBertForMaskedLM, ConvBertForPreTraining, ConvBertModel),
    "convbert-tiny": (ConvBertForPreTraining,),
    "convbert-tiny-generator": (ConvBertForMaskedLM,),
}
MEGABYTES = {"convbert-mini": 32, "convbert-tiny": 6, "convbert-tiny-generator": 6}
VOCABULARY = {"convbert-mini": 30_522}
# Heads of the folder that a class may have no place for, by the names in the file.
HEADS = ("generator_lm_head", "generator_predictions", "discriminator_predictions")


def test_these_are_bundled_and_small():
    assert bundled_models() == sorted(SHA256)
    for name, limit in MEGABYTES.items():
        assert sum(path.stat().st_size for path in (BUNDLED / name).iterdir()) <= limit * 1_000_000, name


def test_a_stage_is_one_command_which_goes_on_where_a_checkpoint_lies(tmp_path: Path):
    settings = {"steps": 3, "start_generator": "before/generator"}
    command = stage_command(tmp_path, "next", "pretrain", settings, processes=1)
    assert command[1:4] == ["-m", "convbert_edu", "pretrain"]
    written = json.loads(Path(command[-1]).read_text())
    assert written == {"steps": 3, "start_generator": str(tmp_path / "before" / "generator")}
    assert "--resume" not in command
    (tmp_path / "next" / "checkpoints").mkdir(parents=True)
    (tmp_path / "next" / "checkpoints" / "step-000000001.pt").touch()
    command = stage_command(tmp_path, "next", "pretrain", settings, processes=2)
    assert command[1:4] == ["-m", "torch.distributed.run", "--nproc-per-node=2"]
    assert command[-1] == "--resume"


@pytest.mark.parametrize("name", SHA256)
def test_the_weights_are_those_that_were_measured(name: str):
    assert hashlib.sha256((BUNDLED / name / "model.safetensors").read_bytes()).hexdigest() == SHA256[name]


@pytest.mark.parametrize(("name", "kind"), [(name, kind) for name in CLASSES for kind in CLASSES[name]])
def test_every_weight_is_loaded_without_a_word(name: str, kind: type, recwarn: pytest.WarningsRecorder):
    """By name alone, with no network: the hub's client is not even imported for a bundled name."""
    model = kind.from_pretrained(name)
    assert model.loading_report.newly_initialised == []
    assert all(ignored.startswith(HEADS) for ignored in model.loading_report.ignored)
    if len(CLASSES[name]) == 1:
        assert model.loading_report.ignored == []
    assert all(parameter.dtype == torch.float32 for parameter in model.parameters())  # stored in 16 bits
    vocabulary = VOCABULARY.get(name, 8_000)
    assert len(ConvBertTokenizer.from_pretrained(name)) == model.config.vocab_size == vocabulary
    assert not recwarn.list


@pytest.mark.parametrize("name", SHA256)
def test_the_folder_opens_in_transformers_with_equal_outputs(name: str):
    batch = ConvBertTokenizer.from_pretrained(name)("The capital of France is Paris.", return_tensors="pt")
    ours = ConvBertModel.from_pretrained(name).float()(**batch).last_hidden_state
    theirs = transformers.AutoModel.from_pretrained(BUNDLED / name).float().eval()(**batch).last_hidden_state
    assert_same_numbers(ours, theirs, layers=6)


@pytest.fixture(scope="module")
def test_part(tmp_path_factory: pytest.TempPathFactory) -> TokenFile:
    """The text that the models never saw, as they were measured on it."""
    folder = tmp_path_factory.mktemp("held_out") / "test"
    return write_token_file(
        pretraining_texts("test"), ConvBertTokenizer.from_pretrained("convbert-tiny"), folder
    )


@pytest.mark.slow
def test_the_measured_figures_hold(test_part: TokenFile):
    """The record's figures, measured again on the same hidden words."""
    recorded = json.loads((BUNDLED / "convbert-tiny" / "record.json").read_text())["held_out"]
    results = evaluate_models(
        "convbert-tiny", "convbert-tiny-generator", test_part, int(recorded["sequences"])
    )
    for name, value in results.items():
        # An F1 of 0.08 counts few decisions, of which rounding (bfloat16 here, float32 there) turns some.
        assert value == pytest.approx(recorded[name], rel=5e-3, abs=2e-3), name
    assert recorded["masked_lm_accuracy"] > 2 * recorded["unigram_accuracy"]
    assert recorded["masked_lm_perplexity"] < recorded["unigram_perplexity"] / 10
    assert recorded["detection_auc"] > 0.6


@pytest.mark.parametrize("name", SHA256)
def test_the_card_tells_what_the_record_knows(name: str):
    folder = BUNDLED / name
    card = (folder / "README.md").read_text()
    record = json.loads((folder / "record.json").read_text())
    for stage in record["stages"]:
        assert f"{stage['steps']:,}" in card
    assert f"{record['held_out']['masked_lm_accuracy']:.3f}" in card
    for case, found in record["fine_tuning"].items():
        if name == "convbert-mini":
            for metric, scores in found.items():
                assert f"test {metric}, {len(scores)} seeds, 95% interval | {mean(scores):.3f}" in card
        else:
            assert case in card
            assert all(start in card for start in found)


def test_nothing_of_the_machine_that_trained_them_is_in_them():
    for path in BUNDLED.rglob("*.json"):
        assert str(Path.home()) not in path.read_text()
        assert "/tmp/" not in path.read_text()
