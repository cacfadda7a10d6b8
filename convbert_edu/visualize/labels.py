"""Token labels along an axis that stay readable from 5 to 128 tokens."""

import math
from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.axis import Axis


def label_tokens(axis: Axis, tokens: Sequence[str]) -> None:
    """Write one label at each whole number of `axis`, or every second, third... where more would overlap.

    Labels on the x axis lie flat where there is room and stand upright where there is not.
    """
    x_axis = axis.axis_name == "x"
    _set_labels(axis, tokens, step=1)
    if x_axis and _step_without_overlap(axis) > 1:
        axis.set_tick_params(rotation=90)
    step = _step_without_overlap(axis)
    if step > 1:
        _set_labels(axis, tokens, step)


def check_tokens(tokens: Sequence[str], counts: dict[str, int]) -> None:
    """Raise ValueError unless there are as many tokens as each of `counts` ({"rows": 7, ...}) says."""
    for what, count in counts.items():
        if len(tokens) != count:
            raise ValueError(
                f"there are {len(tokens)} tokens but {count} {what}; give one token for each position, "
                "special tokens such as [CLS] and [SEP] included"
            )


def _set_labels(axis: Axis, tokens: Sequence[str], step: int) -> None:
    positions = range(0, len(tokens), step)
    # parse_math=False: a dollar sign in a review is a dollar sign, not the start of a formula.
    axis.set_ticks(list(positions), [tokens[position] for position in positions], parse_math=False)


def _step_without_overlap(axis: Axis) -> int:
    """Measure the labels as drawn and return the smallest step between labels that keeps them apart."""
    figure = axis.figure.get_figure(root=True)
    figure.draw_without_rendering()  # fixes the layout, so that sizes are those of the finished figure
    boxes = [label.get_window_extent() for label in axis.get_ticklabels()]
    if len(boxes) < 2:
        return 1
    x_axis = axis.axis_name == "x"
    starts = [box.x0 + box.width / 2 if x_axis else box.y0 + box.height / 2 for box in boxes]
    spacing = abs(starts[-1] - starts[0]) / (len(starts) - 1)
    widest = max(box.width if x_axis else box.height for box in boxes)
    gap = 0.15 * plt.rcParams["font.size"] * figure.dpi / 72
    return math.ceil((widest + gap) / spacing)
