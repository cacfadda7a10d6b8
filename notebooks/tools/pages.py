"""A lesson as one web page that needs no network: nbconvert's page with MathML equations and no scripts."""

import os
import re
from pathlib import Path

from jinja2 import pass_context
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode

from mathml import to_mathml


def title_of(lesson: NotebookNode) -> str:
    """Return the first heading of a lesson, nothing where it has none."""
    text = "\n".join(cell.source for cell in lesson.cells if cell.cell_type == "markdown")
    heading = re.search(r"^# +(.+)$", text, flags=re.MULTILINE)
    return heading[1].strip() if heading else ""


class PageRenderer(IPythonRenderer):
    """Markdown to HTML, with equations as MathML and links that work from the folder of pages."""

    def __init__(self, lessons: Path, folder: Path) -> None:
        super().__init__(escape=False, embed_images=True, path=str(lessons), anchor_link_text="")
        self.lessons = lessons
        self.folder = folder

    def inline_math(self, body: str) -> str:
        """An equation inside a sentence."""
        return to_mathml(body, "inline")

    def block_math(self, body: str) -> str:
        """An equation on a line of its own."""
        return to_mathml(body, "block")

    def latex_environment(self, name: str, body: str) -> str:
        """An equation written as an environment, such as align*."""
        return to_mathml(rf"\begin{{{name}}}{body}\end{{{name}}}", "block")

    def link(self, text: str, url: str, title: str | None = None) -> str:
        """A link; another lesson becomes its page, any other file of the project is found from the new folder."""
        path = url.partition("#")[0]
        if path and "://" not in url and not url.startswith("mailto:"):
            if path.endswith(".ipynb") and "/" not in path:
                url = url.replace(".ipynb", ".html", 1)
            else:
                url = Path(os.path.relpath(self.lessons / url, self.folder)).as_posix()
        return super().link(text, url, title)


class PageExporter(HTMLExporter):
    """Turns lessons from the folder `lessons` into pages for `folder`."""

    def __init__(self, lessons: Path, folder: Path) -> None:
        templates = Path(__file__).resolve().parent / "templates"
        super().__init__(template_name="lesson", extra_template_basedirs=[str(templates)])
        self.lessons = lessons
        self.folder = folder

    @pass_context
    def markdown2html(self, context: object, source: str) -> str:
        """The template filter for Markdown."""
        return MarkdownWithMath(renderer=PageRenderer(self.lessons, self.folder)).render(source)

    def page(self, notebook: NotebookNode) -> str:
        """Return the HTML of a lesson. Raises ValueError when an equation cannot be drawn."""
        html, _ = self.from_notebook_node(notebook)
        return html
