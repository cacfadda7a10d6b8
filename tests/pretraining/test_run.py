"""Pretraining runs, end to end, on a tiny corpus: they learn, repeat, and go on where they stopped."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from convbert_edu import ConvBertForMaskedLM, ConvBertForPreTraining
from convbert_edu.pretraining.corpus import PretrainingCorpus
from convbert_edu.pretraining.run import pretrain
from convbert_edu.pretraining.settings import PretrainSettings
from convbert_edu.pretraining.token_file import TokenFile
from convbert_edu.tokenizer import ConvBertTokenizer
from convbert_edu.training.run_checkpoint import newest_checkpoint
from convbert_edu.training.run_folder import RunLog
from full_disk import full_disk
from tiny_corpus import make_corpus, quick_settings
from tolerance import assert_same_record, assert_same_training

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> PretrainingCorpus:
    return make_corpus(tmp_path_factory.mktemp("pretrain") / "corpus")


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    """Runs set the number of threads; the tests after these keep theirs."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def run(corpus: PretrainingCorpus, folder: Path, settings: PretrainSettings, **options) -> dict:
    options = {"device": CPU, "held_out": corpus.held_out} | options
    return pretrain(settings, options.pop("token_file", corpus.train), corpus.tokenizer, folder, **options)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    """All weights that a run has saved."""
    return {
        f"{path.parent.name}/{name}": tensor
        for path in sorted(folder.glob("*/model.safetensors"))
        for name, tensor in load_file(path).items()
    }


def assert_same_weights(one: Path, other: Path) -> None:
    """Two runs in float64 ended with the same weights, but for rounding."""
    ours, theirs = weights(one), weights(other)
    assert len(ours) > 20
    assert_same_training(ours, theirs)


COMMAND_IN_FLOAT64 = """
import torch
from convbert_edu.cli.main import main
torch.set_default_dtype(torch.float64)
main()
"""


class MeetsAFullDisk(TokenFile):
    """A token file after whose third read the disk is full, for the rest of a `with` block."""

    def __enter__(self) -> "MeetsAFullDisk":
        self.reads, self.limit = 0, full_disk(after=20_000)
        return self

    def __exit__(self, *error: object) -> None:
        self.limit.__exit__(*error)

    def read(self, numbers: np.ndarray, width: int, pad_id: int) -> np.ndarray:
        self.reads += 1
        if self.reads == 3:
            self.limit.__enter__()
        return super().read(numbers, width, pad_id)


class SignalsItself(TokenFile):
    """A token file that sends this process a real Ctrl-C while it is read for the `at`-th time, `times` times."""

    def __init__(self, folder: Path, at: int, times: int = 1) -> None:
        super().__init__(folder)
        self.reads, self.at, self.times = 0, at, times

    def read(self, numbers: np.ndarray, width: int, pad_id: int) -> np.ndarray:
        self.reads += 1
        if self.reads == self.at:
            for _ in range(self.times):
                os.kill(os.getpid(), signal.SIGINT)
        return super().read(numbers, width, pad_id)


@pytest.mark.usefixtures("float64")
def test_a_run_that_ended_early_goes_on_as_if_it_had_not(corpus: PretrainingCorpus, tmp_path: Path):
    """With `stop_after` the models of that step are saved, and `steps` alone decides the learning rates."""
    record = run(corpus, tmp_path / "early", quick_settings(steps=20, stop_after=5))
    assert record["steps"] == 5
    early = weights(tmp_path / "early")
    run(corpus, tmp_path / "early", quick_settings(steps=20), resume=True)
    run(corpus, tmp_path / "whole", quick_settings(steps=20))
    assert_same_weights(tmp_path / "early", tmp_path / "whole")
    with pytest.raises(AssertionError):
        assert_same_training(early, weights(tmp_path / "whole"))


def test_replaced_token_detection_runs_from_text_to_models(corpus, tmp_path: Path):
    settings = quick_settings(
        steps=100, batch_size=16, learning_rate=1e-2, generator_fraction=0.5, evaluate_every=40
    )
    record = run(corpus, tmp_path, settings)
    assert json.loads((tmp_path / "record.json").read_text()) == record
    assert record["steps"] == 100
    assert record["settings"]["learning_rate"] == 1e-2
    assert record["tokens_sha256"] == corpus.train.index["tokens_sha256"]
    log = RunLog(tmp_path / "log.jsonl").lines()
    assert record["last_steps"] == log[-1]
    losses = [line["masked_lm_loss"] for line in log if "loss" in line]
    assert len(losses) == 100
    assert losses[-1] < 0.7 * losses[0]
    assert [line["step"] for line in log if "held_out" in line] == [40, 80]
    assert record["held_out"]["masked_lm_accuracy"] > 0.25
    assert record["held_out"]["detection_auc"] > 0.6

    generator = ConvBertForMaskedLM.from_pretrained(tmp_path / "generator")
    discriminator = ConvBertForPreTraining.from_pretrained(tmp_path / "discriminator")
    assert generator.loading_report.newly_initialised == discriminator.loading_report.newly_initialised == []
    assert (generator.config.hidden_size, discriminator.config.hidden_size) == (16, 32)
    assert discriminator.config.hidden_dropout_prob == 0.1
    tokenizer = ConvBertTokenizer.from_pretrained(tmp_path / "generator")
    batch = tokenizer("the cat likes [MASK] in the garden .", return_tensors="pt")
    assert generator(**batch).logits.shape == (1, batch["input_ids"].shape[1], len(tokenizer))


def test_masked_lm_alone_learns_and_can_start_detection(corpus, tmp_path: Path):
    first = run(corpus, tmp_path / "mlm", quick_settings(objective="masked_lm", cls_mlm_weight=0.5, steps=60))
    assert first["held_out"].keys() == {"masked_lm_loss", "masked_lm_perplexity", "masked_lm_accuracy"}
    assert not (tmp_path / "mlm" / "discriminator").exists()
    folder = str(tmp_path / "mlm" / "generator")
    settings = quick_settings(
        start_generator=folder, start_discriminator=folder, freeze_generator=True, steps=3
    )
    with pytest.warns(UserWarning, match="replaced_token_head"):
        second = run(corpus, tmp_path / "detect", settings)
    assert not (tmp_path / "detect" / "generator").exists()
    for name in ("masked_lm_loss", "masked_lm_accuracy"):  # the frozen generator predicts as before
        assert second["held_out"][name] == pytest.approx(first["held_out"][name], rel=1e-5)


def test_a_generator_to_start_from_brings_its_embeddings(corpus, tmp_path: Path):
    run(corpus, tmp_path / "mlm", quick_settings(objective="masked_lm", steps=3))
    settings = quick_settings(
        start_generator=str(tmp_path / "mlm" / "generator"), steps=3, learning_rate=1e-9
    )
    run(corpus, tmp_path / "both", settings)
    name = "convbert.embeddings.word_embeddings.weight"
    before, after = (weights(tmp_path / folder) for folder in ("mlm", "both"))
    torch.testing.assert_close(after[f"discriminator/{name}"], before[f"generator/{name}"])


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("objective", ["masked_lm", "replaced_token"])
def test_the_same_settings_give_the_same_weights_and_another_seed_does_not(
    corpus, tmp_path: Path, objective: str
):
    for name, seed in (("one", 0), ("two", 0), ("three", 1)):
        run(corpus, tmp_path / name, quick_settings(objective=objective, steps=4, seed=seed))
    assert_same_weights(tmp_path / "one", tmp_path / "two")
    with pytest.raises(AssertionError):
        assert_same_weights(tmp_path / "one", tmp_path / "three")


@pytest.mark.slow
@pytest.mark.usefixtures("float64")
def test_a_run_that_was_killed_and_resumed_ends_with_the_same_weights(corpus, tmp_path: Path):
    """Dropout and accumulation on, 30 steps; killed with kill -9 in another process, at no particular moment."""
    settings = quick_settings(steps=30, gradient_accumulation_steps=2, checkpoint_minutes=0.001)
    run(corpus, tmp_path / "whole", settings)

    (tmp_path / "settings.json").write_text(json.dumps(settings.to_dict()))
    command = [
        sys.executable,
        "-c",
        COMMAND_IN_FLOAT64,
        "pretrain",
        corpus.train.folder.parent,
        tmp_path / "killed",
    ]
    process = subprocess.Popen([*command, "--settings", tmp_path / "settings.json", "--device", "cpu"])
    deadline = time.monotonic() + 100
    while "step-00000001" not in str(
        newest_checkpoint(tmp_path / "killed" / "checkpoints")
    ):  # steps 10 to 19
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.001)
    process.kill()
    assert process.wait() == -signal.SIGKILL

    run(corpus, tmp_path / "killed", settings, resume=True)
    assert_same_weights(tmp_path / "whole", tmp_path / "killed")
    whole, killed = (RunLog(tmp_path / name / "log.jsonl").lines() for name in ("whole", "killed"))
    for line in whole + killed:
        line.pop("tokens_per_second", None)
    assert_same_record(killed, whole)


@pytest.mark.usefixtures("float64")
def test_ctrl_c_saves_and_says_how_to_go_on(corpus, tmp_path: Path):
    settings = quick_settings(steps=20, evaluate_every=0)
    run(corpus, tmp_path / "whole", settings)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(
        KeyboardInterrupt, match=r"last good checkpoint is .*step-000000006.pt; go on with --resume"
    ):
        run(corpus, tmp_path / "stopped", settings, token_file=SignalsItself(corpus.train.folder, at=6))
    assert signal.getsignal(signal.SIGINT) is before
    run(corpus, tmp_path / "stopped", settings, resume=True)
    assert_same_weights(tmp_path / "whole", tmp_path / "stopped")


def test_a_second_ctrl_c_stops_at_once_and_names_the_last_good_checkpoint(corpus, tmp_path: Path):
    with pytest.raises(KeyboardInterrupt, match=r"last good checkpoint is .*step-000000000.pt"):
        run(corpus, tmp_path, quick_settings(), token_file=SignalsItself(corpus.train.folder, at=6, times=2))


@pytest.mark.usefixtures("float64")
def test_a_full_disk_stops_the_run_and_keeps_the_last_good_checkpoint(corpus, tmp_path: Path):
    settings = quick_settings(checkpoint_minutes=0.0, evaluate_every=0)
    run(corpus, tmp_path / "whole", settings)
    full = pytest.raises(OSError, match="could not be written")
    with MeetsAFullDisk(corpus.train.folder) as token_file, full as error:
        run(corpus, tmp_path / "stopped", settings, token_file=token_file)
    checkpoints = tmp_path / "stopped" / "checkpoints"
    assert sorted(path.name for path in checkpoints.iterdir()) == ["step-000000001.pt", "step-000000002.pt"]
    assert "the checkpoint of step 3" in str(error.value)
    assert f"the last good checkpoint is {checkpoints / 'step-000000002.pt'}" in str(error.value)
    run(corpus, tmp_path / "stopped", settings, resume=True)
    assert_same_weights(tmp_path / "whole", tmp_path / "stopped")


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_last_good_checkpoint(corpus, tmp_path: Path):
    settings = quick_settings(learning_rate=1e30, warmup_steps=0, checkpoint_minutes=0.0)
    with pytest.raises(
        ArithmeticError, match=r"at step (\d+).*lower learning_rate.*last good checkpoint is"
    ) as error:
        run(corpus, tmp_path, settings)
    step = int(str(error.value).split("at step ")[1].split(" ")[0])
    last = newest_checkpoint(tmp_path / "checkpoints")
    assert last.name == f"step-{step - 1:09d}.pt"
    assert str(last) in str(error.value)


def test_a_run_in_a_folder_that_holds_one_is_refused_and_so_is_resuming_none(corpus, tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="no checkpoint to resume; start without --resume"):
        run(corpus, tmp_path, quick_settings(), resume=True)
    run(corpus, tmp_path, quick_settings(steps=3))
    with pytest.raises(FileExistsError, match="holds a run already"):
        run(corpus, tmp_path, quick_settings(steps=3))


def test_resuming_with_other_settings_names_those_that_differ(corpus, tmp_path: Path):
    run(corpus, tmp_path, quick_settings(steps=3))
    free = {"checkpoint_minutes": 5.0, "evaluate_every": 2, "gradient_checkpointing": True}
    changed = quick_settings(steps=3, learning_rate=2e-3, sizes={}, **free)
    with pytest.raises(ValueError, match="another run") as error:
        run(corpus, tmp_path, changed, resume=True)
    message = str(error.value)
    assert "learning_rate was 0.001, now 0.002" in message
    assert "sizes was" in message
    assert not [name for name in free if name in message]


def test_resuming_on_other_text_is_refused(corpus, tmp_path: Path):
    run(corpus, tmp_path, quick_settings(steps=3, batch_size=2))
    with pytest.raises(ValueError, match="tokens_sha256 was"):
        run(corpus, tmp_path, quick_settings(steps=3, batch_size=2), token_file=corpus.held_out, resume=True)


def test_text_and_vocabulary_must_fit_the_model(corpus, tmp_path: Path):
    sizes = quick_settings().sizes
    with pytest.raises(ValueError, match="vocab_size is 50, but the vocabulary has"):
        run(corpus, tmp_path, quick_settings(sizes=sizes | {"vocab_size": 50}))
    with pytest.raises(ValueError, match="max_position_embeddings is 16, but sequences have up to 32"):
        run(corpus, tmp_path, quick_settings(sizes=sizes | {"max_position_embeddings": 16}))
    other = ConvBertTokenizer.train(["another text with other words"], vocab_size=60)
    with pytest.raises(ValueError, match="another vocabulary"):
        pretrain(quick_settings(), corpus.train, other, tmp_path, device=CPU)
    assert list(tmp_path.iterdir()) == []


def test_a_model_to_start_from_must_have_the_vocabulary_of_the_text(corpus, tmp_path: Path):
    other = make_corpus(tmp_path / "other", max_length=24)
    tokens = other.tokenizer.convert_ids_to_tokens(list(range(len(other.tokenizer))))
    tokens[-1], tokens[-2] = tokens[-2], tokens[-1]
    run(corpus, tmp_path / "mlm", quick_settings(objective="masked_lm", steps=3))
    ConvBertTokenizer(tokens).save_pretrained(tmp_path / "mlm" / "generator")
    settings = quick_settings(start_generator=str(tmp_path / "mlm" / "generator"))
    with pytest.raises(ValueError, match=r"was trained with another vocabulary.*--tokenizer"):
        run(corpus, tmp_path / "both", settings)


def test_a_damaged_token_file_is_noticed_before_training(corpus, tmp_path: Path):
    damaged = make_corpus(tmp_path / "corpus").train
    path = damaged.folder / "tokens.bin"
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"tokens.bin is damaged"):
        run(corpus, tmp_path / "run", quick_settings(), token_file=TokenFile(damaged.folder))
    assert not (tmp_path / "run" / "checkpoints").exists()
