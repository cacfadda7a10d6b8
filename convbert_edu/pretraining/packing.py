"""From a document to sequences for pretraining: whole sentences, packed up to a length (lesson 08)."""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# A sequence of fewer tokens, [CLS] and [SEP] not counted, teaches nothing.
SHORTEST = 5
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\s*\n\s*")


@dataclass(frozen=True, kw_only=True)
class Packing:
    """How sequences are made.

    max_length: tokens of a sequence, with [CLS] and [SEP]
    pair_share: share of the sequences that are cut in two, [CLS] a [SEP] b [SEP], at the end of a sentence
    short_share: share of the sequences that have a random shorter length, so that the model meets short text, too
    """

    max_length: int = 128
    pair_share: float = 0.0
    short_share: float = 0.05
    seed: int = 0

    def __post_init__(self) -> None:
        if self.max_length < SHORTEST + 3:
            raise ValueError(f"max_length is {self.max_length}; it must be at least {SHORTEST + 3}")
        for name in ("pair_share", "short_share"):
            if not 0 <= getattr(self, name) <= 1:
                value = getattr(self, name)
                raise ValueError(f"{name} is {value}; it is a share of all sequences, from 0 to 1")


def split_sentences(text: str) -> list[str]:
    """Cut a document at the ends of its sentences and lines. A wrong cut ("Dr. Who") does no harm here."""
    return [sentence for sentence in _SENTENCE_END.split(text.strip()) if sentence]


def pack_document(
    sentences: Sequence[Sequence[int]], packing: Packing, number: int, cls_id: int, sep_id: int
) -> Iterator[list[int]]:
    """Yield the sequences of one document: [CLS] sentences [SEP], or [CLS] a [SEP] b [SEP].

    sentences: the token ids of each; one that is too long for a sequence is cut
    number: the document's position among all, on which its random choices depend
    """
    draw = random.Random(f"{packing.seed} {number}")
    limit, as_pair = _draw_length(draw, packing)
    held: list[Sequence[int]] = []
    for sentence in sentences:
        while sentence:
            room = limit - sum(map(len, held))
            if len(sentence) > room and held:
                yield from _close(held, as_pair, draw, cls_id, sep_id)
                held, (limit, as_pair) = [], _draw_length(draw, packing)
                continue
            held.append(sentence[:room])
            sentence = sentence[room:]
    yield from _close(held, as_pair, draw, cls_id, sep_id)


def _draw_length(draw: random.Random, packing: Packing) -> tuple[int, bool]:
    """Return how many tokens of text the next sequence may hold, and whether it is to be a pair."""
    as_pair = draw.random() < packing.pair_share
    limit = packing.max_length - (3 if as_pair else 2)
    if draw.random() < packing.short_share:
        limit = draw.randint(SHORTEST, limit)
    return limit, as_pair


def _close(
    held: list[Sequence[int]], as_pair: bool, draw: random.Random, cls_id: int, sep_id: int
) -> Iterator[list[int]]:
    """Yield the sequence made of the sentences `held`, unless they are too short."""
    if sum(map(len, held)) < SHORTEST:
        return
    cut = draw.randrange(1, len(held)) if as_pair and len(held) > 1 else len(held)
    sequence = [cls_id]
    for segment in (held[:cut], held[cut:]):
        if segment:
            sequence += [token for sentence in segment for token in sentence]
            sequence.append(sep_id)
    yield sequence
