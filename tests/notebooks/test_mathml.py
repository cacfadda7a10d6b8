"""Functions without brackets stand apart from their arguments."""

import pytest

from mathml import to_mathml


@pytest.mark.parametrize(
    ("latex", "spaces"),
    [
        (r"\ln 2", 1),
        (r"w \log w", 2),
        (r"\log_2 16 = 4", 1),
        (r"\frac{\log w}{\log k}", 2),
        (r"-\ln 2", 1),
        (r"\exp(0) + \ln(2)", 0),
        (r"2 x_i", 0),
    ],
)
def test_a_function_and_its_argument_do_not_look_like_one_word(latex, spaces):
    assert to_mathml(latex, "inline").count("<mspace") == spaces


def test_a_sign_that_html_reserves_stays_a_sign():
    assert "&lt;" in to_mathml("w < 3", "inline")
