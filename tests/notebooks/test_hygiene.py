"""What every lesson promises its readers, checked without running it."""

import re

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from helpers import LESSONS, ROOT
from lesson_reading import asserts_a_threshold, code_cells, compared_outputs, compares_with_package, markdown
from normalise import normalise
from pages import PageExporter

NOTEBOOKS = ROOT / "notebooks"
LONGEST_CELL = 25  # lines
LONGEST_CELL_THAT_BUILDS = 40  # cells tagged "build", which make nano.py
LARGEST_FILE = 3_000_000  # bytes
FEWEST_COMPARED_OUTPUTS = 5
# Another tag would be a misspelt one: nobody reads it, and nothing happens.
KNOWN_TAGS = {
    "build",  # collected into convbert_edu/nano.py
    "hide-output",  # the answer to a prediction, folded up until it is asked for
    "nbval-ignore-output",
    "nbval-skip",
    "raises-exception",
}
MACHINE_PATH = re.compile(r"(?<![\w.~/-])(?:/(?:home|root|Users|tmp|var|opt|usr|mnt|work)/\w|[A-Z]:\\\w)")


@pytest.fixture(params=LESSONS)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def lesson(name: str) -> NotebookNode:
    return nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)


def test_these_are_all_the_lessons():
    assert sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb")) == list(LESSONS)


def test_every_code_cell_was_run(lesson):
    assert [cell.source for cell in code_cells(lesson) if cell.execution_count is None] == []


def test_no_output_is_an_unexpected_error(lesson):
    for cell in code_cells(lesson):
        if "raises-exception" not in cell.metadata.get("tags", []):
            assert not any(output.output_type == "error" for output in cell.outputs), cell.source


def test_some_cell_compares_the_lesson_with_the_package(name, lesson):
    if name == "00_start_here":  # the tour builds nothing of its own; it must hold what it promises
        assert asserts_a_threshold(lesson)
    else:
        assert compares_with_package(lesson)


def test_enough_outputs_are_compared(lesson):
    assert compared_outputs(lesson) >= FEWEST_COMPARED_OUTPUTS


def test_every_picture_is_described(lesson):
    for cell in code_cells(lesson):
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                assert output.metadata.get("image/png", {}).get("alt", "").strip(), cell.source
    for description, target in re.findall(r"!\[(.*?)\]\((.*?)\)", markdown(lesson), flags=re.DOTALL):
        assert description.strip(), target
    for image in re.findall(r"<img[^>]*>", markdown(lesson)):
        assert re.search(r"alt=[\"'][^\"']+", image), image


def test_no_output_is_a_widget(lesson):
    # A stored widget shows nothing: what it draws is lost with the kernel.
    for cell in code_cells(lesson):
        kinds = {kind for output in cell.outputs for kind in output.get("data", {})}
        assert "application/vnd.jupyter.widget-view+json" not in kinds, cell.source


def test_no_cell_is_long(lesson):
    for cell in code_cells(lesson):
        builds = "build" in cell.metadata.get("tags", [])
        assert cell.source.count("\n") < (LONGEST_CELL_THAT_BUILDS if builds else LONGEST_CELL), cell.source


def test_no_path_of_a_machine_is_shown(lesson):
    for cell in lesson.cells:
        texts = [cell.source]
        for output in cell.get("outputs", []):
            texts += [output.get("text", ""), *output.get("traceback", [])]
            texts += [text for kind, text in output.get("data", {}).items() if kind.startswith("text/")]
        for text in texts:
            assert not MACHINE_PATH.search(text), MACHINE_PATH.search(text)


def test_every_tag_of_a_cell_is_known(lesson):
    assert {tag for cell in lesson.cells for tag in cell.metadata.get("tags", [])} <= KNOWN_TAGS


def test_an_answer_is_folded_up_in_jupyterlab_and_in_the_book_alike(lesson):
    assert folded_in_one_place_only(lesson) == []


@pytest.mark.parametrize(
    ("metadata", "found"),
    [
        ({"tags": ["hide-output"], "jupyter": {"outputs_hidden": True}}, []),
        ({"tags": ["nbval-ignore-output"]}, []),
        ({"tags": ["hide-output"]}, ["x"]),
        ({"jupyter": {"outputs_hidden": True}}, ["x"]),
    ],
)
def test_a_cell_that_is_folded_up_in_one_place_only_is_found(metadata, found):
    assert folded_in_one_place_only(new_notebook(cells=[new_code_cell("x", metadata=metadata)])) == found


def folded_in_one_place_only(lesson: NotebookNode) -> list[str]:
    """The cells with the tag for the book or the field for JupyterLab, but not both."""
    return [
        cell.source
        for cell in lesson.cells
        if ("hide-output" in cell.metadata.get("tags", []))
        != (cell.metadata.get("jupyter", {}).get("outputs_hidden") is True)
    ]


def test_the_file_is_in_its_committed_form(lesson):
    assert lesson.metadata.kernelspec.name == "python3"
    assert normalise(lesson) == lesson, "run: python notebooks/tools/normalise.py notebooks/*.ipynb"


def test_the_file_is_small(name):
    assert (NOTEBOOKS / f"{name}.ipynb").stat().st_size < LARGEST_FILE


def test_the_lesson_starts_with_a_title_and_says_how_many_minutes_it_needs(lesson):
    opening = lesson.cells[0].source
    assert opening.startswith("# ")
    assert re.search(r"\bNeeds:?\**:? .*\bminutes?\b", markdown(lesson)), "no line 'Needs: ... minutes ...'"


def test_the_lesson_fixes_its_seed_before_anything_else(lesson):
    assert "torch.manual_seed(0)" in code_cells(lesson)[0].source


def test_the_lesson_can_be_written_as_a_page_with_all_equations_drawn(lesson, tmp_path):
    assert "$$" not in PageExporter(NOTEBOOKS, tmp_path).page(lesson)
