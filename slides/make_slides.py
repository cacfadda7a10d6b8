"""Make slides of lessons 00 to 04: python slides/make_slides.py

build/slides/index.html is one file that opens from disk and needs no network. What is on a slide stands in the lessons;
deck.toml only says which section of which lesson, and which parts of it. An entry of `show` is

    figure 2             the second figure of the section
    code def wordpiece   the cell in which these words stand
    output def wordpiece what that cell prints
    anything else        the paragraph, list, table or equation that begins with these words

What a lesson no longer holds is named, so that slides do not say other than the lessons.
"""

import base64
import re
import sys
import tomllib
from dataclasses import dataclass
from html import escape
from pathlib import Path

import jinja2
import nbformat
from nbconvert.filters.highlight import Highlight2HTML
from nbconvert.filters.markdown_mistune import MarkdownWithMath
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "notebooks" / "tools"))

from convbert_edu.files import atomic_write
from pages import PageRenderer, title_of

HERE = Path(__file__).resolve().parent
OUTPUT = ROOT / "build" / "slides"
LESSONS = ROOT / "notebooks"


@dataclass
class Slide:
    """One slide: what stands on it as HTML, and where in the lessons it comes from."""

    title: str
    body: str
    source: str


class SlideRenderer(PageRenderer):
    """Slides go about by themselves, so of links to other pages of the course only the words stay."""

    def link(self, text: str, url: str, title: str | None = None) -> str:
        """A link to the web, or the words of another one."""
        return super().link(text, url, title) if "://" in url else text


class Lesson:
    """A lesson, section by section."""

    def __init__(self, path: Path, output: Path) -> None:
        self.name = path.name
        notebook = nbformat.read(path, as_version=4)
        self.title = title_of(notebook)
        self.sections = _sections(notebook)
        self.renderer = SlideRenderer(path.parent, output)

    def part(self, section: str, wanted: str) -> str:
        """Return the HTML of one part of a section. Raises ValueError where the lesson has no such part."""
        if section not in self.sections:
            raise ValueError(f"{self.name} has no section {section!r}, but {', '.join(self.sections)}")
        parts = self.sections[section]
        kind, _, words = wanted.partition(" ")
        if kind == "figure" and words.isdigit():
            figures = [output for part in parts if not isinstance(part, str) for output in _figures(part)]
            found = figures[int(words) - 1 : int(words)]
            html = [_picture(output) for output in found]
        elif kind in ("code", "output"):
            cells = [part for part in parts if not isinstance(part, str) and words in part.source]
            html = [_code(cell) if kind == "code" else _printed(cell) for cell in cells[:1]]
        else:
            texts = [part for part in parts if isinstance(part, str) and part.lstrip("> ").startswith(wanted)]
            html = [str(MarkdownWithMath(renderer=self.renderer).render(text)) for text in texts[:1]]
        if not html:
            raise ValueError(
                f"{self.name}, section {section!r}, has no {wanted!r}; change it in slides/deck.toml"
            )
        return html[0]


def _sections(notebook: NotebookNode) -> dict[str, list[str | NotebookNode]]:
    """Return the parts of a notebook by the heading above them: blocks of text, and cells of code."""
    found: dict[str, list[str | NotebookNode]] = {}
    heading = ""
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            found.setdefault(heading, []).append(cell)
            continue
        for block in re.split(r"\n\s*\n", cell.source):
            if block.startswith("#"):
                first, _, block = block.partition("\n")
                heading = first.strip("# ")
            if block.strip():
                found.setdefault(heading, []).append(block)
    return found


def _figures(cell: NotebookNode) -> list[NotebookNode]:
    return [output for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]


def _picture(output: NotebookNode) -> str:
    data = base64.b64encode(base64.b64decode(output.data["image/png"])).decode()
    description = escape(output.metadata["image/png"]["alt"])
    return f'<img src="data:image/png;base64,{data}" alt="{description}">'


def _code(cell: NotebookNode) -> str:
    return f'<div class="code">{Highlight2HTML(pygments_lexer="python")(cell.source)}</div>'


def _printed(cell: NotebookNode) -> str:
    text = "".join(output.text for output in cell.outputs if output.output_type == "stream")
    return f'<pre class="printed" tabindex="0">{escape(text.rstrip())}</pre>'


def slides_of(deck: Path, output: Path) -> list[Slide]:
    """Return the slides that a deck lists. Raises ValueError, naming lesson and words, for what is not there."""
    listed = tomllib.loads(deck.read_text(encoding="utf-8"))["slide"]
    lessons: dict[str, Lesson] = {}
    slides = []
    for each in listed:
        number = each["lesson"]
        if number not in lessons:
            (path,) = LESSONS.glob(f"{number}_*.ipynb")
            lessons[number] = Lesson(path, output)
        lesson = lessons[number]
        # Without a section it is the beginning of the lesson, whose heading is its title.
        section = each.get("section", lesson.title)
        title = each.get("title") or re.sub(r"^\d+ · ", "", section)
        body = "\n".join(lesson.part(section, wanted) for wanted in each["show"])
        source = lesson.title if section == lesson.title else f"{lesson.title}, section {section}"
        slides.append(Slide(title, body, source))
    return slides


def make(output: Path) -> Path:
    """Write the deck into a folder and return its file."""
    slides = slides_of(HERE / "deck.toml", output)
    template = jinja2.Environment(loader=jinja2.FileSystemLoader(HERE), autoescape=True).get_template(
        "deck.html.j2"
    )
    with atomic_write(output / "index.html", "w") as file:
        file.write(template.render(slides=slides))
    return output / "index.html"


if __name__ == "__main__":
    try:
        page = make(OUTPUT)
    except ValueError as error:
        sys.exit(str(error))
    print(f"The slides: {page} ({page.stat().st_size / 1e6:.1f} MB)")
