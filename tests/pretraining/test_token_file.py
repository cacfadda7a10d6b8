"""The token file gives back what was written, and says so when somebody changed it."""

import json
import tracemalloc
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from convbert_edu.pretraining import token_file as token_file_writer
from convbert_edu.pretraining.packing import Packing, pack_document, split_sentences
from convbert_edu.pretraining.token_file import TokenFile, write_token_file
from convbert_edu.tokenizer import ConvBertTokenizer
from tiny_corpus import documents, sentences

PACKING = Packing(max_length=24, pair_share=0.5, short_share=0.2)


@pytest.fixture(scope="module")
def tokenizer() -> ConvBertTokenizer:
    return ConvBertTokenizer.train(documents(), vocab_size=120)


@pytest.fixture
def token_file(tokenizer: ConvBertTokenizer, tmp_path: Path) -> TokenFile:
    return write_token_file(documents(), tokenizer, tmp_path / "tokens", PACKING)


def one_by_one(tokenizer: ConvBertTokenizer, texts: list[str]) -> Iterator[list[int]]:
    """The sequences of `texts`, each sentence tokenised alone."""
    for number, text in enumerate(texts):
        ids = [
            tokenizer(sentence, add_special_tokens=False)["input_ids"] for sentence in split_sentences(text)
        ]
        yield from pack_document(ids, PACKING, number, tokenizer.cls_token_id, tokenizer.sep_token_id)


def test_it_holds_every_sequence_of_every_document_in_order(
    token_file: TokenFile, tokenizer: ConvBertTokenizer
):
    expected = list(one_by_one(tokenizer, documents()))
    numbers = np.arange(len(token_file))
    lengths = token_file.lengths(numbers)
    rows = token_file.read(numbers, 24, pad_id=0)
    assert [row[:length] for row, length in zip(rows.tolist(), lengths, strict=True)] == expected
    assert token_file.index["tokens"] == sum(map(len, expected))
    assert token_file.index["documents"] == 300
    assert (token_file.folder / "tokens.bin").stat().st_size == 2 * token_file.index["tokens"]


def test_no_sequence_mixes_documents(tokenizer: ConvBertTokenizer, tmp_path: Path):
    texts = [f"the {animal} likes milk . " * 7 for animal in ("cat", "dog", "horse", "mouse", "bear", "bird")]
    token_file = write_token_file(texts, tokenizer, tmp_path / "tokens", PACKING)
    rows = token_file.read(np.arange(len(token_file)), 24, pad_id=0)
    ids = {
        tokenizer.convert_tokens_to_ids(animal) for animal in ("cat", "dog", "horse", "mouse", "bear", "bird")
    }
    found = [ids & set(row) for row in rows.tolist()]
    assert all(len(animals) == 1 for animals in found)
    assert set.union(*found) == ids


def test_rows_are_padded_or_cut_to_the_width(token_file: TokenFile):
    whole, narrow = (token_file.read(np.array([4, 2]), width, pad_id=9) for width in (30, 5))
    assert whole.shape == (2, 30)
    assert np.array_equal(whole[:, :5], narrow)
    for row, length in zip(whole, token_file.lengths(np.array([4, 2])), strict=True):
        assert (row[length:] == 9).all()


def test_a_vocabulary_past_65536_takes_four_bytes(tmp_path: Path):
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = ConvBertTokenizer(special + [f"w{number}" for number in range(70_000)])
    token_file = write_token_file(["w69999 w1 w65536 w65531 w2"], tokenizer, tmp_path / "tokens")
    assert token_file.read(np.array([0]), 7, pad_id=0)[0].tolist() == [2, 70_004, 6, 65_541, 65_536, 7, 3]
    assert (tmp_path / "tokens" / "tokens.bin").stat().st_size == 4 * 7


@pytest.mark.parametrize("name", ["tokens.bin", "offsets.bin"])
def test_a_changed_byte_is_noticed(token_file: TokenFile, name: str):
    token_file.check()
    path = token_file.folder / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match=rf"{name} is damaged: its sha256 is .*build the token file again"):
        TokenFile(token_file.folder).check()


@pytest.mark.parametrize("name", ["tokens.bin", "offsets.bin"])
def test_a_file_that_is_cut_short_or_missing_is_noticed_at_once(token_file: TokenFile, name: str):
    path = token_file.folder / name
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(ValueError, match=rf"{name} has \d+ bytes where index.json says \d+"):
        TokenFile(token_file.folder)
    path.unlink()
    with pytest.raises(ValueError, match=f"{name} has 0 bytes"):
        TokenFile(token_file.folder)


def test_a_damaged_or_missing_index_is_noticed(token_file: TokenFile):
    path = token_file.folder / "index.json"
    index = json.loads(path.read_text())
    for content in (
        path.read_text()[:-20],
        "[]",
        json.dumps(index | {"format": 99}),
        json.dumps({"format": 1}),
    ):
        path.write_text(content)
        with pytest.raises(ValueError, match=r"index.json is damaged"):
            TokenFile(token_file.folder)
    path.write_text(json.dumps(index | {"sequences": index["sequences"] - 1}))
    with pytest.raises(ValueError, match=r"offsets.bin has"):
        TokenFile(token_file.folder)
    path.unlink()
    with pytest.raises(FileNotFoundError, match="is no token file"):
        TokenFile(token_file.folder)


def test_another_vocabulary_is_noticed(token_file: TokenFile, tokenizer: ConvBertTokenizer):
    token_file.check_vocabulary(tokenizer)
    tokens = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    tokens[-1], tokens[-2] = tokens[-2], tokens[-1]
    with pytest.raises(ValueError, match="another vocabulary"):
        token_file.check_vocabulary(ConvBertTokenizer(tokens))


@pytest.mark.parametrize("texts", [[], [""], ["  \n "], ["a cat .", "a dog ."]])
def test_text_that_is_empty_or_below_one_sequence_is_refused(
    tokenizer: ConvBertTokenizer, tmp_path: Path, texts: list[str]
):
    with pytest.raises(ValueError, match="there is no sequence to write"):
        write_token_file(texts, tokenizer, tmp_path / "tokens")
    assert list(tmp_path.iterdir()) == []


def test_an_error_on_the_way_leaves_nothing_behind(tokenizer: ConvBertTokenizer, tmp_path: Path):
    def broken() -> Iterator[str]:
        yield from documents(count=20)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_token_file(broken(), tokenizer, tmp_path / "tokens")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_is_removed_and_a_finished_file_is_not(
    tokenizer: ConvBertTokenizer, tmp_path: Path
):
    (tmp_path / ".tokens.part").mkdir()
    (tmp_path / ".tokens.part" / "tokens.bin").write_bytes(b"half")
    write_token_file(documents(count=20), tokenizer, tmp_path / "tokens")
    with pytest.raises(FileExistsError, match="tokens exists already"):
        write_token_file(documents(count=20), tokenizer, tmp_path / "tokens")
    assert [path.name for path in tmp_path.iterdir()] == ["tokens"]
    TokenFile(tmp_path / "tokens").check()


def test_memory_stays_the_same_for_ten_times_the_text(
    tokenizer: ConvBertTokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Peaks of what Python and NumPy hold, while writing and while reading every sequence."""
    monkeypatch.setattr(token_file_writer, "CHARACTERS_AT_ONCE", 5_000)
    peaks = []
    for times in (1, 1, 10):  # the first time warms up
        texts = (" ".join(sentences(seed=number, count=20)) for number in range(20 * times))
        folder = tmp_path / f"tokens-{len(peaks)}"
        tracemalloc.start()
        token_file = write_token_file(texts, tokenizer, folder)
        for first, last in pairwise(range(0, len(token_file), 50)):
            token_file.read(np.arange(first, last), 128, pad_id=0)
        token_file.check()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] < 1.1 * peaks[1]
