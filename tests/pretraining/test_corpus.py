"""The corpus folder: vocabulary and both splits, whole or not at all."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from convbert_edu.pretraining.corpus import PretrainingCorpus, build_corpus, every_hundredth, first_characters
from tiny_corpus import documents, make_corpus


def test_it_has_a_vocabulary_and_two_parts(tmp_path: Path):
    make_corpus(tmp_path / "corpus")
    corpus = PretrainingCorpus.open(tmp_path / "corpus")
    corpus.train.check()
    corpus.held_out.check()
    corpus.train.check_vocabulary(corpus.tokenizer)
    assert (corpus.train.index["documents"], corpus.held_out.index["documents"]) == (300, 30)
    first = corpus.train.read(np.array([0]), 10, corpus.tokenizer.pad_token_id)[0]
    assert documents()[0].startswith(corpus.tokenizer.decode(first, skip_special_tokens=True)[:20])


def test_a_tokenizer_can_be_given(tmp_path: Path):
    first = make_corpus(tmp_path / "first")
    again = build_corpus(
        tmp_path / "again", lambda: documents(5, 40), lambda: documents(6, 5), tokenizer=first.tokenizer
    )
    again.train.check_vocabulary(first.tokenizer)


def test_an_error_leaves_nothing_behind(tmp_path: Path):
    def broken() -> Iterator[str]:
        yield documents(1, 1)[0]
        raise ValueError("the second document is broken")

    with pytest.raises(ValueError, match="the second document is broken"):
        build_corpus(tmp_path / "corpus", documents, broken, vocab_size=120)
    assert list(tmp_path.iterdir()) == []


def test_a_corpus_that_exists_is_left_alone(tmp_path: Path):
    make_corpus(tmp_path / "corpus")
    with pytest.raises(FileExistsError, match="corpus exists already"):
        make_corpus(tmp_path / "corpus")
    with pytest.raises(FileNotFoundError, match="convbert-edu data pack"):
        PretrainingCorpus.open(tmp_path / "nowhere")


def test_every_hundredth_document_can_be_held_out():
    texts = [str(number) for number in range(250)]
    held_out, train = (list(every_hundredth(texts, is_held_out)) for is_held_out in (True, False))
    assert held_out == ["50", "150"]
    assert sorted(held_out + train) == sorted(texts)


def test_a_text_of_few_documents_has_none_to_hold_out():
    assert list(every_hundredth(map(str, range(51)), held_out=True)) == ["50"]
    for is_held_out in (True, False):
        with pytest.raises(
            ValueError, match=r"the text has 50 documents; .* from document 51 on: .*--held-out"
        ):
            list(every_hundredth(map(str, range(50)), is_held_out))


def test_the_vocabulary_is_learnt_from_so_many_characters():
    endless = (f"document {number}" for number in iter(int, 1))
    assert len(list(first_characters(endless, 100))) == 10
