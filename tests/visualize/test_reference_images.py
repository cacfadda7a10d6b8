"""A few figures, small, compared with pictures that a person has looked at.

Drawn with the font that matplotlib brings along. After a wanted change: python tests/visualize/test_reference_images.py
"""

from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest

matplotlib.use("agg")

from visualize.figure_cases import OF_NUMBERS, OF_TOKENS, tokens

FOLDER = Path(__file__).parent / "reference"
PICTURES = {
    name: lambda name=name: OF_TOKENS[name](tokens(7)) for name in ("attention", "mixed_attention")
} | {name: OF_NUMBERS[name] for name in ("locality", "curves")}
DOTS_PER_INCH = 40
BLOCK = 8  # dots: letters may move by a dot from one version of matplotlib to the next
TOLERANCE = 0.03  # mean difference of brightness, from 0 to 1


def picture(name: str, path: Path) -> np.ndarray:
    PICTURES[name]().savefig(path, dpi=DOTS_PER_INCH, metadata={"Software": None})
    return blocks(path)


def blocks(path: Path) -> np.ndarray:
    """The mean colour of each small square of a picture."""
    pixels = plt.imread(path)[..., :3]
    rows, columns = (length // BLOCK for length in pixels.shape[:2])
    pixels = pixels[: rows * BLOCK, : columns * BLOCK]
    return pixels.reshape(rows, BLOCK, columns, BLOCK, 3).mean(axis=(1, 3))


@pytest.mark.parametrize("name", PICTURES)
def test_a_figure_looks_as_it_did(name, tmp_path):
    now, before = picture(name, tmp_path / "now.png"), blocks(FOLDER / f"{name}.png")
    assert now.shape == before.shape
    assert np.abs(now - before).mean() < TOLERANCE


def test_another_figure_would_be_noticed():
    seen = {name: blocks(FOLDER / f"{name}.png") for name in PICTURES}
    attention = seen["attention"]
    assert np.abs(attention - attention[::-1]).mean() > TOLERANCE  # upside down
    assert all(np.abs(other - np.ones_like(other)).mean() > TOLERANCE for other in seen.values())


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name in PICTURES:
        picture(name, FOLDER / f"{name}.png")
