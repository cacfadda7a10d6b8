"""Mends the EPUB that Sphinx has packed: its manifest must say which pages hold equations."""

import re
import zipfile
from pathlib import Path

# A page in the manifest that has no properties yet: what stands before them, its name, what stands after them.
PAGE = re.compile(r'(<item [^>]*href="([^"]*\.xhtml)" media-type="[^"]*")( ?/>)')


def name_equations(folder: Path) -> None:
    """Give each page with MathML the property "mathml" in the manifest of the EPUB in a folder, as EPUB 3 demands;
    Sphinx leaves it out.
    """
    (path,) = folder.glob("*.epub")
    with zipfile.ZipFile(path) as book:
        files = [(entry, book.read(entry)) for entry in book.infolist()]
    with_equations = {entry.filename for entry, data in files if b"<math" in data}

    def with_property(page: re.Match) -> str:
        return page[1] + (' properties="mathml"' if page[2] in with_equations else "") + page[3]

    with zipfile.ZipFile(path, "w") as book:
        for entry, data in files:
            if entry.filename == "content.opf":
                data = PAGE.sub(with_property, data.decode("utf-8")).encode("utf-8")
            # Each file is packed as it was: `mimetype`, the first one, must not be compressed.
            book.writestr(entry, data)
