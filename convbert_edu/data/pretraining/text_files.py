"""Documents from the user's own text files: UTF-8, one paragraph a line, an empty line between documents."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

LONGEST_LINE = 10_000_000  # bytes; a longer line is no paragraph
LONGEST_DOCUMENT = 1_000_000  # characters; what goes on longer is handed on in parts, to keep memory constant


def read_documents(paths: Iterable[str | os.PathLike]) -> Iterator[str]:
    """Yield the documents of text files one after the other; a file's end is a document's end.

    Raises FileNotFoundError for a missing file; ValueError, naming file and line, for one that is empty or not UTF-8.
    """
    for path in map(Path, paths):
        if not path.is_file():
            raise FileNotFoundError(f"there is no text file {path}")
        found = False
        for document in _documents_of(path):
            found = True
            yield document
        if not found:
            raise ValueError(f"{path} holds no text; leave it out, or put text in it")


def _documents_of(path: Path) -> Iterator[str]:
    paragraphs: list[str] = []
    characters = 0
    for line in _lines_of(path):
        if paragraphs and (not line or characters > LONGEST_DOCUMENT):
            yield "\n".join(paragraphs)
            paragraphs, characters = [], 0
        if line:
            paragraphs.append(line)
            characters += len(line)
    if paragraphs:
        yield "\n".join(paragraphs)


def _lines_of(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        number = 0
        while line := file.readline(LONGEST_LINE):
            number += 1
            if len(line) == LONGEST_LINE:
                raise ValueError(
                    f"{path}: line {number} is longer than {LONGEST_LINE:,} bytes; put one paragraph on a line"
                )
            try:
                yield line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
            except UnicodeDecodeError as error:
                raise ValueError(
                    f"{path} is not UTF-8 text: line {number}, byte {error.start + 1} cannot be read; convert the file "
                    f"(iconv -f ITS-ENCODING -t UTF-8 {path.name} > new.txt)"
                ) from None
