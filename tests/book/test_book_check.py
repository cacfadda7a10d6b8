"""Faults in pages are found: each is put into a page that has none."""

import zipfile

import pytest

from book_check import faults_of_epub, faults_of_pages

GOOD = """<html><head><link rel="stylesheet" href="a.css"><link rel="license" href="https://example.org"></head><body>
<article><p id="here">See <a href="b.html#there">there</a>, <a href="#here">here</a>,
<a href="https://example.org">far away</a>: <img src="p.png" alt="A line that rises"> for <code>$HOME and $PATH</code>
<math><mi>[x](y)</mi></math></p></article><script src="s.js?v=1"></script></body></html>"""


@pytest.fixture
def folder(tmp_path):
    for name, text in {
        "a.html": GOOD,
        "b.html": '<p id="there">There</p>',
        "a.css": "p { background: url(p.png) }",
        "s.js": "",
        "p.png": "",
    }.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_good_page_has_no_faults(folder):
    assert faults_of_pages(folder) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("b.html#there", "c.html", "link to c.html leads nowhere"),
        ("b.html#there", "b.html#elsewhere", "leads to no place"),
        ("#here", "#nowhere", "leads to no place"),
        ('src="p.png"', 'src="q.png"', "q.png, which is not there"),
        ('alt="A line that rises"', 'alt=""', "has no description"),
        ('alt="A line that rises"', "", "has no description"),
        ("s.js?v=1", "https://example.org/s.js", "loads https://example.org/s.js"),
        ("s.js?v=1", "//example.org/s.js", "loads //example.org/s.js"),
        ("a.css", "https://example.org/a.css", "loads https://example.org/a.css"),
        ("<p id", '<style>@import "https://example.org"</style><p id', "a style fetches"),
        ("See ", "See $x$ ", "looks like an equation"),
        ("See ", "See [this](that) ", "looks like a link"),
        ("See ", "See | a | | --- | ", "looks like a table"),
        ("See ", 'See <span class="math">x</span> ', "is not drawn"),
    ],
)
def test_a_fault_is_named_with_its_page(folder, old, new, said):
    text = GOOD.replace(old, new)
    assert text != GOOD
    (folder / "a.html").write_text(text)
    (fault,) = faults_of_pages(folder)
    assert fault.startswith("a.html: ")
    assert said in fault


def test_a_style_sheet_that_fetches_something_is_named(folder):
    (folder / "a.css").write_text("@font-face { src: url('https://example.org/f.woff2') }")
    assert faults_of_pages(folder) == ["a.css fetches something from elsewhere"]


def test_an_epub_needs_pages_that_are_xml_and_pictures_that_are_inside(tmp_path):
    with zipfile.ZipFile(tmp_path / "book.epub", "w") as book:
        book.writestr("a/good.xhtml", '<p>a&nbsp;b <img alt="" src="../p.png"/></p>')
        book.writestr("p.png", "")
        book.writestr("open.xhtml", "<p>one<br>two</p>")
        book.writestr("lost.xhtml", '<p><img alt="" src="q.png"/></p>')
        book.writestr("plain.xhtml", '<head><link rel="stylesheet" href="a.css"/></head>')
    lost, unclosed, plain = faults_of_epub(tmp_path)
    assert "plain.xhtml loads a.css" in plain
    assert "lost.xhtml loads q.png" in lost
    assert "open.xhtml is no XML" in unclosed
