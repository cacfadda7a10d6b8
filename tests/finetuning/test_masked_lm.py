"""Masked tokens: other ones in each epoch, all of a long text, and what a model predicts for them."""

import math
import warnings

import pytest
import torch

from convbert_edu import ConvBertConfig, ConvBertForMaskedLM, ConvBertTokenizer
from convbert_edu.data.examples import TextExample
from convbert_edu.finetuning.pseudo_perplexity import pseudo_perplexity
from convbert_edu.finetuning.tasks import MaskedLM
from convbert_edu.training.predict import predict
from helpers import tiny_config

CONFIG = ConvBertConfig()
TOKENIZER = ConvBertTokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghij"])
X = -100


def fixed_model(*scores: float) -> ConvBertForMaskedLM:
    """A model that gives the same scores to a, b, c ... everywhere, and next to none to other entries."""
    model = ConvBertForMaskedLM(tiny_config(vocab_size=15, pad_token_id=0, tie_word_embeddings=False)).eval()
    with torch.no_grad():
        model.masked_lm_head.decoder.weight.zero_()
        model.masked_lm_head.decoder.bias.fill_(-100.0)
        model.masked_lm_head.decoder.bias[5 : 5 + len(scores)] = torch.tensor(scores)
    return model


def test_each_epoch_masks_other_tokens_and_repeats_exactly():
    encoded = MaskedLM().encode([TextExample("a b c d e f g h i j", 0)] * 4, TOKENIZER, 16, CONFIG)
    batches = [encoded.batch([0, 1, 2, 3], epoch=epoch) for epoch in (0, 1, 0)]
    is_masked = [batch["labels"] != X for batch in batches]
    assert all(row.sum() == 2 for row in is_masked[0])  # 15% of ten words, rounded
    assert not torch.equal(is_masked[0], is_masked[1])
    assert torch.equal(batches[0]["input_ids"], batches[2]["input_ids"])
    assert len({tuple(row.tolist()) for row in is_masked[0]}) > 1  # equal texts have other tokens masked
    alone = encoded.batch([2], width=15)
    assert torch.equal(alone["labels"][0, :12], batches[0]["labels"][2])
    original = torch.tensor(encoded.input_ids[0])
    assert torch.equal(batches[0]["labels"][is_masked[0]], original.expand(4, -1)[is_masked[0]])


def test_a_batch_says_where_its_masked_tokens_are():
    """Counted through the flattened rows; in texts that hold [MASK] already, too."""
    texts = [TextExample("a [MASK] b", 0), TextExample("[MASK] [MASK]", 0)]
    batch = MaskedLM().encode_inputs(texts, TOKENIZER, 16, CONFIG).batch([0, 1])
    assert batch["masked_positions"].tolist() == [2, 5 + 1, 5 + 2]
    drawn = (
        MaskedLM().encode([TextExample("a b c d e f g h i j", 0)] * 4, TOKENIZER, 16, CONFIG).batch([3, 0])
    )
    assert drawn["masked_positions"].tolist() == [
        at for at, each in enumerate(drawn["labels"].flatten()) if each != X
    ]


def test_a_long_text_goes_on_in_the_next_row():
    encoded = MaskedLM().encode([TextExample("a b c d e f g", 0)], TOKENIZER, 6, CONFIG)
    assert encoded.input_ids == [[2, 5, 6, 7, 8, 3], [2, 9, 10, 11, 3]]
    assert encoded.example_of_row == [0, 0]


def test_texts_without_a_known_word_are_counted_and_the_first_few_named():
    texts = ["a b", "", "😀 " * 30, *["7"] * 5, "c"]
    with pytest.warns(UserWarning, match="nothing can be masked") as caught:
        encoded = MaskedLM().encode([TextExample(text, 0) for text in texts], TOKENIZER, 64, CONFIG)
    assert encoded.example_of_row == [0, 8]
    (warning,) = caught
    message = str(warning.message)
    assert "7 bad rows were left out: text 1 (''); text 2 ('😀 😀" in message
    assert message.endswith("text 5 ('7'); and 2 more")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # no warning where nothing is left out
        MaskedLM().encode([TextExample("a b", 0)], TOKENIZER, 64, CONFIG)
    with pytest.raises(ValueError, match="1 texts hold no word of the vocabulary"):
        MaskedLM().encode([TextExample("😀", 0)], TOKENIZER, 6, CONFIG)


def test_loss_and_accuracy_of_a_model_that_predicts_a_with_three_quarters():
    """All tokens are masked: three a, one b: loss -(3 log 3/4 + log 1/4) / 4."""
    task = MaskedLM(mask_probability=1.0)
    examples = [TextExample("a a", 0), TextExample("b a", 0)]
    encoded = task.encode(examples, TOKENIZER, 16, CONFIG)
    results = predict(fixed_model(math.log(3), 0.0), encoded, task.postprocess)
    loss = -(3 * math.log(3 / 4) + math.log(1 / 4)) / 4
    assert task.metrics(results, encoded, examples, CONFIG) == pytest.approx(
        {"loss": loss, "perplexity": math.exp(loss), "accuracy": 3 / 4}, rel=1e-5
    )


def test_pseudo_perplexity_masks_each_token_in_turn():
    """The same tokens, masked one by one: the same loss, and so the perplexity of above."""
    loss = -(3 * math.log(3 / 4) + math.log(1 / 4)) / 4
    model = fixed_model(math.log(3), 0.0)
    assert pseudo_perplexity(model, TOKENIZER, ["a a", "b a"]) == pytest.approx(math.exp(loss), rel=1e-5)
    with pytest.raises(ValueError, match="1 texts hold no tokens"):
        pseudo_perplexity(model, TOKENIZER, [""])


def test_predictions_for_the_masks_of_a_text():
    task = MaskedLM()
    examples = [TextExample("a [MASK] b [MASK]", 0), TextExample("[MASK]", 0)]
    encoded = task.encode_inputs(examples, TOKENIZER, 16, CONFIG)
    results = predict(fixed_model(0.0, math.log(3)), encoded, task.postprocess)
    first, second = task.predictions(results, encoded, examples, CONFIG)
    assert (len(first["predictions"]), len(second["predictions"])) == (2, 1)
    assert list(first["predictions"][0])[:2] == ["b", "a"]
    assert first["predictions"][0]["b"] == pytest.approx(0.75)
    with pytest.raises(ValueError, match=r"the text 'a' has no \[MASK\] among its first 16"):
        task.encode_inputs([*examples[:1], TextExample("a", 0)], TOKENIZER, 16, CONFIG)
