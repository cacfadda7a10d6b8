"""The paper in miniature: fair variants, true costs, sound statistics; and the whole of it, killed and resumed."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from torch.utils.flop_counter import FlopCounterMode

import paper_in_miniature
from common import held_out_curves, machine
from convbert_edu import ConvBertConfig, ConvBertForMaskedLM, ConvBertForPreTraining, ConvBertModel
from convbert_edu.device import autocast
from convbert_edu.pretraining.evaluation import evaluate_objective
from convbert_edu.pretraining.masking import Masking
from convbert_edu.pretraining.objectives import MaskedLMObjective, ReplacedTokenObjective
from convbert_edu.pretraining.settings import PretrainSettings
from convbert_edu.training.run_folder import RunLog
from floor import forward_flops, window_multiplications
from helpers import ROOT, randomise, tiny_config
from paper_held_out import by_sequence, summary
from paper_in_miniature import Scale, seconds_per_step
from paper_table import bootstrap, bootstrap_difference, paired_test, read_results, seeds_of, tables
from paper_variants import COMPARED, KINDS, ORDER, PAIR, VARIANTS, config_of
from tiny_corpus import documents, make_corpus

STEPS = 17


# The variants ------------------------------------------------------------------------------------------------


def test_variants_that_should_be_of_one_size_are():
    sizes = {}
    for name in VARIANTS:
        with torch.device("meta"):
            sizes[name] = ConvBertForMaskedLM(config_of(name)).num_parameters()
    for name, variant in VARIANTS.items():
        assert (abs(sizes[name] / sizes["span"] - 1) < 0.005) == variant.same_size, name


def test_the_variants_are_what_their_names_say():
    configs = {name: config_of(name) for name in VARIANTS}
    assert configs["span"] == ConvBertConfig.tiny()
    assert {configs[name].convolution for name in KINDS if name != "attention"} == {
        "span",
        "dynamic",
        "fixed",
    }
    assert configs["attention"].attention_only
    # All have 128 channels of heads, but gamma 4 has half: a quarter of the width in each branch.
    widths = {
        name: (1 if config.attention_only else 2) * config.branch_size for name, config in configs.items()
    }
    assert widths.pop("gamma-4") == 64
    assert set(widths.values()) == {128}


@pytest.mark.parametrize("changes", [*({"variant": name} for name in VARIANTS), {"embedding_size": 32}])
def test_flops_are_those_that_torch_counts(changes: dict):
    config = config_of(changes["variant"]) if "variant" in changes else ConvBertConfig.tiny(**changes)
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        # With the maps, attention takes its steps one by one, and each is counted.
        ConvBertModel(config)(torch.ones(1, 40, dtype=torch.long), output_attentions=True)
    # The counter does not see the windows: they are multiply-adds of one number each.
    windows = 0 if config.attention_only else 2 * 4 * window_multiplications(config, 40)
    assert counter.get_total_flops() == forward_flops(config, 40) - windows


def test_the_order_begins_with_the_kinds_of_heads_and_gives_the_pair_five_seeds():
    assert len(set(ORDER)) == len(ORDER)
    assert set(ORDER[:12]) == {(name, seed) for name in KINDS for seed in range(3)}
    # A comparison needs all of a seed: it comes before the next seed.
    assert ORDER[:4] == [(name, 0) for name in KINDS]
    seeds = {name: sorted(seed for other, seed in ORDER if other == name) for name in VARIANTS}
    for name in VARIANTS:
        assert seeds[name] == list(range(5 if name in PAIR else 3))
    after_twenty_one = {name for name, _ in ORDER[:21]}
    assert after_twenty_one == set(VARIANTS)
    assert {name for pair in COMPARED for name in pair} == set(VARIANTS)


@pytest.mark.parametrize("scale", [Scale(), Scale(STEPS)])
def test_settings_exist_and_differ_between_variants_in_their_sizes_only(scale: Scale):
    for name in VARIANTS:
        stages = scale.stages(name, 3)
        for stage, settings in stages.items():
            PretrainSettings.from_dict(settings)
            other = scale.stages("span", 3)[stage]
            assert {key for key in settings if settings[key] != other[key]} <= {"sizes"}
        assert stages["masked_lm"]["seed"] == 3 != stages["replaced_token"]["seed"]


# Measurements ------------------------------------------------------------------------------------------------


def test_sums_by_sequence_add_up_to_what_the_package_measures(tmp_path: Path):
    corpus = make_corpus(tmp_path / "corpus")
    config = tiny_config(vocab_size=len(corpus.tokenizer), pad_token_id=0)
    models = [ConvBertForMaskedLM(config), ConvBertForMaskedLM(config), ConvBertForPreTraining(config)]
    for seed, model in enumerate(models):
        randomise(model, seed)
        model.save_pretrained(tmp_path / str(seed))
    found = by_sequence(tmp_path / "corpus", tmp_path / "0", tmp_path / "2", tmp_path / "1", 20)
    assert {len(numbers) for name, numbers in found.items() if name != "ranking"} == {20}
    whole = summary(found)
    predictor, generator, discriminator = models
    for objective in (
        MaskedLMObjective(predictor),
        ReplacedTokenObjective(generator, discriminator, freeze_generator=True),
    ):
        float32 = autocast("float32", torch.device("cpu"))
        masking = Masking(corpus.tokenizer)
        expected = evaluate_objective(objective, corpus.held_out, masking, float32, batch_size=1, limit=20)
        if "detection_loss" in expected:
            expected = {name: value for name, value in expected.items() if not name.startswith("masked_lm")}
        else:
            del expected["masked_lm_perplexity"]
        for name, value in expected.items():
            assert whole[name] == pytest.approx(value, rel=1e-3), name
    assert whole["masked_lm_perplexity"] == pytest.approx(np.exp(whole["masked_lm_loss"]), rel=1e-3)


def test_the_step_time_is_the_median_of_the_log_and_held_out_lines_become_curves(tmp_path: Path):
    log = RunLog(tmp_path / "log.jsonl")
    # 100 tokens a step: 0.1 s a step, then a busy stretch of 1 s a step, then 0.2 s a step.
    for step, speed in ((10, 1000.0), (20, 100.0), (25, 500.0)):
        log.add(step=step, tokens=100 * step, tokens_per_second=speed)
        log.add(step=step, held_out={"masked_lm_loss": 5.0 - step / 10})
    assert seconds_per_step(log.path) == pytest.approx(0.2)
    assert held_out_curves(log.path) == {"step": [10, 20, 25], "masked_lm_loss": [4.0, 3.0, 2.5]}


def test_the_machine_is_named():
    facts = machine()
    assert facts["torch"] == torch.__version__
    assert facts["processor"]


# Statistics --------------------------------------------------------------------------------------------------


def test_the_paired_test_is_that_of_the_textbook():
    # Mean 2, standard deviation 1: t = 2 sqrt(3) with two degrees of freedom, whose 97.5% point is 4.3027.
    mean, half, p = paired_test([1.0, 2.0, 3.0])
    assert mean == pytest.approx(2)
    assert half == pytest.approx(4.3027 / 3**0.5, rel=1e-4)
    # For two degrees of freedom P(|T| > t) = 1 - t / sqrt(t^2 + 2).
    assert p == pytest.approx(1 - 12**0.5 / 14**0.5)
    assert paired_test([1.0]) is None


def test_the_bootstrap_finds_the_interval_that_the_delta_method_gives():
    random = np.random.default_rng(1)
    tokens = random.integers(5, 20, size=800).astype(float)
    losses = 2.5 * tokens + random.normal(0, 4, size=800)
    ratio = losses.sum() / tokens.sum()
    deviation = np.std(losses - ratio * tokens) * 800**0.5 / tokens.sum()
    low, high = bootstrap(losses, tokens, draws=4000)
    assert low == pytest.approx(ratio - 1.96 * deviation, abs=0.15 * deviation)
    assert high == pytest.approx(ratio + 1.96 * deviation, abs=0.15 * deviation)


def made_up(variant: str, seed: int, loss: float) -> dict:
    """A result file's content: ten sequences of four masked tokens, all with the same loss."""
    return {
        "variant": variant,
        "seed": seed,
        "parameters": {"model": 1_884_168},
        "forward_flops": 212_664_320,
        "seconds_per_step": {"masked_lm": 0.25},
        "held_out": {"masked_lm_loss": loss, "detection_loss": 0.3, "detection_auc": 0.7},
        "fine_tuned": {"reviews:rt": {"accuracy": 0.75}, "wikipedia:topics": {"accuracy": 0.9}},
        "by_sequence": {
            "masked": [4] * 10, "masked_lm_loss": [4 * loss] * 10,
            "maskable": [27] * 10, "detection_loss": [27 * 0.3] * 10,
        },
    }  # fmt: skip


def test_the_tables_say_what_the_files_hold(tmp_path: Path):
    losses = {("span", 0): 3.0, ("span", 1): 3.1, ("span", 2): 3.2, ("dynamic", 0): 3.2, ("dynamic", 1): 3.4}
    for (name, seed), loss in losses.items():
        (tmp_path / f"{name}-{seed}.json").write_text(json.dumps(made_up(name, seed, loss)))
    # Not a result.
    (tmp_path / "step_times.json").write_text("{}")
    results = read_results(tmp_path)
    assert results.keys() == losses.keys()
    assert seeds_of(results, *PAIR) == [0, 1]
    printed = tables(results)
    (span,) = [line for line in printed.splitlines() if line.startswith("| span-based (SDConv) | 3 |")]
    assert "| 3.100 ± 0.248 |" in span
    assert "| 1,884,168 | 213 | 250 |" in span
    (difference,) = [line for line in printed.splitlines() if "minus dynamic" in line and "masked-LM" in line]
    # Every sequence has the same difference, so another text would change nothing.
    assert "| 2 | -0.2500 |" in difference
    assert "| -0.2500 to -0.2500 |" in difference
    assert "attention only" not in printed


def test_different_sequences_are_not_compared():
    one, other = made_up("span", 0, 3.0), made_up("dynamic", 0, 3.0)
    other["by_sequence"]["masked"][3] = 5
    with pytest.raises(ValueError, match="span and dynamic were measured on different sequences"):
        bootstrap_difference({("span", 0): one, ("dynamic", 0): other}, "span", "dynamic", "masked-LM loss")


# The whole, in miniature -------------------------------------------------------------------------------------


def test_a_miniature_needs_folders_of_its_own():
    result = CliRunner().invoke(paper_in_miniature.main, ["run", "--steps", "17"])
    assert result.exit_code == 2
    assert "give it folders with --work and --results" in result.output


def kill_with_children(process: subprocess.Popen, output: Path) -> None:
    """Kill a run as a power cut would, its processes included."""
    process.kill()
    process.wait()
    for number in re.findall(r"\(process (\d+)\)", output.read_text()):
        with suppress(ProcessLookupError):
            os.kill(int(number), signal.SIGKILL)


@pytest.mark.slow
def test_two_variants_are_killed_resumed_compared_and_repeated(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    text, printed = tmp_path / "text.txt", tmp_path / "printed.txt"
    text.write_text("\n\n".join(documents(count=1200)), encoding="utf-8")

    def words(folder: str, *names: str) -> list[str]:
        chosen = [word for name in names for word in ("--variant", name)]
        folders = ["--work", str(tmp_path / folder), "--results", str(tmp_path / folder / "results")]
        return ["run", *folders, "--steps", str(STEPS), "--text", str(text), "--seed", "0", *chosen]

    def run(folder: str, *names: str) -> str:
        result = CliRunner().invoke(paper_in_miniature.main, words(folder, *names), catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    work = tmp_path / "killed"
    first_log = work / "span-0" / "masked_lm" / "log.jsonl"
    script = [sys.executable, "benchmarks/paper_in_miniature.py"]
    with printed.open("w") as output:
        process = subprocess.Popen([*script, *words("killed", *PAIR)], stdout=output)
        while not (first_log.parent / "record.json").exists():
            assert process.poll() is None
            time.sleep(0.1)
        kill_with_children(process, printed)
    assert not (work / "results").exists()
    before = first_log.read_bytes()
    assert "2 of 2 runs are left to do" in run("killed", *PAIR)
    # What was complete was not done again, and now all is.
    assert first_log.read_bytes() == before
    assert "0 of 2 runs are left to do" in run("killed", *PAIR)

    results = read_results(work / "results")
    assert results.keys() == {("span", 0), ("dynamic", 0)}
    span, dynamic = (results[name, 0] for name in PAIR)
    assert span["by_sequence"]["masked"] == dynamic["by_sequence"]["masked"]
    assert span["held_out"]["masked_lm_loss"] != dynamic["held_out"]["masked_lm_loss"]
    # The generator, and with it the replaced tokens, are the same for both.
    assert span["held_out"]["replaced_share"] == dynamic["held_out"]["replaced_share"]
    for result in results.values():
        assert [stage["steps"] for stage in result["stages"]] == [STEPS, STEPS]
        assert result["stages"][0]["held_out_curves"]["step"] == [10]
        assert set(result["fine_tuned"]) == {"reviews:rt", "wikipedia:topics"}
        assert str(tmp_path) not in json.dumps(result)
        assert str(Path.home()) not in json.dumps(result)
    printed_tables = CliRunner().invoke(
        paper_in_miniature.main, ["table", "--results", str(work / "results")]
    )
    assert "span-based (SDConv) minus dynamic (DConv)" in printed_tables.output

    # The same variant and seed, not interrupted, shows the same.
    run("whole", "span")
    again = read_results(tmp_path / "whole" / "results")["span", 0]
    for name, value in again["held_out"].items():
        assert value == pytest.approx(span["held_out"][name], rel=1e-3), name
