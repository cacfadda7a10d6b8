"""Make the book of the course, for a browser and as an EPUB: python book/make_book.py

build/book/html/index.html opens from disk or from any web server, and needs no network; build/book/epub holds the
EPUB. Lessons are shown with the outputs that they are stored with. Every link, picture and equation is looked at
(book_check.py); a warning of Sphinx, or a page with a fault, ends with an error.
"""

import argparse
import re
import shutil
import sys
import time
from pathlib import Path

from sphinx.cmd.build import main as sphinx

from book_check import faults_of_epub, faults_of_pages
from book_epub import name_equations
from book_sources import ROOT, collect

OUTPUT = ROOT / "build" / "book"
# What the theme writes, and what a screen reader needs: the words that are seen, and words where there are only signs.
MENDED = {
    '<summary aria-label="Toggle hidden content">': "<summary>",
    '<summary><span class="toctree-toggle"': '<summary aria-label="Pages below"><span class="toctree-toggle"',
    'aria-label="Search" data-bs-placement': "data-bs-placement",
    # Only the answers of solutions have their code folded.
    "Show the source": "Show the solution",
    "Hide the source": "Hide the solution",
}


PARAMETERS = re.compile(r'<dl>\n((?:<dd><em class="sig-param">.*</dd>\n)+)</dl>')


def make(output: Path, lessons: str = "*", builders: tuple[str, ...] = ("html", "epub")) -> list[str]:
    """Build the book into a folder; return its faults, which Sphinx has also named where it found them itself."""
    source = output / "source"
    collect(source, lessons)
    faults = []
    for builder in builders:
        shutil.rmtree(output / builder, ignore_errors=True)
        # All warnings are shown, then the build fails; -q leaves out the rest of what it says.
        options = ["-q", "-W", "-c", str(ROOT / "book"), "-d", str(output / "doctrees"), "-b", builder]
        if sphinx([*options, str(source), str(output / builder)]):
            faults.append(f"Sphinx has warnings for {builder}; they stand above")
    if "html" in builders:
        mend(output / "html")
        faults += faults_of_pages(output / "html")
    if "epub" in builders:
        name_equations(output / "epub")
        faults += faults_of_epub(output / "epub")
    return faults


def _as_lines(found: re.Match) -> str:
    """Return the parameters of a signature as plain lines; the theme has them as definitions without a term."""
    lines = re.sub(r"<(/?)dd>", r"<\1div>", found[1])
    return f'<div class="signature">\n{lines}</div>'


def mend(folder: Path) -> None:
    """Give buttons the names that screen readers say, in all pages of a folder."""
    for path in folder.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        for old, new in MENDED.items():
            text = text.replace(old, new)
        text = PARAMETERS.sub(_as_lines, text)
        path.write_text(text, encoding="utf-8")


def size(*paths: Path) -> str:
    """Return how many megabytes the files in some folders take."""
    files = [
        file for path in paths for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file()
    ]
    return f"{sum(file.stat().st_size for file in files) / 1e6:.1f} MB"


def main() -> None:
    """Build what the command line asks for, and say how large it is and what it took."""
    parser = argparse.ArgumentParser(description="Make the book of the course.")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder for the book (build/book)")
    parser.add_argument("--lessons", default="*", help="only these lessons, to try something: '0[0-2]*'")
    parser.add_argument("--builder", choices=("html", "epub"), action="append", help="only this form")
    options = parser.parse_args()
    builders = tuple(options.builder or ("html", "epub"))
    faults = make(options.output, options.lessons, builders)
    if "html" in builders:
        print(f"The book: {options.output / 'html' / 'index.html'} ({size(options.output / 'html')})")
    for book in (options.output / "epub").glob("*.epub"):
        print(f"The same as an EPUB: {book} ({size(book)})")
    print(f"It took {time.process_time():.0f} s of processor time.")
    if faults:
        sys.exit("The book has faults:\n" + "\n".join(f"  {fault}" for fault in faults))


if __name__ == "__main__":
    main()
