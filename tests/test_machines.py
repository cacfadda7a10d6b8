"""tests/machines.py plays a machine only where its switch acts, and says so where it does not."""

import pytest

from helpers import ROOT
from machines import FIRST_LESSONS, MACHINES, NOT_NUMERICAL, NUMERICAL, check_switch, why_not


def found(capability: str = "AVX512", threads: int = 1, **bits: str) -> dict:
    """What the probe says."""
    results = {"product": "a", "convolution": "a", "softmax": "a", "long sum": "a"} | bits
    return {"capability": capability, "threads": threads, "mkl": True, "onednn": True, "bits": results}


def test_what_it_runs_is_there():
    assert all((ROOT / path).exists() for path in (*NUMERICAL, *NOT_NUMERICAL))
    assert all(len(list(ROOT.glob(f"notebooks/{number:02}_*.ipynb"))) == 1 for number in FIRST_LESSONS)


@pytest.mark.parametrize(
    ("name", "capability", "reason"),
    [
        ("avx512", "AVX2", "this processor has AVX2 only"),
        ("onednn-avx2", "AVX2", "this processor has AVX2, for which onednn uses the same kernels anyway"),
        ("avx2", "SVE256", "this processor has SVE256 only"),
        ("avx2", "AVX2", None),
        ("default", "AVX512", None),
        ("4-threads", "DEFAULT", None),
    ],
)
def test_a_machine_is_left_out_where_the_processor_cannot_play_it(name, capability, reason):
    assert why_not(MACHINES[name], found(capability)) == reason


def test_a_switch_that_does_nothing_is_noticed():
    plain = found()
    assert "still says AVX512" in check_switch(MACHINES["avx2"], found(), plain)
    assert "the same bits" in check_switch(MACHINES["avx2"], found("AVX2"), plain)
    assert check_switch(MACHINES["avx2"], found("AVX2", softmax="b"), plain) is None
    assert check_switch(MACHINES["avx512"], found(), plain) is None
    assert "convolution has the same bits" in check_switch(MACHINES["onednn-avx2"], found(softmax="b"), plain)
    assert "PyTorch uses 2" in check_switch(MACHINES["4-threads"], found(threads=2), plain)
