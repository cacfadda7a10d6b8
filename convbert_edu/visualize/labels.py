"""What is drawn and how it is labelled: one head's map taken out of a model's result, and tokens along an axis.

The figures of attention and kernels (lessons 00 to 07) share this. First comes choosing a sentence, a layer and a
head; then labels that stay readable from 5 to 128 tokens.
"""

import functools
import math
from collections.abc import Sequence

import torch
from matplotlib.axis import Axis
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from matplotlib.ticker import FuncFormatter, Locator
from torch import Tensor

from convbert_edu.models.outputs import ModelOutput
from convbert_edu.visualize.style import drawable, families

# What to ask of a model so that its result holds a field.
FLAGS = {"attentions": "output_attentions=True", "conv_kernels": "output_conv_kernels=True"}

# In points.
FONT_SIZE = 9
# In characters.
LONGEST_LABEL = 24
# The share of its width that an axis keeps, at least, when the figure is laid out.
KEPT_ROOM = 0.85
# The room for one line of text, in units of its font size.
LINE_HEIGHT = 1.4


def check_tokens(tokens: Sequence[str], counts: dict[str, int]) -> None:
    """Raise ValueError unless there are as many tokens as each of `counts` ({"rows": 7, ...}) says, and some."""
    if len(tokens) == 0:
        raise ValueError("there are no tokens; give a text with at least one word")
    for what, count in counts.items():
        if len(tokens) != count:
            raise ValueError(
                f"there are {len(tokens)} tokens but {count} {what}; give one token for each position, "
                "special tokens such as [CLS] and [SEP] included"
            )


def pick_layers(source: ModelOutput | Tensor, field: str, index: int | None) -> Tensor:
    """Return what happened in all layers to one sentence: [layers, heads, seq, ...].

    source: a model's result, or a tensor of just that shape
    field: "attentions" or "conv_kernels"; index: which sentence of a batch, needed where there are several
    Raises ValueError where the result lacks the field, or `index` is missing or out of range.
    """
    if isinstance(source, Tensor):
        _refuse_choices({"index": index})
        return source.detach()
    layers = getattr(source, field)
    if layers is None:
        raise ValueError(
            f"the result holds no {field}; call the model with {FLAGS[field]}"
            + ("" if field == "attentions" else " (a model with attention_only has no kernels)")
        )
    sentences = layers[0].shape[0]
    if index is None and sentences > 1:
        raise ValueError(f"the result holds {sentences} sentences; say which one: index=0 to {sentences - 1}")
    index = index or 0
    check_range("index", index, sentences)
    return torch.stack([layer[index] for layer in layers]).detach()


def pick_one(
    source: ModelOutput | Tensor, field: str, layer: int | None, head: int | None, index: int | None
) -> tuple[Tensor, str]:
    """Return the map or the kernels of one head, [seq, ...], and the name of what it is.

    Without `head` it is the mean over the heads. A tensor is [seq, ...] of one head or [heads, seq, ...] of several.
    Raises ValueError where `layer` is missing, where a choice is out of range, and as `pick_layers`.
    """
    if isinstance(source, Tensor):
        _refuse_choices({"layer": layer, "head": head, "index": index})
        return _mean_of_heads(source.detach(), "")
    layers = pick_layers(source, field, index)
    if layer is None:
        raise ValueError(
            f"the result holds {len(layers)} layers; say which one: layer=0 to {len(layers) - 1}"
        )
    check_range("layer", layer, len(layers))
    heads = layers[layer]
    if head is None:
        return _mean_of_heads(heads, f"layer {layer}, ")
    check_range("head", head, len(heads))
    return heads[head], f"layer {layer}, head {head}"


def check_range(name: str, value: int, count: int) -> None:
    """Raise ValueError unless `value` counts one of `count` things."""
    if not 0 <= value < count:
        raise ValueError(f"{name} is {value}; it must be 0 to {count - 1}")


def _mean_of_heads(heads: Tensor, where: str) -> tuple[Tensor, str]:
    if heads.dim() == 2:
        return heads, where
    return heads.mean(dim=0), f"{where}mean of {heads.shape[0]} heads"


def _refuse_choices(choices: dict[str, int | None]) -> None:
    for name, value in choices.items():
        if value is not None:
            raise ValueError(
                f"{name}={value} chooses from a model's result, but a tensor was given; leave {name} out, or give "
                "the result"
            )


# Tokens along an axis.


def label_tokens(axis: Axis, tokens: Sequence[str], repeats: int = 1, font_size: int = FONT_SIZE) -> None:
    """Write token t at position t of `axis`; where all would overlap, only every second, third...

    Labels on the x axis lie flat where all of them have room, else they stand upright. Label x before y: upright
    labels take height away, and with it room for labels on the y axis.
    repeats: how many tables of these tokens stand along the axis; each gets the same labels
    """
    names = drawable([shorten(token) for token in tokens])
    count = len(tokens) * repeats
    axis.set_tick_params(labelsize=font_size)
    room_needed = LINE_HEIGHT
    if axis.axis_name == "x":
        # The layout is not settled before the figure is drawn: axes may still lose some of their room.
        widest = max(_width_in_font_sizes(name) for name in names)
        if KEPT_ROOM * _room_in_font_sizes(axis, font_size) >= count * widest:
            room_needed = widest
        else:
            axis.set_tick_params(rotation=90)
    axis.set_major_locator(_EveryNth(len(tokens), repeats, room_needed, font_size))
    axis.set_major_formatter(FuncFormatter(lambda position, _: names[round(position) % len(names)]))
    if axis.axis_name == "y" and room_needed * count > _room_in_font_sizes(axis, font_size):
        # The layout makes room for the labels that it sees, and then other tokens may be the ones that get labels.
        axis.get_figure(root=True).draw_without_rendering()


def shorten(token: str) -> str:
    """Return a token that leaves room for the picture: its first letters, where it is very long."""
    return token if len(token) <= LONGEST_LABEL else f"{token[: LONGEST_LABEL - 1]}…"


class _EveryNth(Locator):
    """Puts ticks at 0, n, 2n... of each table; n is chosen whenever the figure is drawn, when its final size is known.

    A little more room changes nothing: other labels would take other room, and the layout would never settle.
    """

    def __init__(self, count: int, repeats: int, room_needed: float, font_size: int) -> None:
        self.count = count
        self.repeats = repeats
        self.room_needed = room_needed
        self.font_size = font_size
        self.step = 1

    def __call__(self) -> list[int]:
        """Return the positions that get a label."""
        needed = self.count * self.repeats * self.room_needed
        step = max(1, math.ceil(needed / _room_in_font_sizes(self.axis, self.font_size)))
        if step > self.step or step < 0.7 * self.step:
            self.step = step
        # The first label of the next table needs its room, too.
        end = self.count if self.repeats == 1 else max(1, self.count - self.step + 1)
        return [
            table * self.count + position
            for table in range(self.repeats)
            for position in range(0, end, self.step)
        ]


def _room_in_font_sizes(axis: Axis, font_size: int) -> float:
    """The length of an axis, in units of the font size of its labels."""
    box = axis.axes.get_window_extent()
    pixels = box.width if axis.axis_name == "x" else box.height
    points = pixels * 72 / axis.get_figure(root=True).dpi
    return points / font_size


@functools.cache
def _width_in_font_sizes(text: str) -> float:
    """The width of a text and a gap, in units of its font size."""
    gap = 0.7
    font = FontProperties(family=families(), size=FONT_SIZE)
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, False)
    return gap + width / FONT_SIZE
