"""Long texts in windows: nothing lost, nothing twice, and the mean of the scores decides."""

import numpy as np
import pytest

from convbert_edu import ConvBertConfig, ConvBertTokenizer
from convbert_edu.data.batching import encode_texts
from convbert_edu.data.examples import TextExample
from convbert_edu.finetuning.tasks import Classification
from convbert_edu.finetuning.tasks.classification import mean_scores

WORDS = [f"w{number}" for number in range(30)]
TOKENIZER = ConvBertTokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS])
CONFIG = ConvBertConfig(num_labels=2)


def text_of(words: int) -> str:
    return " ".join(WORDS[:words])


@pytest.mark.parametrize("words", [0, 1, 4, 5, 9, 12, 13, 20])
def test_windows_of_equal_length_hold_each_word_once(words: int):
    """Rows of 6 tokens have room for 4 words; five windows for 20."""
    encoded = Classification(windows=5).encode([TextExample(text_of(words), 1)], TOKENIZER, 6, CONFIG)
    rows = [TOKENIZER.convert_ids_to_tokens(ids) for ids in encoded.input_ids]
    assert all(row[0] == "[CLS]" and row[-1] == "[SEP]" and len(row) <= 6 for row in rows)
    assert [word for row in rows for word in row[1:-1]] == WORDS[:words]
    lengths = [len(row) for row in rows]
    assert max(lengths) - min(lengths) <= 1
    assert len(rows) == max(1, -(-words // 4))
    assert encoded.labels.tolist() == [1] * len(rows)
    assert encoded.token_type_ids == [[0] * length for length in lengths]


def test_what_is_longer_than_all_windows_is_cut():
    encoded = Classification(windows=2).encode([TextExample(text_of(30), 0)], TOKENIZER, 6, CONFIG)
    assert TOKENIZER.convert_ids_to_tokens(encoded.input_ids[-1]) == ["[CLS]", *WORDS[4:8], "[SEP]"]
    assert len(encoded) == 2


@pytest.mark.parametrize(("windows", "cut"), [(1, 3), (2, 1), (3, 0)])
def test_texts_that_do_not_fit_are_counted(windows: int, cut: int):
    """A window has room for 4 words; the texts have 4, 5, 8 and 9."""
    examples = [TextExample(text_of(words), 0) for words in (4, 5, 8, 9)]
    assert Classification(windows=windows).encode(examples, TOKENIZER, 6, CONFIG).cut == cut


def test_with_one_window_a_text_is_the_row_that_it_was():
    texts = [text_of(words) for words in (3, 25, 0)]
    encoded = Classification().encode([TextExample(text, 0) for text in texts], TOKENIZER, 6, CONFIG)
    plain = encode_texts(TOKENIZER, texts, [0] * 3, 6)
    assert (encoded.input_ids, encoded.token_type_ids) == (plain.input_ids, plain.token_type_ids)
    assert encoded.example_of_row == [0, 1, 2]


def test_rows_without_room_for_a_word_are_what_the_tokenizer_makes_of_them():
    encoded = Classification().encode([TextExample(text_of(3), 0)], TOKENIZER, 2, CONFIG)
    assert encoded.input_ids == [[TOKENIZER.cls_token_id, TOKENIZER.sep_token_id]]


def test_the_mean_of_the_windows_decides():
    """Text 0 has three windows, with scores (1, 0), (0, 2), (0, 2): the mean is (1/3, 4/3), so class 1."""
    examples = [TextExample(text_of(10), 1), TextExample(text_of(2), 0)]
    task = Classification(windows=3)
    encoded = task.encode(examples, TOKENIZER, 6, CONFIG)
    assert encoded.example_of_row == [0, 0, 0, 1]
    scores = [np.array(row, dtype=np.float32) for row in ((1, 0), (0, 2), (0, 2), (3, 0))]
    np.testing.assert_allclose(mean_scores(scores, encoded.example_of_row), [[1 / 3, 4 / 3], [3, 0]])
    assert task.metrics(scores, encoded, examples, CONFIG) == {"accuracy": 1.0, "macro_f1": 1.0}
    predictions = task.predictions(scores, encoded, examples, CONFIG)
    assert [prediction["label"] for prediction in predictions] == ["LABEL_1", "LABEL_0"]
    assert predictions[0]["probabilities"]["LABEL_1"] == pytest.approx(1 / (1 + np.exp(-1)))


def test_pairs_and_numbers_that_cannot_be_are_refused():
    with pytest.raises(
        ValueError, match=r"windows is 2, but the examples are pairs of texts.*leave windows out"
    ):
        Classification(windows=2).encode([TextExample("w1", 0, "w2")], TOKENIZER, 6, CONFIG)
    with pytest.raises(ValueError, match="windows is 0; a text is read in at least 1"):
        Classification(windows=0)
