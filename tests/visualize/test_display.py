"""`show` and `show_source` in a real notebook kernel, and outside one."""

import base64
import io

import matplotlib.pyplot as plt
import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from convbert_edu.visualize import show, show_source
from convbert_edu.visualize.display import PACKAGE_FOLDER

FIGURE = """%matplotlib inline
import matplotlib.pyplot as plt
from convbert_edu.visualize import show, show_source
fig, ax = plt.subplots(facecolor="none")
ax.plot([1, 2])
show(fig, alt="A line & its <end>")"""


@pytest.fixture(scope="module")
def cells() -> list[nbformat.NotebookNode]:
    """A notebook as its kernel leaves it."""
    source = "from convbert_edu.files import atomic_write\nshow_source(atomic_write)"
    notebook = new_notebook(cells=[new_code_cell(FIGURE), new_code_cell(source)])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    return notebook.cells


@pytest.mark.slow
def test_a_figure_is_shown_once_with_its_description(cells):
    picture, words = cells[0].outputs
    assert picture.metadata == {"image/png": {"alt": "A line & its <end>"}}
    assert picture.data["text/plain"] == "A line & its <end>"
    assert "A line &amp; its &lt;end&gt;" in words.data["text/html"]


@pytest.mark.slow
def test_a_figure_is_opaque_even_if_it_was_made_transparent(cells):
    pixels = plt.imread(io.BytesIO(base64.b64decode(cells[0].outputs[0].data["image/png"])))
    assert pixels[0, 0].tolist() == [1, 1, 1, 1]


@pytest.mark.slow
def test_source_is_shown_under_the_name_of_its_file(cells):
    (shown,) = cells[1].outputs
    assert shown.data["text/markdown"].startswith(
        "`convbert_edu/files.py`\n\n```python\n@contextmanager\ndef atomic_write"
    )
    assert shown.data["text/plain"].startswith("convbert_edu/files.py\n\n@contextmanager\n")


def test_outside_a_notebook_a_figure_is_closed_quietly(capsys):
    fig, _ = plt.subplots()
    show(fig, alt="Nothing")
    assert not plt.fignum_exists(fig.number)
    assert capsys.readouterr() == ("", "")


def test_outside_a_notebook_source_is_printed(capsys):
    show_source(show)
    printed = capsys.readouterr().out
    name, source = printed.rstrip("\n").split("\n\n", 1)
    assert name == "convbert_edu/visualize/display.py"
    assert source in (PACKAGE_FOLDER / "visualize" / "display.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("alt", ["", " \n"])
def test_a_figure_without_a_description_is_refused(alt):
    fig, _ = plt.subplots()
    with pytest.raises(ValueError, match=r"alt is .*; describe in a sentence"):
        show(fig, alt=alt)
    plt.close(fig)


def test_source_of_others_is_refused():
    with pytest.raises(ValueError, match="not defined in convbert_edu"):
        show_source(nbformat.read)
