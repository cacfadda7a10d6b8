"""Tasks that are learnt in seconds, with a model to start from, for the tests of fine-tuning."""

from pathlib import Path
from typing import Any

import torch

from convbert_edu import ConvBertForMaskedLM, ConvBertTokenizer
from convbert_edu.data.examples import Splits, TextExample
from convbert_edu.training.finetune_settings import FinetuneSettings
from helpers import tiny_config
from tiny_corpus import ANIMALS, sentences

CPU = torch.device("cpu")
NAMES = tuple(ANIMALS)


def save_tiny_model(folder: Path, **changes: Any) -> Path:
    """Save a masked language model with random weights, and its tokenizer."""
    texts = [*sentences(seed=0, count=300), "? who what where"]
    tokenizer = ConvBertTokenizer.train(texts, vocab_size=150, min_frequency=1)
    torch.manual_seed(0)
    fields: dict[str, Any] = {"max_position_embeddings": 64, "hidden_dropout_prob": 0.1} | changes
    config = tiny_config(vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id, **fields)
    ConvBertForMaskedLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def quick_settings(**changes: Any) -> FinetuneSettings:
    """Settings of a run of some milliseconds a step."""
    fields: dict[str, Any] = dict(
        epochs=2, batch_size=8, learning_rate=2e-3, precision="float32", log_every=1
    )
    return FinetuneSettings(**(fields | changes))


def _in_parts(examples: list, label_names: tuple[str, ...] = ()) -> Splits:
    """The first two thirds for training, the others in halves for validation and test."""
    third, sixth = len(examples) // 3, len(examples) // 6
    return Splits(
        examples[: 2 * third], examples[2 * third : -sixth], examples[-sixth:], label_names=label_names
    )


def which_animal(count: int = 60) -> Splits[TextExample]:
    """Which of six animals is it about?"""
    texts = list(sentences(seed=1, count=count))
    return _in_parts([TextExample(text, NAMES.index(text.split()[1])) for text in texts], NAMES)
