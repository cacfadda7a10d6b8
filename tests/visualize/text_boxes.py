"""Where the words of a figure stand, to see that none covers another."""

import itertools

from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

ROUNDING = 0.5  # dots


def assert_no_words_overlap(figure: Figure) -> None:
    """Tick labels, axis names and titles of all axes, and the figure's own, pairwise apart as they are drawn."""
    boxes = _boxes(figure)
    for (first, one), (second, other) in itertools.combinations(boxes, 2):
        shared = Bbox.intersection(one, other)
        apart = shared is None or min(shared.width, shared.height) <= ROUNDING
        assert apart, (first, second)


def assert_words_inside(figure: Figure) -> None:
    """No word is cut off at the edge of the figure."""
    for text, box in _boxes(figure):
        assert min(box.x0, box.y0) >= -ROUNDING, text
        assert box.x1 <= figure.bbox.x1 + ROUNDING, text
        assert box.y1 <= figure.bbox.y1 + ROUNDING, text


def _boxes(figure: Figure) -> list[tuple[str, Bbox]]:
    """The words of a figure and where they stand; ticks that are kept for later but not drawn are left out."""
    figure.draw_without_rendering()
    axes = [axis for ax in figure.axes for axis in (ax.xaxis, ax.yaxis)]
    all_ticks = [tick for axis in axes for tick in (*axis.majorTicks, *axis.minorTicks)]
    drawn_ticks = [tick for axis in axes for tick in axis._update_ticks()]
    hidden = {id(label) for tick in all_ticks for label in (tick.label1, tick.label2)} - {
        id(label) for tick in drawn_ticks for label in (tick.label1, tick.label2)
    }
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    return [(text.get_text(), text.get_window_extent()) for text in texts if id(text) not in hidden]
