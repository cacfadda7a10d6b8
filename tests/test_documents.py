"""README.md and docs/: short enough to read, their snippets run, their links and figures hold; forms for issues."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml
from nbformat.v4 import new_markdown_cell, new_notebook

from helpers import LESSONS, ROOT
from page_reading import broken_links, examples, links, without_code, words

README = ROOT / "README.md"
DOCS = sorted((ROOT / "docs").glob("*.md"))
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
LONGEST_LINE = 140


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def wrong_in_a_new_process(page: Path, folder: Path) -> list[tuple[str, str, str]]:
    """Run a page's snippets in `folder`, as a user would: a fresh process, no network, no checks of annotations."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]),
        "HF_HUB_OFFLINE": "1",
        "PYTHONWARNINGS": "ignore",
        "PYTHONUTF8": "1",
    }
    command = [sys.executable, str(ROOT / "tests" / "run_page.py"), str(page)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_first_block_of_the_readme_is_short_and_prints_what_stands_below_it(tmp_path):
    """It is the only one in Python, so that whoever copies the first block has all that it needs."""
    ((code, written),) = examples(text_of(README))
    assert text_of(README).index("```python") == text_of(README).index("```")
    assert len([line for line in code.splitlines() if line]) <= 5
    assert written
    assert wrong_in_a_new_process(README, tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["questions.md", "using.md"])
def test_the_snippets_of_a_page_print_what_stands_below_them(name, tmp_path):
    assert wrong_in_a_new_process(ROOT / "docs" / name, tmp_path) == []


def test_a_snippet_that_wants_a_network_or_prints_something_else_is_found(tmp_path):
    page = tmp_path / "page.md"
    asks = "import socket\ntry:\n    socket.create_connection(('localhost', 9))\nexcept OSError as e:\n    print(e)\n"
    page.write_text(f"```python\n{asks}```\n\n```text\nConnection refused\n```\n")
    ((code, printed, written),) = wrong_in_a_new_process(page, tmp_path)
    assert (code, printed, written) == (
        asks,
        "this page must run without a network\n",
        "Connection refused\n",
    )


def test_every_question_is_answered_with_a_snippet_and_stands_in_the_list():
    start, *answers = re.split(r"^## ", text_of(ROOT / "docs" / "questions.md"), flags=re.MULTILINE)
    assert len(answers) >= 9
    for answer in answers:
        assert examples(answer), answer.splitlines()[0]
    assert [words_of_link for words_of_link, _ in links(start) if words_of_link.endswith("?")] == [
        answer.splitlines()[0] for answer in answers
    ]


def test_the_readme_has_600_to_800_words():
    """As `wc -w` counts them: the whole file, with tables, code and pictures."""
    assert 600 <= len(text_of(README).split()) <= 800


def test_every_lesson_but_the_first_has_its_files_in_the_table_of_docs():
    table = text_of(ROOT / "docs" / "using.md").split("## Which file a lesson is about")[1].split("\n## ")[0]
    rows = re.findall(r"^\| \[(\d\d)\]\(\.\./notebooks/(\w+)\.ipynb\) \| \[", table, flags=re.MULTILINE)
    assert tuple(name for _, name in rows) == LESSONS[1:]
    assert all(name.startswith(number) for number, name in rows)


def test_words_are_counted_as_a_reader_sees_them():
    page = "# One\n\ntwo [three four](five.md#six) `seven`\n\n![eight](nine.png)\n\n"
    page += "| ten | 0.5 ± 0.1 |\n| --- | --- |\n\n```\neleven\n```\n<!-- twelve -->\n"
    assert words(page) == [
        "One", "two", "three", "four", "`seven`", "ten", "0.5", "0.1",
    ]  # fmt: skip


@pytest.mark.parametrize("path", [README, *DOCS, ROOT / "CONTRIBUTING.md"], ids=lambda path: path.name)
def test_every_link_of_a_document_leads_somewhere(path):
    assert broken_links(path) == []


def test_broken_links_are_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# Title\n[a](page.md#title) [b](page.md#other) [c](none.md) [d](#title) [e](https://x.org/none)\n"
    )
    assert broken_links(page) == [("b", "page.md#other"), ("c", "none.md")]


def test_broken_links_of_notebooks_and_to_them_are_found(tmp_path):
    """A place in a notebook is a heading or a cell, as JupyterLab knows them."""
    there, page = tmp_path / "there.ipynb", tmp_path / "page.md"
    nbformat.write(new_notebook(cells=[new_markdown_cell("# A title\n\n## 1.1 · B", id="task-1-1")]), there)
    text = (
        "[a](there.ipynb) [b](there.ipynb#A-title) [c](there.ipynb#cell-id=task-1-1) [d](there.ipynb#a-title) "
        "[e](there.ipynb#cell-id=task-1-2) [f](there.ipynb#1.1-·-B) [g](none.ipynb#cell-id=task-1-1)"
    )
    page.write_text(text, encoding="utf-8")
    nbformat.write(new_notebook(cells=[new_markdown_cell(text)]), tmp_path / "notebook.ipynb")
    for path in (page, tmp_path / "notebook.ipynb"):
        assert [words_of_link for words_of_link, _ in broken_links(path)] == ["d", "e", "f", "g"]


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_every_page_of_docs_is_linked_from_the_readme_and_has_lines_that_can_be_read(path):
    assert f"docs/{path.name}" in {target.partition("#")[0] for _, target in links(text_of(README))}
    prose = [line for line in without_code(text_of(path)).splitlines() if not line.startswith("|")]
    assert [line for line in prose if len(line) > LONGEST_LINE] == []


def test_the_pictures_of_the_readme_exist_and_are_described():
    pictures = re.findall(r"!\[([^\]]*)\]\(([^)]*)\)", text_of(README))
    assert len(pictures) == 2
    for description, target in pictures:
        assert len(description.split()) >= 10
        assert (ROOT / target).is_file()


def test_every_lesson_has_its_row_in_the_readme_in_their_order():
    rows = re.findall(
        r"^\| \[(\d\d) [^\]]*\]\(notebooks/(\w+)\.ipynb\) \|", text_of(README), flags=re.MULTILINE
    )
    assert tuple(name for _, name in rows)[: len(LESSONS)] == LESSONS
    assert all(name.startswith(number) for number, name in rows)


def test_the_speed_table_of_the_readme_is_a_part_of_that_in_docs():
    def rows(path: Path) -> list[str]:
        return re.search(r"^\| batch x tokens.*\n(?:\|.*\n)+", text_of(path), flags=re.MULTILINE)[
            0
        ].splitlines()

    short, whole = rows(README), rows(ROOT / "docs" / "speed.md")
    assert len(short) >= 4
    assert short == [row for row in whole if row in short]


def test_the_rows_of_the_errata_name_a_day_and_a_lesson_the_newest_first():
    rows = re.findall(
        r"^\| (\d{4}-\d\d-\d\d) \| \[(\d\d)\]\(\.\./notebooks/(\w+)\.ipynb\) \| [^|]+ \| [^|]+ \|$",
        text_of(ROOT / "docs" / "errata.md"),
        flags=re.MULTILINE,
    )
    assert len(rows) == text_of(ROOT / "docs" / "errata.md").count("\n| 2")
    days = [day for day, _, _ in rows]
    assert days == sorted(days, reverse=True)
    assert all(name in LESSONS and name.startswith(number) for _, number, name in rows)


def test_there_is_a_form_for_a_fault_in_a_lesson_for_a_bug_and_for_a_question():
    assert [path.stem for path in FORMS] == ["bug", "lesson", "question"]


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.name)
def test_a_form_has_what_github_asks_for(path):
    """Name, description and body; each field with a kind that there is, a label and a name of its own."""
    form = yaml.safe_load(text_of(path))
    assert form["name"]
    assert form["description"]
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    assert {field["type"] for field in fields} <= {"input", "textarea", "dropdown", "checkboxes"}
    assert all(field["attributes"]["label"] for field in fields)
    names = [field["id"] for field in fields]
    assert len(names) == len(set(names))
    assert any(field.get("validations", {}).get("required") for field in fields)


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.name)
def test_the_pages_that_a_form_names_exist(path):
    named = re.findall(r"\b(?:docs|notebooks)/[\w.-]+\.md", text_of(path))
    assert [name for name in named if not (ROOT / name).is_file()] == []
