"""The lines of a text file: UTF-8, with or without a byte order mark, whatever its line ends."""

import io
import os
from pathlib import Path


def open_text(path: str | os.PathLike) -> io.StringIO:
    """Return the text of a file, its line ends as they are.

    Raises FileNotFoundError where there is none; ValueError where it is empty or not UTF-8.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not UTF-8 text: byte {error.start + 1} cannot be read; convert the file "
            f"(iconv -f ITS-ENCODING -t UTF-8 {path.name} > new.txt)"
        ) from None
    if not text.strip():
        raise ValueError(f"{path} holds no examples; it is empty")
    return io.StringIO(text, newline="")


def lines_of(text: str) -> list[str]:
    """Return the lines of `text`, which end in LF, CRLF or CR; other signs of Unicode end none, unlike splitlines."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
