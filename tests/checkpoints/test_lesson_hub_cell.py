"""The cell of lesson 06 that asks the hub: it has no stored output, so it runs here, against a hub on this machine."""

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

from checkpoints.repositories import QUIRKS
from helpers import ROOT
from local_hub import LocalHub

LESSON = ROOT / "notebooks" / "06_pretrained_weights.ipynb"
REPOSITORY = "YituTech/conv-bert-small"
# What the reader's function takes; weights in several files are left to the package.
PUBLISHED = (
    "safetensors",
    "pickle",
    "no prefix",
    "prefix",
    "buffers",
    "more heads",
    "first revision",
    "half precision",
)
NEEDED = ("def read_safetensors(", "def load_published(")


def cells_of_the_lesson() -> tuple[list[str], str]:
    """The cells that the hub's cell builds on, and that cell itself."""
    cells = [cell for cell in nbformat.read(LESSON, as_version=4).cells if cell.cell_type == "code"]
    before = [cell.source for cell in cells if any(text in cell.source for text in NEEDED)]
    (asks,) = (cell for cell in cells if REPOSITORY in cell.source)
    assert "nbval-skip" in asks.metadata.tags
    assert asks.outputs == []
    return [cells[0].source, *before], asks.source


@pytest.fixture(scope="module")
def namespace() -> dict:
    """The names that a reader has when the cell is reached."""
    names: dict = {}
    before, _ = cells_of_the_lesson()
    assert len(before) == 1 + len(NEEDED)
    for source in before:
        exec(TransformerManager().transform_cell(source), names)
    return names


@pytest.mark.parametrize("quirk", PUBLISHED)
def test_the_cell_loads_what_people_publish(quirk, namespace, hub: LocalHub, capsys):
    hub.add(REPOSITORY, QUIRKS[quirk]("ConvBertModel"))
    shown: list = []
    _, source = cells_of_the_lesson()
    exec(source, namespace | {"display": shown.append})
    assert "equal to the package: True" in capsys.readouterr().out
    (report,) = shown
    assert report.newly_initialised == []


def test_without_the_repository_the_cell_says_so(namespace, hub: LocalHub, capsys):
    exec(cells_of_the_lesson()[1], namespace | {"display": print})
    assert capsys.readouterr().out.startswith("not loaded: ")
    assert any(REPOSITORY in path for _, path, _ in hub.requests)
