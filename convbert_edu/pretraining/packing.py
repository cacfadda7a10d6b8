"""From a document to sequences for pretraining: whole sentences, packed up to a length."""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

SHORTEST = 5  # a sequence of fewer tokens, [CLS] and [SEP] not counted, teaches nothing
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\s*\n\s*")


@dataclass(frozen=True, kw_only=True)
class Packing:
    """How sequences are made."""

    max_length: int = 128  # tokens of a sequence, with [CLS] and [SEP]
    pair_share: float = 0.0  # sequences cut in two, [CLS] a [SEP] b [SEP], at the end of a sentence
    short_share: float = (
        0.05  # sequences of random shorter length, so that the model meets short text as well
    )
    seed: int = 0

    def __post_init__(self) -> None:
        if self.max_length < SHORTEST + 3:
            raise ValueError(f"max_length is {self.max_length}; it must be at least {SHORTEST + 3}")
        for name in ("pair_share", "short_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(
                    f"{name} is {getattr(self, name)}; it is a share of all sequences, from 0 to 1"
                )


def split_sentences(text: str) -> list[str]:
    """Cut a document at the ends of its sentences and lines. A wrong cut ("Dr. Who") does no harm here."""
    return [sentence for sentence in _SENTENCE_END.split(text.strip()) if sentence]


def pack_document(
    sentences: Sequence[Sequence[int]], packing: Packing, number: int, cls_id: int, sep_id: int
) -> Iterator[list[int]]:
    """Yield the sequences of one document: [CLS] sentences [SEP], or [CLS] a [SEP] b [SEP].

    sentences: token numbers of each; one that is too long for a sequence is cut
    number: the document's place among all, on which its random choices depend
    """
    draw = random.Random(f"{packing.seed} {number}")
    longest, as_pair = _draw_length(draw, packing)
    held: list[Sequence[int]] = []
    for sentence in sentences:
        while sentence:
            room = longest - sum(map(len, held))
            if len(sentence) > room and held:
                yield from _close(held, as_pair, draw, cls_id, sep_id)
                held, (longest, as_pair) = [], _draw_length(draw, packing)
                continue
            held.append(sentence[:room])
            sentence = sentence[room:]
    yield from _close(held, as_pair, draw, cls_id, sep_id)


def _draw_length(draw: random.Random, packing: Packing) -> tuple[int, bool]:
    """Return how many tokens of text the next sequence may hold, and whether it is to be a pair."""
    as_pair = draw.random() < packing.pair_share
    longest = packing.max_length - (3 if as_pair else 2)
    if draw.random() < packing.short_share:
        longest = draw.randint(SHORTEST, longest)
    return longest, as_pair


def _close(
    held: list[Sequence[int]], as_pair: bool, draw: random.Random, cls_id: int, sep_id: int
) -> Iterator[list[int]]:
    """Yield the sequence made of the sentences `held`, unless they are too short."""
    if sum(map(len, held)) < SHORTEST:
        return
    cut = draw.randrange(1, len(held)) if as_pair and len(held) > 1 else len(held)
    sequence = [cls_id]
    for part in (held[:cut], held[cut:]):
        if part:
            sequence += [token for sentence in part for token in sentence]
            sequence.append(sep_id)
    yield sequence
