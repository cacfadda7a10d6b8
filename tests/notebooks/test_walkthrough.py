"""The walkthrough runs lessons and writes pages that can be read without a network."""

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from mathml import to_mathml
from pages import PageExporter
from walkthrough import walk

INTRODUCTION = r"""# 00 A sample & more

**Question.** How does *a token* look at the others?

$$\text{out}_t = \sum_{j=0}^{k-1} \kappa_{t,j}\, v_{t+j-\lfloor k/2 \rfloor}$$

\begin{align*} a &= b \\ c &= d \end{align*}

Inline $x_i < y$, at \$5 a piece; [the next lesson](01_next.ipynb#part), [source](../convbert_edu/config.py),
[the paper](https://example.org/paper), `$HOME`.
"""

FIGURE = """import matplotlib.pyplot as plt
from convbert_edu.visualize import show
fig, ax = plt.subplots()
ax.plot([1, 2])
show(fig, alt='A line that rises from 1 to 2, "quoted" & all')"""


def write(folder, name, *cells):
    path = folder / "notebooks" / f"{name}.ipynb"
    path.parent.mkdir(exist_ok=True)
    nbformat.write(new_notebook(cells=list(cells)), path)
    return path


def assert_needs_no_network(page: BeautifulSoup) -> None:
    """No script, style sheet, font or picture is fetched from anywhere."""
    assert not page.select("script[src], link[href^=http], iframe, img[src^=http]")
    for style in page.select("style"):
        assert "@import" not in style.text
        assert "url(http" not in style.text.replace("'", "").replace('"', "")


@pytest.mark.slow
def test_a_lesson_becomes_a_page_and_a_failing_one_stops_no_other(tmp_path, capfd):
    lessons = [
        write(
            tmp_path, "00_fails", new_markdown_cell("# 00 Fails"), new_code_cell("1 / 0"), new_code_cell("2")
        ),
        write(
            tmp_path,
            "01_works",
            new_markdown_cell(INTRODUCTION),
            new_code_cell(FIGURE),
            new_code_cell("6 * 7"),
        ),
    ]
    folder = tmp_path / "build" / "walkthrough"
    failing, working = walk(lessons, folder)

    assert failing.failure == "ZeroDivisionError: division by zero"
    assert working.failure == ""
    assert working.title == "00 A sample & more"
    assert working.question == "How does *a token* look at the others?"
    assert "00_fails.ipynb: ZeroDivisionError" in capfd.readouterr().out

    page = BeautifulSoup((folder / "01_works.html").read_text(encoding="utf-8"), "html.parser")
    assert_needs_no_network(page)
    assert [image["alt"] for image in page.select("img")] == ['A line that rises from 1 to 2, "quoted" & all']
    assert "42" in page.text
    assert "division by zero" in (folder / "00_fails.html").read_text(encoding="utf-8")

    index = BeautifulSoup((folder / "index.html").read_text(encoding="utf-8"), "html.parser")
    assert_needs_no_network(index)
    first, second = index.select("li")
    assert first.a["href"] == "00_fails.html"
    assert "Failed: ZeroDivisionError" in first.text
    assert second.a.text == "00 A sample & more"
    assert "How does" in second.text


def page_of(markdown: str, tmp_path) -> BeautifulSoup:
    notebook = new_notebook(cells=[new_markdown_cell(markdown)])
    exporter = PageExporter(tmp_path / "notebooks", tmp_path / "build" / "walkthrough")
    return BeautifulSoup(exporter.page(notebook), "html.parser")


def test_equations_are_mathml_and_nothing_is_left_in_dollars(tmp_path):
    page = page_of(INTRODUCTION, tmp_path)
    assert_needs_no_network(page)
    assert [equation["display"] for equation in page.select("math")] == ["block", "block", "inline"]
    assert "$$" not in page.main.text
    assert "at $5 a piece" in page.main.text
    assert page.select("code")[0].text == "$HOME"


def test_links_work_from_the_folder_of_pages(tmp_path):
    links = {link.text: link["href"] for link in page_of(INTRODUCTION, tmp_path).select("main p a")}
    assert links["the next lesson"] == "01_next.html#part"
    assert links["source"] == "../../convbert_edu/config.py"
    assert links["the paper"] == "https://example.org/paper"


@pytest.mark.parametrize(
    "latex", [r"\begin{aligned} a &= b \end{aligned}", r"\left( x", r"\nosuchcommand{x}"]
)
def test_an_equation_that_cannot_be_drawn_is_quoted(latex):
    with pytest.raises(ValueError, match=r"equation .* drawn") as caught:
        to_mathml(latex, "block")
    assert repr(latex) in str(caught.value)
