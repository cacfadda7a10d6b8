"""benchmarks/objectives.py: equal budgets, tables that say what the file holds; and the whole in miniature, stopped and
gone on with."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

import objectives
from convbert_edu.pretraining.settings import PretrainSettings
from helpers import ROOT
from objectives import (
    KINDS,
    MASKED_LM,
    RATE,
    REPLACED_TOKEN,
    SEEDS,
    STEPS,
    Planned,
    order,
    settings_of,
    tables,
)
from paper_in_miniature import CASES, Scale
from tiny_corpus import documents

COSTS = {MASKED_LM: 0.3, REPLACED_TOKEN: 0.4}


def test_every_seed_has_all_kinds_of_runs_and_each_run_its_name():
    planned = order()
    assert len({each.name for each in planned}) == len(planned) == len(SEEDS) * len(KINDS)
    assert [each.seed for each in planned] == sorted(each.seed for each in planned)
    # Runs at another learning rate are others.
    assert not {each.name for each in planned} & {each.name for each in order(rate=1e-3)}


@pytest.mark.parametrize("scale", [Scale(), Scale(12)])
def test_budgets_are_equal_and_nothing_else_differs(scale: Scale):
    masked_lm, tokens, cpu = (
        settings_of(Planned(objective, budget, 1), scale, COSTS) for objective, budget in KINDS
    )
    for settings in (masked_lm, tokens, cpu):
        PretrainSettings.from_dict(settings)
        assert settings["seed"] == 1
    assert {name for name in tokens if tokens[name] != masked_lm[name]} == {"objective"}
    assert {name for name in cpu if cpu[name] != tokens[name]} == {"steps"}
    # As many seconds as masked language modelling, to half a step.
    budget = masked_lm["steps"] * COSTS[MASKED_LM]
    assert abs(cpu["steps"] * COSTS[REPLACED_TOKEN] - budget) <= COSTS[REPLACED_TOKEN] / 2


def test_an_objective_whose_steps_are_cheaper_takes_more_of_them():
    settings = settings_of(Planned(REPLACED_TOKEN, "cpu", 0), Scale(), {MASKED_LM: 0.4, REPLACED_TOKEN: 0.2})
    assert settings["steps"] == 2 * STEPS


def made_up(objective: str, budget: str, seed: int, reviews: float, topics: float) -> dict:
    return {
        "objective": objective,
        "budget": budget,
        "seed": seed,
        "learning_rate": RATE,
        "tokens": 17_000_000,
        "cpu_seconds": 2700.0,
        "fine_tuned": dict(zip(CASES, ({"accuracy": reviews}, {"accuracy": topics}), strict=True)),
    }


def test_the_tables_say_what_the_file_holds():
    runs = [
        made_up(MASKED_LM, "all", 0, 0.70, 0.80),
        made_up(MASKED_LM, "all", 1, 0.72, 0.84),
        made_up(REPLACED_TOKEN, "tokens", 0, 0.73, 0.80),
        made_up(REPLACED_TOKEN, "tokens", 1, 0.77, 0.80),
        # A seed whose partner is not complete yet.
        made_up(REPLACED_TOKEN, "cpu", 2, 0.70, 0.80),
    ]
    lines = tables(runs).splitlines()
    assert "| masked_lm | all | 0.002 | 2 | 0.710 ± 0.127 | 0.820 ± 0.254 | 17.0 | 45 |" in lines
    assert f"| equal tokens | 0.002 | {CASES[0]} | 2 | +0.0400 | ± 0.1271 | 0.156 |" in lines
    assert any(line.startswith(f"| equal tokens | 0.002 | {CASES[1]} | 2 | -0.0200 |") for line in lines)
    assert not any("equal cpu" in line for line in lines)


def test_a_miniature_needs_places_of_its_own():
    result = CliRunner().invoke(objectives.main, ["run", "--steps", "12"])
    assert result.exit_code == 2
    assert "give it a folder with --work and a file with --results" in result.output


@pytest.mark.slow
def test_a_seed_is_stopped_gone_on_with_and_compared(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setattr(objectives, "ROUND", 1)
    text, work, results = tmp_path / "text.txt", tmp_path / "work", tmp_path / "results.json"
    text.write_text("\n\n".join(documents(count=1200)), encoding="utf-8")

    def run(*more: str) -> str:
        words = ["run", "--work", str(work), "--results", str(results), "--steps", "12", "--seed", "0"]
        result = CliRunner().invoke(
            objectives.main, [*words, "--text", str(text), *more], catch_exceptions=False
        )
        assert result.exit_code == 0, result.output
        return result.output

    # No time at all: the costs are measured, and no run is begun.
    assert "3 of 3 runs are left to do" in run("--minutes", "0")
    costs = json.loads(results.read_text())["cpu_seconds_per_step"]
    assert "all runs are complete" in run()
    assert "0 of 3 runs are left to do" in run()

    known = json.loads(results.read_text())
    assert known["cpu_seconds_per_step"] == costs
    assert set(known["runs"]) == {Planned(*kind, 0).name for kind in KINDS}
    masked_lm, tokens, cpu = (known["runs"][Planned(*kind, 0).name] for kind in KINDS)
    assert masked_lm["tokens"] == tokens["tokens"]
    assert cpu["cpu_seconds"] == pytest.approx(masked_lm["cpu_seconds"], abs=max(costs.values()))
    for result in known["runs"].values():
        assert set(result["fine_tuned"]) == set(CASES)
        assert str(tmp_path) not in json.dumps(result)
        assert str(Path.home()) not in json.dumps(result)
    assert "detection_auc" in tokens["stage"]["held_out"]
    printed = CliRunner().invoke(objectives.main, ["table", "--results", str(results)]).output
    assert f"| equal tokens | 0.002 | {CASES[0]} | 1 |" in printed
