"""Looks for faults in the built book: links, pictures, equations, and what would be fetched from elsewhere."""

import re
import xml.etree.ElementTree
import zipfile
from pathlib import Path
from urllib.parse import unquote

from bs4 import BeautifulSoup

# What a page loads by itself; a link that a reader follows may lead anywhere.
LOADED = {
    "script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src", "audio": "src", "link": "href",
    "object": "data", "embed": "src",
}  # fmt: skip
ELSEWHERE = re.compile(r"(?:[a-z]+:)?//", re.IGNORECASE)
# In a style sheet, or a script that loads another one.
FETCHES = re.compile(r"""(?:@import\s+|url\(\s*)["']?\s*(?:https?:)?//""", re.IGNORECASE)
NOT_LOADED = ("canonical", "author", "license")


def faults_of_pages(folder: Path) -> list[str]:
    """Return what is wrong with the pages in a folder, one sentence for each fault."""
    # The theme keeps templates of its own among its files.
    files = [path for path in sorted(folder.rglob("*.html")) if "_static" not in path.parts]
    pages = {path: BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser") for path in files}
    names = {path: {each["id"] for each in page.select("[id]")} for path, page in pages.items()}
    faults = []
    for path, page in pages.items():
        here = path.relative_to(folder).as_posix()
        faults += [
            f"{here}: {fault}"
            for fault in (*_loaded(page, path), *_links(page, path, names), *_content(page))
        ]
    for path in (*folder.rglob("*.css"),):
        if FETCHES.search(path.read_text(encoding="utf-8")):
            faults.append(f"{path.relative_to(folder).as_posix()} fetches something from elsewhere")
    return faults


def _loaded(page: BeautifulSoup, path: Path) -> list[str]:
    """Return faults of what a page loads: it must be there, and not elsewhere."""
    faults = []
    for tag, attribute in LOADED.items():
        for each in page.select(f"{tag}[{attribute}]"):
            target = each[attribute]
            if target.startswith("data:") or set(each.get("rel", [])) & set(NOT_LOADED):
                continue
            if ELSEWHERE.match(target):
                faults.append(f"loads {target}")
            elif not _file(path, target).exists():
                faults.append(f"loads {target}, which is not there")
    faults += [
        "a style fetches something from elsewhere"
        for each in page.select("style")
        if FETCHES.search(each.text)
    ]
    return faults


def _links(page: BeautifulSoup, path: Path, names: dict[Path, set[str]]) -> list[str]:
    """Return links that lead to no file, or to no such place in a page."""
    faults = []
    for link in page.select("a[href]"):
        target = link["href"]
        if re.match(r"[a-z]+:", target) or target in ("", "#"):
            continue
        file = _file(path, target)
        anchor = unquote(target.partition("#")[2])
        if not file.exists():
            faults.append(f"the link to {target} leads nowhere")
        elif anchor and file in names and anchor not in names[file]:
            faults.append(f"the link to {target} leads to no place of that page")
    return faults


def _content(page: BeautifulSoup) -> list[str]:
    """Return pictures without a description, and equations, links and tables that were left as they were written."""
    article = page.select_one("article") or page
    faults = [
        f"the picture {image['src']} has no description"
        for image in article.select("img:not([alt]), img[alt='']")
    ]
    faults += [
        f"an equation is not drawn: {each.text[:60]!r}" for each in article.select("span.math, div.math")
    ]
    for each in article.select("pre, code, script, style, math"):
        each.extract()
    text = article.get_text()
    faults += [
        f"text in the page looks like an equation: {found[0]!r}"
        for found in re.finditer(r"\$[^$\n]{1,60}\$", text)
    ]
    faults += [
        f"text in the page looks like a link: {found[0]!r}" for found in re.finditer(r"\]\([^()\s]+\)", text)
    ]
    faults += [
        f"text in the page looks like a table: {found[0]!r}"
        for found in re.finditer(r"\|(?: ?:?-{3,}:? ?\|)+", text)
    ]
    return faults


def _file(page: Path, target: str) -> Path:
    """Return the file that an address in a page means."""
    name = unquote(re.split(r"[?#]", target)[0])
    return (page.parent / name).resolve() if name else page


def faults_of_epub(folder: Path) -> list[str]:
    """Return what is wrong with the EPUB in a folder: its pages must be XML, what they load must be inside, and the
    manifest must say which of them hold equations.
    """
    (path,) = folder.glob("*.epub")
    faults = []
    with zipfile.ZipFile(path) as book:
        files = set(book.namelist())
        manifest = book.read("content.opf").decode("utf-8") if "content.opf" in files else ""
        for name in sorted(files):
            if not name.endswith(".xhtml"):
                continue
            text = book.read(name).decode("utf-8")
            try:
                xml.etree.ElementTree.fromstring(text.replace("&nbsp;", "&#160;"))
            except xml.etree.ElementTree.ParseError as error:
                faults.append(f"{path.name}: {name} is no XML: {error}")
            named = re.search(rf'<item [^>]*href="{re.escape(name)}"[^>]* properties="[^"]*mathml', manifest)
            if "<math" in text and not named:
                faults.append(f"{path.name}: {name} has equations, and the manifest does not say so")
            for found in re.finditer(r'<(?:(?:img|script|source)[^>]* src|link[^>]* href)="([^"]*)"', text):
                inside = (Path("/") / Path(name).parent / unquote(found[1])).resolve().as_posix()[1:]
                if ELSEWHERE.match(found[1]) or (inside not in files and not found[1].startswith("data:")):
                    faults.append(f"{path.name}: {name} loads {found[1]}, which is not inside")
    return faults
