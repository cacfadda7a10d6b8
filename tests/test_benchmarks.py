"""The timing harness runs its candidates in turn and reports what it measured."""

import json
import time

from common import compare, print_table, write_json


def test_candidates_take_turns_and_each_starts_a_round():
    calls = []
    compare({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, repeats=3)
    rounds = ["".join(calls[start : start + 2]) for start in range(0, len(calls), 2)]
    assert rounds == ["ba", "ab", "ba", "ab"]  # one more than asked for: the first is the warm-up


def test_the_slower_candidate_is_seen_as_slower(capsys, tmp_path):
    results = compare({"quick": lambda: None, "slow": lambda: time.sleep(0.01)}, repeats=3)
    assert results["slow"]["best"] > results["quick"]["best"]
    assert results["slow"]["median"] >= results["slow"]["best"] >= 0.01
    print_table("two", results, baseline="slow")
    assert capsys.readouterr().out.splitlines()[-1].split()[-2:] == ["1.00", "1.00"]
    write_json(tmp_path / "results.json", results)
    assert json.loads((tmp_path / "results.json").read_text())["results"] == results
