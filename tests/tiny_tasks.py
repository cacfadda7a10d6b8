"""Tasks that are learned in seconds, with a model to start from, for the tests of fine-tuning."""

from pathlib import Path
from typing import Any

import torch

from convbert_edu import ConvBertForMaskedLM, ConvBertTokenizer
from convbert_edu.data.examples import (
    Answer,
    ChoiceExample,
    QuestionExample,
    Splits,
    TextExample,
    TokenExample,
)
from convbert_edu.finetuning.settings import FinetuneSettings
from helpers import tiny_config
from tiny_corpus import ANIMALS, sentences

CPU = torch.device("cpu")
NAMES = tuple(ANIMALS)


def save_tiny_model(folder: Path, vocab_size: int = 150, **changes: Any) -> Path:
    """Save a masked language model with random weights, and its tokenizer."""
    texts = [*sentences(seed=0, count=300), "? who what where"]
    tokenizer = ConvBertTokenizer.train(texts, vocab_size=vocab_size, min_frequency=1)
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


def _in_splits(examples: list, label_names: tuple[str, ...] = ()) -> Splits:
    """The first two thirds for training, the others in halves for validation and test."""
    third, sixth = len(examples) // 3, len(examples) // 6
    return Splits(
        examples[: 2 * third], examples[2 * third : -sixth], examples[-sixth:], label_names=label_names
    )


def which_animal(count: int = 60) -> Splits[TextExample]:
    """Which of six animals is it about?"""
    texts = list(sentences(seed=1, count=count))
    return _in_splits([TextExample(text, NAMES.index(text.split()[1])) for text in texts], NAMES)


def whose_food(count: int = 48) -> Splits[TokenExample]:
    """Which word is the animal, which the food? As entities, in BIO."""
    names = ("O", "B-animal", "B-food")
    examples = []
    for text in sentences(seed=2, count=count):
        words = tuple(text.split())
        labels = tuple(1 if word in ANIMALS else 2 if word in ANIMALS.values() else 0 for word in words)
        examples.append(TokenExample(words, labels))
    return _in_splits(examples, names)


def where_is_it(count: int = 48) -> Splits[QuestionExample]:
    """What does the first animal have? The answer is the food beside it; every sixth question is about another one."""
    examples = []
    texts = list(sentences(seed=3, count=2 * count))
    for number in range(count):
        context = f"{texts[2 * number]} {texts[2 * number + 1]}"
        words = texts[2 * number].split()
        answers = (Answer(words[3], context.index(words[3])),)
        question = f"the {words[1]} {words[2]} ?"
        if number % 6 == 5:
            question, answers = "who hid the well ?", ()
        examples.append(QuestionExample(f"q{number}", question, context, answers))
    return _in_splits(examples)


def which_food(count: int = 48) -> Splits[ChoiceExample]:
    """Which of three foods belongs to the animal?"""
    foods = list(ANIMALS.values())
    examples = []
    for number, text in enumerate(sentences(seed=4, count=count)):
        animal, food = text.split()[1], text.split()[3]
        others = [other for other in foods if other != food][:2]
        choices = [*others[: number % 3], food, *others[number % 3 :]]
        examples.append(ChoiceExample(f"c{number}", f"the {animal} likes", tuple(choices), number % 3))
    return _in_splits(examples)


def only_texts(count: int = 48) -> Splits[TextExample]:
    """Texts without labels."""
    return _in_splits([TextExample(text, 0) for text in sentences(seed=5, count=count)])


# For each task: its data.
EVERY_TASK: dict[str, Any] = {
    "classification": which_animal,
    "token-classification": whose_food,
    "question-answering": where_is_it,
    "multiple-choice": which_food,
    "masked-lm": only_texts,
}
