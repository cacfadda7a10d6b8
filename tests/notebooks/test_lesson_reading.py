"""The questions asked about lessons get the right answers on small examples."""

import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from lesson_reading import asserts_a_threshold, compared_outputs, compares_with_package

IMPORT = (
    "import torch\nfrom convbert_edu.layers import SelfAttention\nfrom convbert_edu.visualize import show"
)


def lesson(*sources: str):
    return new_notebook(cells=[new_code_cell(source) for source in sources])


@pytest.mark.parametrize(
    ("sources", "answer"),
    [
        ((IMPORT, "%time\nout = SelfAttention(config)(x)", "torch.testing.assert_close(mine, out)"), True),
        ((IMPORT, "layer = SelfAttention(config)\na, b = layer(x)", "assert torch.equal(mine, b)"), True),
        ((IMPORT, "out = SelfAttention(config)(x)", "torch.testing.assert_close(mine, mine_again)"), False),
        ((IMPORT, "out = SelfAttention(config)(x)", "print(mine, out)"), False),
        ((IMPORT, "out = show(fig, 'words')", "torch.testing.assert_close(mine, out)"), False),
    ],
)
def test_a_comparison_with_the_package_is_recognised(sources, answer):
    assert compares_with_package(lesson(*sources)) is answer


@pytest.mark.parametrize(
    ("source", "answer"),
    [("assert accuracy >= 0.74", True), ("assert done", False), ("accuracy >= 0.74", False)],
)
def test_a_threshold_is_recognised(source, answer):
    assert asserts_a_threshold(lesson(source)) is answer


def test_only_words_and_numbers_count_as_compared_outputs():
    picture = new_output("display_data", {"image/png": "iVBORw0KGgo=", "text/plain": "words"})
    folded = new_output("display_data", {"text/html": "<details>words</details>", "text/plain": "HTML"})
    warning = new_output("stream", name="stderr", text="careful")
    printed = new_output("stream", name="stdout", text="4")
    result = new_output("execute_result", {"text/plain": "4"})
    cells = [
        new_code_cell(outputs=outputs) for outputs in ([picture, folded, warning], [printed], [result], [])
    ]
    ignored = new_code_cell(outputs=[printed], metadata={"tags": ["nbval-ignore-output"]})
    skipped = new_code_cell(outputs=[printed], metadata={"tags": ["nbval-skip"]})
    assert compared_outputs(new_notebook(cells=[*cells, ignored, skipped])) == 2
