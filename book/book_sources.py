"""Collects the pages of the book in a folder: copies of lessons and documents, and pages for the API reference.

The copies lie in the same folders as their originals, so pictures and links between pages stay as they are. Changed is
what a book needs: the README becomes the front page, links to files of the package lead to the API reference, and
the answers in solutions are folded. A link to an exercise, which names a cell for JupyterLab, leads to its heading.
"""

import ast
import os
import re
import shutil
from pathlib import Path, PurePosixPath

import nbformat

ROOT = Path(__file__).resolve().parents[1]
FRONT = "README.md"
# The rest of the book, by the captions of its table of contents; names with * are sorted.
CONTENTS = {
    "Lessons": ["notebooks/[0-9]*.ipynb"],
    "Practice": [
        "notebooks/exercises/README.md",
        "notebooks/exercises/INVESTIGATIONS.md",
        "notebooks/exercises/quizzes/README.md",
    ],
    "Beside the lessons": [
        "notebooks/GLOSSARY.md",
        "notebooks/PREREQUISITES.md",
        "notebooks/TROUBLESHOOTING.md",
        "notebooks/NAMES.md",
        "notebooks/TEACHING.md",
    ],
    "The package": [
        "docs/using.md",
        "docs/results.md",
        "docs/speed.md",
        "docs/differences.md",
        "docs/questions.md",
        "docs/errata.md",
        "docs/setup.md",
        "convbert_edu/bundled/*/README.md",
        "web/explainer/README.md",
    ],
    "The project": ["CONTRIBUTING.md", "CHANGELOG.md"],
}
# Pages that stand below another one in the table of contents.
BELOW = {
    "notebooks/exercises/README.md": [
        "notebooks/exercises/*_exercises.ipynb",
        "notebooks/exercises/solutions/*.ipynb",
    ],
    "notebooks/exercises/quizzes/README.md": ["notebooks/exercises/quizzes/*_quiz.md"],
}
LINK = re.compile(r"(\]\()([^()\s]+)(\))")
# JupyterLab's name for the cell with the task of an exercise, such as exercise 14.2.
TASK = re.compile(r"cell-id=task-(\d+-\d+)")
FENCE = re.compile(r"^ *(```|~~~).*?^ *\1[ \t]*$", re.MULTILINE | re.DOTALL)
PACKAGE = "convbert_edu"
# What readers of the book are told that readers of the notebooks need not know.
ABOUT_THE_BOOK = """\
This is the course as a book: the lessons with the outputs that are stored in them, exercises, quizzes, documents
and the reference. Nothing is run on these pages. An output that answers a question under *Predict* is folded: make
your guess, then open it. To run the cells and change them, open the lessons in JupyterLab
([Commands](#commands))."""
ABOUT_EXERCISES = """\
> This page shows tasks, hints and checks. To write your answers and have them checked, open
> `{page}` in JupyterLab ([Setting up](../../docs/setup.md))."""


def collect(folder: Path, lessons: str = "*") -> None:
    """Write all pages into `folder`, which is emptied first; of lessons and what belongs to them only `lessons` (a
    pattern such as "0[0-2]*"), to look at a few quickly.
    """
    shutil.rmtree(folder, ignore_errors=True)
    pages = {page for group in (*CONTENTS.values(), *BELOW.values()) for page in _expanded(group, lessons)}
    for page in sorted({FRONT, *pages}):
        target = folder / staged_name(page)
        target.parent.mkdir(parents=True, exist_ok=True)
        if page.endswith(".ipynb"):
            _write_notebook(page, target, folder, pages)
            if page.endswith("_exercises.ipynb"):
                _add_below_title(target, ABOUT_EXERCISES.format(page=page))
        else:
            text = change_links((ROOT / page).read_text(encoding="utf-8"), page, folder, pages)
            if page == FRONT:
                text = text.replace("\n\nConvBERT (", f"\n\n{ABOUT_THE_BOOK}\n\nConvBERT (", 1)
            text = text.rstrip() + "\n" + _toctrees(page, lessons)
            target.write_text(text, encoding="utf-8")
    _write_reference(folder / "api")


def staged_name(page: str) -> str:
    """Return the name of a page in the book: the README of the project is the front page."""
    return "index.md" if page == FRONT else page


def change_links(text: str, page: str, folder: Path, pages: set[str]) -> str:
    """Return the text of a page with links that work in the book.

    A file of the package becomes its place in the API reference, another file of the project a copy in the book. What
    is neither, such as a folder, loses its link and keeps its words. Blocks of code stay as they are.
    """
    pieces = []
    place = 0
    for fence in FENCE.finditer(text):
        pieces += [_change(text[place : fence.start()], page, folder, pages), fence[0]]
        place = fence.end()
    return "".join([*pieces, _change(text[place:], page, folder, pages)])


def _change(text: str, page: str, folder: Path, pages: set[str]) -> str:
    text = LINK.sub(lambda link: f"{link[1]}{_target(link[2], page, folder, pages)}{link[3]}", text)
    # A link that lost its target.
    return re.sub(r"\[((?:[^\[\]]|\[[^\]]*\])*)\]\(NOWHERE\)", r"\1", text)


def _target(target: str, page: str, folder: Path, pages: set[str]) -> str:
    path, _, anchor = target.partition("#")
    if ":" in path:
        return target
    here = PurePosixPath(page).parent
    name = os.path.normpath(here / path).replace(os.sep, "/") if path else page
    if name in pages or name == FRONT:
        if task := TASK.fullmatch(anchor):
            return "#" + exercise_anchor(task[1])
        # JupyterLab keeps capitals in the names of headings, the book does not.
        anchor = f"#{anchor.lower()}" if anchor else ""
        return (_between(here, staged_name(name)) if path else "") + anchor
    if name.startswith(PACKAGE) and (name.endswith(".py") or (ROOT / name / "__init__.py").is_file()):
        return "#" + module_anchor(name)
    # Of pages that are left out there is nothing to show.
    if (ROOT / name).is_file() and not name.endswith((".md", ".ipynb")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
        return target
    below = next((each for each in sorted(pages) if each.startswith(name + "/")), None)
    return _between(here, below) if below else "NOWHERE"


def module_anchor(name: str) -> str:
    """Return the anchor of a module's section in the API reference, from the name of its file or folder."""
    return "api-" + re.sub(r"\.py$|/__init__\.py$", "", name).replace("/", "-").replace("_", "-")


def exercise_anchor(number: str) -> str:
    """Return the anchor of an exercise's task; number: such as 14-2."""
    return f"exercise-{number}"


def _between(here: PurePosixPath, name: str) -> str:
    """Return the way from a folder to a page of the book, both with /."""
    return Path(os.path.relpath(name, str(here))).as_posix()


def _expanded(patterns: list[str], lessons: str) -> list[str]:
    """Return the files of the project for some names and patterns."""
    found = []
    for pattern in patterns:
        paths = sorted(ROOT.glob(pattern)) if "*" in pattern else [ROOT / pattern]
        numbered = [path for path in paths if path.name[:2].isdigit()]
        found += [
            path.relative_to(ROOT).as_posix() for path in paths if path not in numbered or path.match(lessons)
        ]
    return found


def _toctrees(page: str, lessons: str) -> str:
    """Return what says which pages follow: the book's contents after the front page, and what stands below others."""
    groups = CONTENTS if page == FRONT else {"": BELOW[page]} if page in BELOW else {}
    text = "".join(_toctree(caption, page, _expanded(group, lessons)) for caption, group in groups.items())
    return text + (_toctree("Reference", page, ["api/index.md"]) if page == FRONT else "")


def _toctree(caption: str, page: str, entries: list[str]) -> str:
    here = PurePosixPath(page).parent
    lines = [_between(here, entry) for entry in entries]
    return "\n".join(
        ["", "```{toctree}", ":hidden:", f":caption: {caption}" if caption else "", *lines, "```", ""]
    )


def _write_notebook(page: str, target: Path, folder: Path, pages: set[str]) -> None:
    """Copy a notebook; the answers of solutions are folded, and the tasks of exercises get their anchors."""
    notebook = nbformat.read(ROOT / page, as_version=4)
    above = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = change_links(cell.source, page, folder, pages)
            task = TASK.fullmatch(f"cell-id={cell.id}")
            if task and page.endswith("_exercises.ipynb"):
                cell.source = f"({exercise_anchor(task[1])})=\n{cell.source}"
        elif "/solutions/" in page and above.startswith("## "):
            # An answer stands right below its task; the checks after it stay open.
            cell.metadata["tags"] = sorted({*cell.metadata.get("tags", []), "hide-input"})
        above = cell.source
    nbformat.write(notebook, target)


def _add_below_title(path: Path, note: str) -> None:
    """Put a note below the title of a notebook, which its first cell begins with."""
    notebook = nbformat.read(path, as_version=4)
    title, _, rest = notebook.cells[0].source.partition("\n")
    notebook.cells[0].source = f"{title}\n\n{note}\n{rest}"
    nbformat.write(notebook, path)


def _write_reference(folder: Path) -> None:
    """Write the pages of the API reference: one for each package, a section for each of its modules."""
    folder.mkdir(parents=True)
    packages = [PACKAGE, *sorted(
        path.parent.relative_to(ROOT).as_posix() for path in (ROOT / PACKAGE).glob("*/__init__.py")
    )]  # fmt: skip
    for package in packages:
        name = package.replace("/", ".")
        introduction = (
            ast.get_docstring(ast.parse((ROOT / package / "__init__.py").read_text(encoding="utf-8"))) or ""
        )
        sections = [f"({module_anchor(package)})=", f"# {name}", "", *_automodule(name, ":no-members:")]
        if package == PACKAGE:
            table = [".. currentmodule:: None", "", ".. autosummary::", "", *_public_names()]
            sections += ["```{eval-rst}", *table, "```", ""]
            modules = (ROOT / PACKAGE).glob("*.py")
        else:
            modules = (ROOT / package).rglob("*.py")
        for path in sorted(modules, key=lambda path: _place(path, introduction)):
            file = path.relative_to(ROOT).as_posix()
            if (path.parent == ROOT / package and path.name == "__init__.py") or path.name == "__main__.py":
                continue
            module = re.sub(r"\.__init__$", "", file.removesuffix(".py").replace("/", "."))
            short = module.removeprefix(name + ".")
            sections += [f"({module_anchor(file)})=", f"## {short}", "", *_automodule(module)]
        (folder / f"{name}.md").write_text("\n".join(sections), encoding="utf-8")
    listed = [f"{package.replace('/', '.')}.md" for package in packages]
    index = [
        "# Reference",
        "",
        "Everything public, from the docstrings; the core of the package comes first.",
        "",
    ]
    (folder / "index.md").write_text(
        "\n".join(
            [*index, "```{toctree}", ":maxdepth: 1", "", *sorted(listed, key=_reading_order), "```", ""]
        ),
        encoding="utf-8",
    )


def _place(path: Path, introduction: str) -> tuple[int, str]:
    """Return where a module stands: where the package's docstring names it, or after those, by name."""
    named = re.search(rf"(?<![\w.]){path.stem}(?![\w])", introduction)
    return (named.start() if named else len(introduction), path.as_posix())


def _automodule(module: str, *options: str) -> list[str]:
    return ["```{eval-rst}", f".. automodule:: {module}", *(f"   {each}" for each in options), "```", ""]


def _public_names() -> list[str]:
    """Return the full names of what `import convbert_edu` offers, for a table with a line about each."""
    imports = ast.parse((ROOT / PACKAGE / "__init__.py").read_text(encoding="utf-8")).body
    return [
        f"   {line.module}.{each.name}"
        for line in imports
        if isinstance(line, ast.ImportFrom) and line.module.startswith(PACKAGE)
        for each in line.names
        if not each.name.startswith("_")
    ]


def _reading_order(page: str) -> int:
    """Return the place of a package in the README's map, which shows the core first."""
    map_of_package = (ROOT / FRONT).read_text(encoding="utf-8").split("## The map of the package")[1]
    place = map_of_package.find(f"  {page.removesuffix('.md').rpartition('.')[2]}/")
    return place if place >= 0 else 0 if page == f"{PACKAGE}.md" else len(map_of_package)
