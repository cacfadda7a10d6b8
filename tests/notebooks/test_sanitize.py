"""Every rule for comparing outputs is read by nbval and does what its comment says."""

import re
from pathlib import Path

import pytest
from nbval.plugin import get_sanitize_patterns

TEXT = (Path(__file__).parent / "sanitize.cfg").read_text(encoding="utf-8")
RULES = get_sanitize_patterns(TEXT)


def sanitised(output: str) -> str:
    for pattern, replacement in RULES:
        output = re.sub(pattern, replacement, output)
    return output


def test_no_rule_is_silently_dropped():
    sections = re.findall(r"^\[\w+\]$", TEXT, flags=re.MULTILINE)
    written = re.findall(r"^\s*regex", TEXT, flags=re.MULTILINE)
    assert len(RULES) == len(written) == len(sections) > 0


@pytest.mark.parametrize(
    ("one_run", "another"),
    [
        ("trained in 12.3 s", "trained in 9 s"),
        ("2 minutes", "3 minutes"),
        ("450ms", "1.5ms"),
        ("1,234.5 reviews/s", "987 reviews/s"),
        ("12 tokens per second", "15.5 tokens per second"),
        ("<object at 0x7f2b5c0d3e50>", "<object at 0x7ffb5c0d0000>"),
        ("<Figure size 640x480 with 1 Axes>", "<Figure size 1280x960 with 1 Axes>"),
        (" 40%|####    | 4/10 [00:01<00:02,  3.1it/s]", "epoch:  50%|#####   | 5/10 [00:01<00:01,  3.3it/s]"),
    ],
)
def test_two_runs_compare_equal(one_run, another):
    assert sanitised(one_run) == sanitised(another) != one_run


@pytest.mark.parametrize(
    "fact",
    ["accuracy 0.76", "5 sentences", "13,143,768 parameters", "[8, 128, 256]", "40% of 10", "0x1f", "k = 9"],
)
def test_what_a_lesson_found_is_compared(fact):
    assert sanitised(fact) == fact
