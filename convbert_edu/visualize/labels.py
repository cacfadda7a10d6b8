"""Token labels along an axis that stay readable from 5 to 128 tokens."""

import math
from collections.abc import Sequence

from matplotlib.axis import Axis
from matplotlib.textpath import TextPath
from matplotlib.ticker import FuncFormatter, Locator

FONT_SIZE = 9  # points
LINE_HEIGHT = 1.4  # room for one line of text, in units of its font size


def label_tokens(axis: Axis, tokens: Sequence[str]) -> None:
    """Write token t at place t of `axis`; where all would overlap, only every second, third...

    Labels on the x axis lie flat where all of them have room, else they stand upright.
    """
    # A dollar sign in a review is a dollar sign, not the start of a formula.
    names = [token.replace("$", r"\$") for token in tokens]
    axis.set_tick_params(labelsize=FONT_SIZE)
    room_needed = LINE_HEIGHT
    if axis.axis_name == "x":
        axis.get_figure(root=True).draw_without_rendering()  # settles the layout, and so the room
        widest = max(_width_in_font_sizes(name) for name in names)
        if _room_in_font_sizes(axis) >= len(tokens) * widest:
            room_needed = widest
        else:
            axis.set_tick_params(rotation=90)
    axis.set_major_locator(_EveryNth(len(tokens), room_needed))
    axis.set_major_formatter(FuncFormatter(lambda place, _: names[round(place)]))


def check_tokens(tokens: Sequence[str], counts: dict[str, int]) -> None:
    """Raise ValueError unless there are as many tokens as each of `counts` ({"rows": 7, ...}) says."""
    for what, count in counts.items():
        if len(tokens) != count:
            raise ValueError(
                f"there are {len(tokens)} tokens but {count} {what}; give one token for each position, "
                "special tokens such as [CLS] and [SEP] included"
            )


class _EveryNth(Locator):
    """Puts ticks at 0, n, 2n...; n is chosen whenever the figure is drawn, when its final size is known."""

    def __init__(self, count: int, room_needed: float) -> None:
        self.count = count
        self.room_needed = room_needed

    def __call__(self) -> list[int]:
        """Return the places that get a label."""
        step = math.ceil(self.count * self.room_needed / _room_in_font_sizes(self.axis))
        return list(range(0, self.count, max(1, step)))


def _room_in_font_sizes(axis: Axis) -> float:
    """The length of an axis, in units of the font size of its labels."""
    box = axis.axes.get_window_extent()
    pixels = box.width if axis.axis_name == "x" else box.height
    points = pixels * 72 / axis.get_figure(root=True).dpi
    return points / FONT_SIZE


def _width_in_font_sizes(text: str) -> float:
    """The width of a text and a gap, in units of its font size."""
    gap = 0.7
    return gap + (
        TextPath((0, 0), text, size=FONT_SIZE).get_extents().width / FONT_SIZE if text.strip() else 0
    )
