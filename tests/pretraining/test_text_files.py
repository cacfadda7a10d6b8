"""Documents from text files, and what is wrong with files that have none."""

from pathlib import Path

import pytest

from convbert_edu.pretraining import documents as text_files
from convbert_edu.pretraining.documents import read_documents


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_empty_lines_and_the_end_of_a_file_end_a_document(tmp_path: Path):
    one = write(tmp_path / "one.txt", "\ufeffFirst line.\nSecond line.\n\n\n  \nAnother document.\r\n")
    two = write(tmp_path / "two.txt", "A third, in another file: café")
    assert list(read_documents([one, two])) == [
        "First line.\nSecond line.",
        "Another document.",
        "A third, in another file: café",
    ]


def test_a_document_without_end_comes_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(text_files, "LONGEST_DOCUMENT", 30)
    path = write(tmp_path / "long.txt", "\n".join(["ten letters"] * 10))
    pieces = list(read_documents([path]))
    assert "\n".join(pieces) == path.read_text()
    assert len(pieces) == 4


def test_what_is_not_utf_8_is_named_with_its_line(tmp_path: Path):
    path = write(tmp_path / "latin.txt", b"good line\n\nna\xefve\n")
    with pytest.raises(
        ValueError, match=r"latin.txt is not UTF-8 text: line 3, byte 3 cannot be read; convert"
    ):
        list(read_documents([path]))


@pytest.mark.parametrize("content", ["", "\n \n\t\n"])
def test_a_file_without_text_is_refused(tmp_path: Path, content: str):
    path = write(tmp_path / "empty.txt", content)
    with pytest.raises(ValueError, match=r"empty.txt holds no text"):
        list(read_documents([path]))


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"there is no text file .*nowhere.txt"):
        list(read_documents([tmp_path / "nowhere.txt"]))


def test_a_line_that_is_no_paragraph_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(text_files, "LONGEST_LINE", 1000)
    path = write(tmp_path / "one_line.txt", "short\n" + "endless " * 200)
    with pytest.raises(ValueError, match="line 2 is longer than 1,000 bytes"):
        list(read_documents([path]))
