"""Small random BERTs, made and saved by transformers, for the tests of conversion and distillation."""

from pathlib import Path
from typing import Any

import torch
import transformers

from convbert_edu.tokenizer import ConvBertTokenizer
from helpers import randomise

TEXTS = [
    "the cat likes milk in the garden .",
    "the dog found a bone near the old well , and hid it behind the house .",
    "a mouse stole the cheese .",
    "the bear wanted honey under a tree ; the bird wanted seed .",
]


def tiny_tokenizer() -> ConvBertTokenizer:
    """A tokenizer that knows the words of TEXTS."""
    return ConvBertTokenizer.train(TEXTS * 3, vocab_size=110)


def tiny_bert_config(**changes: Any) -> transformers.BertConfig:
    """Four layers of six heads, small enough for milliseconds."""
    fields: dict[str, Any] = dict(
        vocab_size=len(tiny_tokenizer()), hidden_size=48, num_hidden_layers=4, num_attention_heads=6,
        intermediate_size=40, max_position_embeddings=40, pad_token_id=0,
    )  # fmt: skip
    return transformers.BertConfig(**(fields | changes))


def save_tiny_bert(
    folder: Path, kind: type[transformers.PreTrainedModel] = transformers.BertModel, **changes: Any
) -> transformers.PreTrainedModel:
    """Save a random model and its tokenizer to `folder`, and return the model, in eval mode."""
    model = kind(tiny_bert_config(**changes))
    randomise(model)
    model.save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return model.eval()


def padded_batch() -> dict[str, torch.Tensor]:
    """Two rows with token types, the second one padded."""
    torch.manual_seed(1)
    return {
        "input_ids": torch.randint(5, 50, (2, 13)),
        "attention_mask": torch.tensor([[1] * 13, [1] * 9 + [0] * 4]),
        "token_type_ids": torch.tensor([[0] * 6 + [1] * 7, [0] * 13]),
    }
