"""Fonts for the scripts of the world: what can be drawn here, and what stands in for what cannot."""

import functools
import warnings
from collections.abc import Sequence

from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font

# matplotlib brings DejaVu Sans along, which has Latin, Greek, Cyrillic, Hebrew and Arabic letters, but no Chinese,
# Japanese or Korean. These are the usual fonts that have; those that are installed are used.
BUNDLED = "DejaVu Sans"
OTHERS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans SC",
    "Noto Sans JP",
    "Noto Sans KR",
    "Source Han Sans SC",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "Hiragino Sans",
    "PingFang SC",
    "Apple SD Gothic Neo",
    "Microsoft YaHei",
    "Yu Gothic",
    "Malgun Gothic",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
)
STAND_IN = "\N{WHITE SQUARE}"


@functools.cache
def families() -> list[str]:
    """Return the fonts that figures are drawn with, each where the one before lacks a letter."""
    installed = set(fontManager.get_font_names())
    return [BUNDLED, *(name for name in OTHERS if name in installed)]


def drawable(texts: Sequence[str]) -> list[str]:
    """Return the texts with a square in place of each character that no font here can draw; warn once if any.

    A dollar sign is drawn as such: it does not start a formula.
    """
    missing = sorted({character for text in texts for character in text if not _can_draw(character)})
    if missing:
        warnings.warn(
            f"no font here can draw {' '.join(missing[:5])}: squares stand in their places. Install a font that can, "
            "such as Noto Sans CJK (Debian: fonts-noto-cjk), and start Python again",
            stacklevel=2,
        )
    table = {ord(character): STAND_IN for character in missing} | {ord("$"): r"\$"}
    return [text.translate(table) for text in texts]


@functools.cache
def _letters() -> frozenset[int]:
    """The code points that the fonts in `families` can draw."""
    charmaps = [get_font(findfont(FontProperties(family=name))).get_charmap() for name in families()]
    return frozenset().union(*charmaps)


def _can_draw(character: str) -> bool:
    return character.isspace() or ord(character) in _letters()
