"""A corpus that packs in a second, for the tests of pretraining: made-up sentences with rules that can be learned."""

import random
from collections.abc import Iterator
from pathlib import Path

from convbert_edu.pretraining.corpus import PretrainingCorpus, build_corpus
from convbert_edu.pretraining.packing import Packing
from convbert_edu.pretraining.settings import PretrainSettings

ANIMALS = {"cat": "milk", "dog": "bone", "horse": "grass", "mouse": "cheese", "bear": "honey", "bird": "seed"}
VERBS = ("likes", "wanted", "hid", "found", "stole")
PLACES = ("behind the house", "in the garden", "near the old well", "under a tree")


def sentences(seed: int, count: int) -> Iterator[str]:
    """Sentences such as "the horse likes grass behind the house ."; the food follows from the animal."""
    draw = random.Random(seed)
    for _ in range(count):
        animal = draw.choice(list(ANIMALS))
        yield f"the {animal} {draw.choice(VERBS)} {ANIMALS[animal]} {draw.choice(PLACES)} ."


def documents(seed: int = 0, count: int = 300) -> list[str]:
    """Documents of one to nine sentences."""
    draw = random.Random(f"documents {seed}")
    return [" ".join(sentences(draw.randrange(10**9), draw.randint(1, 9))) for _ in range(count)]


def make_corpus(folder: Path, **packing: float) -> PretrainingCorpus:
    """Build a corpus of 300 documents with 30 held out; sequences of at most 32 tokens."""
    return build_corpus(
        folder,
        train=lambda: documents(seed=0),
        held_out=lambda: documents(seed=1, count=30),
        vocab_size=120,
        packing=Packing(**({"max_length": 32, "pair_share": 0.3} | packing)),
    )


def quick_settings(**changes: object) -> PretrainSettings:
    """Settings of a run of a dozen steps of some milliseconds each."""
    sizes = dict(
        embedding_size=16,
        hidden_size=32,
        num_hidden_layers=2,
        intermediate_size=48,
        max_position_embeddings=32,
    )
    values: dict = dict(
        sizes=sizes, steps=12, warmup_steps=2, batch_size=4, learning_rate=1e-3, precision="float32", threads=1,
        log_every=1, evaluate_every=5, evaluate_sequences=20,
    )  # fmt: skip
    return PretrainSettings(**(values | changes))
