"""benchmarks/gpu.py: what fails, hangs or falls over is written down, and the rest still runs; a later call goes on."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

import gpu as command
from gpu_stages.plan import ALL_MINUTES, CALL_MINUTES, STAGES, Stage, as_calls, chosen_stages, describe
from gpu_stages.results import StageFile, card_slug, merge, stage_status
from gpu_stages.watch import Call, run_stage
from helpers import ROOT

FAKE = Stage("x", "a stage for tests", "fake_stage", 0.1, 1.0)


@pytest.fixture
def run(tmp_path: Path):
    """Run the fake stage with some items, and return what its file says."""

    def run(items: str, known: dict | None = None, seconds: float = 60.0, memory: int | None = None) -> dict:
        paths = [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
        environment = {**os.environ, "FAKE_ITEMS": items, "PYTHONPATH": os.pathsep.join(paths)}
        call = Call(tmp_path, rehearse=True, memory_bytes=memory, environment=environment)
        run_stage(FAKE, call, seconds, known or {})
        return json.loads((tmp_path / "stage-x.json").read_text(encoding="utf-8"))

    return run


def statuses(found: dict) -> dict[str, str]:
    return {name: item["status"] for name, item in found["items"].items()}


@pytest.mark.slow
def test_items_that_fail_hang_or_fall_over_do_not_keep_the_others_from_running(run):
    found = run("good,bad,hanging,dying,absent,second good")
    assert statuses(found) == {
        "good": "ok", "bad": "failed", "hanging": "timeout", "dying": "died", "absent": "not there yet",
        "second good": "ok",
    }  # fmt: skip
    assert found["items"]["bad"]["error"] == "ValueError: this item fails"
    assert "fake_stage.py" in "".join(found["items"]["bad"]["traceback"])
    assert "too long" in found["items"]["hanging"]["error"]
    assert "code 9" in found["items"]["dying"]["error"]
    assert found["items"]["absent"]["reason"] == "to be built"
    assert found["status"] == "incomplete"


@pytest.mark.slow
def test_a_later_call_does_only_what_is_missing(run):
    first = run("good,bad")
    good = first["items"]["good"]
    second = run("good,bad,second good", known=first["items"])
    assert second["items"]["good"] == good
    assert second["items"]["bad"]["call"] != first["items"]["bad"]["call"]
    assert statuses(second) == {"good": "ok", "bad": "failed", "second good": "ok"}


@pytest.mark.slow
def test_a_stage_that_cannot_begin_says_why(run):
    found = run("broken")
    assert found["error"] == "ImportError: no module named something"
    assert found["status"] == "failed"


@pytest.mark.slow
def test_pretended_memory_reaches_the_items_and_an_item_that_was_cut_off_is_done_again(run, tmp_path: Path):
    StageFile(tmp_path / "stage-x.json").begin("good", "an earlier call", 1.0)
    found = run("good", memory=123)
    assert found["items"]["good"]["result"] == {"number": 1, "memory": 123}
    assert found["status"] == "complete"


def test_without_time_nothing_is_started(run):
    found = run("good", seconds=0.0)
    assert found["items"] == {}
    assert found["stopped"] == "no time was left"


def test_all_stages_fit_the_time_that_is_lent():
    stages = chosen_stages("all")
    assert [stage.key for stage in stages] == list("abcdef")
    assert sum(stage.estimated_minutes for stage in stages) <= ALL_MINUTES - 3
    for call in as_calls(stages):
        assert sum(stage.estimated_minutes for stage in call) <= CALL_MINUTES
    assert [stage for call in as_calls(stages) for stage in call] == stages
    for stage in stages:
        assert stage.title in describe(stages)
        assert (ROOT / "benchmarks" / (stage.module.replace(".", "/") + ".py")).is_file()


@pytest.mark.parametrize("text", ["z", "a,z", ""])
def test_an_unknown_stage_is_refused_with_the_list(text: str):
    with pytest.raises(ValueError, match=r"there is no stage .*choose among a \(device"):
        chosen_stages(text)
    ended = CliRunner().invoke(command.main, ["--stages", text, "--list"])
    assert ended.exit_code == 2
    assert "there is no stage" in ended.output


def test_a_device_without_an_accelerator_is_refused_with_a_code_of_its_own(tmp_path: Path, monkeypatch):
    facts = {"name": "x86_64", "kind": "cpu", "memory_bytes": None, "capability": None, "torch": "2.13.0"}
    answer = json.dumps(facts)
    monkeypatch.setattr(command, "PROBE", f"print({answer!r})")
    ended = CliRunner().invoke(command.main, ["--out", str(tmp_path)])
    assert ended.exit_code == command.NO_ACCELERATOR
    assert "there is no accelerator here" in ended.output
    assert "--rehearse" in ended.output
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("probe", "said"),
    [
        ("raise ImportError('libcuda is broken')", "libcuda is broken"),
        ("import time; time.sleep(60)", "did not say within"),
    ],
)
def test_a_torch_that_does_not_start_or_answer_is_said(probe: str, said: str, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(command, "PROBE", probe)
    monkeypatch.setattr(command, "PROBE_SECONDS", 1)
    ended = CliRunner().invoke(command.main, ["--out", str(tmp_path)])
    assert ended.exit_code == 1
    assert said in ended.output


def test_names_of_cards_become_names_of_files():
    assert card_slug("NVIDIA H100 80GB HBM3") == "nvidia-h100-80gb-hbm3"
    assert card_slug("") == "unknown"


def results(**items: str) -> dict:
    known = {name: {"status": status, "from": status} for name, status in items.items()}
    stage = {"planned": ["one", "two"], "items": known}
    return {"card": "A", "rehearsal": False, "stages": {"b": {**stage, "status": stage_status(stage, known)}}}


def test_merged_results_keep_what_was_done_and_take_what_is_new():
    merged = merge(results(one="ok", two="failed"), results(one="timeout", two="ok"))
    items = merged["stages"]["b"]["items"]
    assert {name: item["status"] for name, item in items.items()} == {"one": "ok", "two": "ok"}
    assert merged["stages"]["b"]["status"] == "complete"
    assert merge({}, results(one="ok"))["stages"]["b"]["status"] == "incomplete"


@pytest.mark.parametrize("change", [{"card": "B"}, {"rehearsal": True}])
def test_results_of_two_cards_are_never_mixed(change: dict):
    with pytest.raises(ValueError, match="cannot be merged"):
        merge(results(one="ok"), results(one="ok") | change)


def test_results_that_came_back_are_added_and_rehearsals_are_not(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(command, "RESULTS", tmp_path / "results")
    back = tmp_path / "back"
    back.mkdir()
    (back / "gpu-a.json").write_text(json.dumps(results(one="ok")))
    (back / "gpu-rehearsal.json").write_text(json.dumps(results(one="ok") | {"rehearsal": True}))
    for _ in range(2):
        assert command.merge_folder(back) == [tmp_path / "results" / "gpu-a.json"]
    (back / "gpu-a.json").write_text(json.dumps(results(two="ok")))
    command.merge_folder(back)
    found = json.loads((tmp_path / "results" / "gpu-a.json").read_text())
    assert found["stages"]["b"]["status"] == "complete"


def test_each_stage_has_a_limit_above_its_estimate():
    assert all(stage.limit_minutes > stage.estimated_minutes for stage in STAGES.values())
