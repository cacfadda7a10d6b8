"""The pages of the book: all of the course, with links that work there."""

import re
from pathlib import Path

import nbformat
import pytest

from book_sources import ABOUT_THE_BOOK, CONTENTS, FRONT, ROOT, change_links, collect, module_anchor
from convbert_edu.exercises.definition import exercise_files
from helpers import LESSONS


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("book") / "source"
    collect(folder)
    return folder


def tables_of_contents(folder: Path) -> dict[Path, list[Path]]:
    """Which pages stand below each page, as the book's tables of contents say."""
    found = {}
    for page in folder.rglob("*.md"):
        trees = re.findall(
            r"^```\{toctree\}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
        )
        names = [line for tree in trees for line in tree.splitlines() if line and not line.startswith(":")]
        found[page] = [(page.parent / name).resolve() for name in names]
    return found


def test_every_page_of_the_course_is_in_the_book_and_can_be_reached(folder):
    lists = tables_of_contents(folder)
    reached, waiting = set(), [folder / "index.md"]
    while waiting:
        page = waiting.pop()
        assert page.is_file(), page
        reached.add(page)
        waiting += [each for each in lists.get(page, []) if each not in reached]
    assert reached == {path for ending in ("*.md", "*.ipynb") for path in folder.rglob(ending)}
    pages = {path.relative_to(folder).as_posix() for path in reached}
    written = [
        path.relative_to(ROOT).as_posix()
        for pattern in ("docs/*.md", "notebooks/**/*.md", "notebooks/**/*.ipynb")
        for path in ROOT.glob(pattern)
        if ".ipynb_checkpoints" not in path.parts
    ]
    assert set(written) - pages == set()
    assert [path.stem for path in lists[folder / "index.md"] if path.stem in LESSONS] == list(LESSONS)


def test_the_reference_has_a_section_for_every_module_the_core_first(folder):
    text = "".join(path.read_text(encoding="utf-8") for path in (folder / "api").glob("*.md"))
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in (ROOT / "convbert_edu").rglob("*.py")
        if path.name != "__main__.py"
    ]
    assert sorted(re.findall(r"automodule:: (\S+)", text)) == sorted(modules)
    order = [path.stem for path in tables_of_contents(folder)[folder / "api" / "index.md"]]
    assert order[:3] == ["convbert_edu", "convbert_edu.layers", "convbert_edu.models"]


def test_links_lead_to_pages_to_the_reference_and_to_copies(tmp_path):
    pages = {"notebooks/GLOSSARY.md", "notebooks/00_start_here.ipynb", "notebooks/exercises/a.ipynb"}
    written = (
        "[a](00_start_here.ipynb#The-course) [b](GLOSSARY.md#token) [c](../README.md) [d](../convbert_edu/config.py) "
        "[e](../LICENSE) [f](https://example.org) [`g`](../.ci) [h](exercises/) [i](#Here) "
        "[j](../convbert_edu/layers)\n"
        "```\n[k](../.ci)\n```\n"
    )
    assert change_links(written, "notebooks/GLOSSARY.md", tmp_path, pages) == (
        "[a](00_start_here.ipynb#the-course) [b](GLOSSARY.md#token) [c](../index.md) [d](#api-convbert-edu-config) "
        "[e](../LICENSE) [f](https://example.org) `g` [h](exercises/a.ipynb) [i](#here) "
        "[j](#api-convbert-edu-layers)\n```\n[k](../.ci)\n```\n"
    )
    assert (tmp_path / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


def test_a_link_to_an_exercise_leads_to_the_heading_of_its_task(folder, tmp_path):
    pages = {"notebooks/exercises/14_exercises.ipynb"}
    assert change_links(
        "[a](exercises/14_exercises.ipynb#cell-id=task-14-2) [b](exercises/14_exercises.ipynb#cell-id=imports)",
        "notebooks/14_efficiency.ipynb", tmp_path, pages,
    ) == "[a](#exercise-14-2) [b](exercises/14_exercises.ipynb#cell-id=imports)"  # fmt: skip
    texts = {
        path: "\n\n".join(
            cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"
        )
        for path in folder.rglob("*.ipynb")
    } | {path: path.read_text(encoding="utf-8") for path in folder.rglob("*.md")}
    headings = [
        found
        for text in texts.values()
        for found in re.findall(r"^\((exercise-\S+)\)=\n## (\S+) · ", text, re.MULTILINE)
    ]
    assert sorted(headings) == [
        (f"exercise-{number.replace('.', '-')}", number) for number in exercise_files()
    ]
    led_to = {target for text in texts.values() for target in re.findall(r"\]\(#(exercise-[^)]*)\)", text)}
    assert len(led_to) >= 9
    assert led_to <= dict(headings).keys()
    assert not [path for path, text in texts.items() if re.search(r"\]\([^)]*#cell-id=", text)]


def test_anchors_of_modules_are_one_for_a_file_and_its_folder():
    assert module_anchor("convbert_edu/finetuning/tasks/__init__.py") == "api-convbert-edu-finetuning-tasks"
    assert module_anchor("convbert_edu/finetuning/tasks") == "api-convbert-edu-finetuning-tasks"


def test_answers_of_solutions_are_folded_and_lessons_stay_as_they_are(folder):
    path = Path("notebooks/exercises/solutions/03_solutions.ipynb")
    cells = nbformat.read(folder / path, as_version=4).cells
    folded = [cell for cell in cells if "hide-input" in cell.metadata.get("tags", [])]
    assert [re.match(r"(?:class|def) (\w+)", cell.source)[1] for cell in folded] == [
        "SpanAwareKey", "SpanDynamicConvolution", "lightweight_convolution", "kernel_for",
    ]  # fmt: skip
    lesson = Path("notebooks/03_span_based_dynamic_convolution.ipynb")
    written, copied = (nbformat.read(top / lesson, as_version=4).cells for top in (ROOT, folder))
    assert [cell.get("outputs") for cell in written] == [cell.get("outputs") for cell in copied]
    assert any("hide-output" in cell.metadata.get("tags", []) for cell in copied)


def test_readers_of_the_book_are_told_where_cells_can_be_run(folder):
    assert ABOUT_THE_BOOK in (folder / "index.md").read_text(encoding="utf-8")
    exercises = Path("notebooks/exercises/09_exercises.ipynb")
    opening = nbformat.read(folder / exercises, as_version=4).cells[0].source
    assert opening.startswith("# Exercises · 09")
    assert f"> `{exercises.as_posix()}` in JupyterLab" in opening


def test_the_contents_name_files_that_exist():
    for name in (FRONT, *(name for group in CONTENTS.values() for name in group)):
        assert list(ROOT.glob(name)), name
