"""The manifest of an EPUB says which pages hold equations, and nothing else of the book changes."""

import zipfile

import pytest

from book_check import faults_of_epub
from book_epub import name_equations

# As Sphinx writes it.
MANIFEST = """<manifest>
    <item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
    <item id="epub-0" href="a/with.xhtml" media-type="application/xhtml+xml" />
    <item id="epub-1" href="without.xhtml" media-type="application/xhtml+xml" />
    <item id="epub-2" href="p.png" media-type="image/png" />
</manifest>"""
FILES = {
    "mimetype": "application/epub+zip",
    "content.opf": MANIFEST,
    "nav.xhtml": "<p>Contents</p>",
    "a/with.xhtml": "<p><math><mi>x</mi></math></p>",
    "without.xhtml": "<p>x</p>",
    "p.png": "",
}


@pytest.fixture
def folder(tmp_path):
    with zipfile.ZipFile(tmp_path / "book.epub", "w") as book:
        for name, text in FILES.items():
            book.writestr(name, text, zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED)
    return tmp_path


def test_pages_with_equations_get_the_property_and_others_do_not(folder):
    (fault,) = faults_of_epub(folder)
    assert "a/with.xhtml has equations" in fault
    name_equations(folder)
    assert faults_of_epub(folder) == []
    with zipfile.ZipFile(folder / "book.epub") as book:
        manifest = book.read("content.opf").decode()
        line = '<item id="epub-0" href="a/with.xhtml" media-type="application/xhtml+xml"'
        assert manifest == MANIFEST.replace(line, line + ' properties="mathml"')
        assert {name: book.read(name).decode() for name in FILES if name != "content.opf"} == {
            name: text for name, text in FILES.items() if name != "content.opf"
        }


def test_the_first_file_stays_uncompressed_and_a_second_time_changes_nothing(folder):
    name_equations(folder)
    once = (folder / "book.epub").read_bytes()
    name_equations(folder)
    assert (folder / "book.epub").read_bytes() == once
    with zipfile.ZipFile(folder / "book.epub") as book:
        first, *others = book.infolist()
    assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
    assert {entry.compress_type for entry in others} == {zipfile.ZIP_DEFLATED}
