"""Question answering from the Factbook, in the manner of SQuAD: the answer is a piece of the context."""

import hashlib
import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from convbert_edu.data.examples import Answer, QuestionExample, Splits
from convbert_edu.data.factbook import Country, Passage, field_line, load_passages
from convbert_edu.data.factbook_question_types import QUESTION_TYPES, QuestionType

SHORTEST, LONGEST = 110, 250  # words of a context
NEARLY_FULL = 10  # a context that lacks fewer words than this is done
NEAR_CONSTANT = 0.1  # an answer that is right for more than this share of the countries needs no reading
NO_ANSWER = frozenset({"none", "NA", "unnamed elevation", "no", "0 km", "0", "various"})


@dataclass(frozen=True)
class _Found:
    """An answer, where it stands, and the question that it answers."""

    country: Country
    type: QuestionType
    passage: Passage
    question: str
    answer: str
    start: int  # in the text of the passage


def load_questions() -> Splits[QuestionExample]:
    """Return questions about countries, each with a context and one answer: 5,572 / 1,010 / 1,092.

    The countries keep the division of `load_passages`, so those of the test part are unseen, by pretraining too. A
    context of 110 to 250 words is the field of the Factbook that holds the answer, among other fields of the same
    country. Left out are near-constant answers (right for more than a tenth of all countries) and questions whose
    answer stands in the field more than once; other fields that hold it are not drawn for the context.
    The kind of a question is "prose" where the answer is the statement itself or its main part, and "list" where it
    is taken from an enumeration.
    """
    countries = load_passages()
    every_one = [*countries.train, *countries.validation, *countries.test]
    found = [answer for country in every_one for answer in _answers(country)]
    of_type = Counter(id(answer.type) for answer in found)
    same = Counter((id(answer.type), answer.answer) for answer in found)
    kept: dict[str, list[_Found]] = {country.code: [] for country in every_one}
    for answer in found:
        if same[id(answer.type), answer.answer] <= NEAR_CONSTANT * of_type[id(answer.type)]:
            kept[answer.country.code].append(answer)
    return Splits(
        train=[e for country in countries.train for e in _examples(country, kept[country.code])],
        validation=[e for country in countries.validation for e in _examples(country, kept[country.code])],
        test=[e for country in countries.test for e in _examples(country, kept[country.code])],
    )


def _answers(country: Country) -> Iterator[_Found]:
    """Yield what can be asked about a country: for each type of question at most one question."""
    for number, type_ in enumerate(QUESTION_TYPES):
        passages = [p for p in country.passages if (p.field, p.part) == (type_.field, type_.part)]
        matches = [(p, match) for p in passages for match in type_.pattern.finditer(p.text)]
        if not matches:
            continue
        passage, match = matches[_draw(country.code, f"item {number}") % len(matches)]
        answer = match["answer"]
        if answer in NO_ANSWER or _times(answer, passage.text) > 1:
            continue
        wording = type_.wordings[_draw(country.code, f"wording {number}") % len(type_.wordings)]
        question = wording.format(country=country.name, of=match.groupdict().get("of", ""))
        yield _Found(country, type_, passage, question, answer, match.start("answer"))


def _examples(country: Country, found: list[_Found]) -> Iterator[QuestionExample]:
    fields = [
        (field, list(passages))
        for field, passages in groupby(country.passages, key=lambda passage: passage.field)
    ]
    for number, answer in enumerate(found, start=1):
        id_ = f"{country.code}-{number}"
        made = _context(answer, fields, random.Random(id_))
        if made is not None:
            context, start = made
            yield QuestionExample(
                id_, answer.question, context, (Answer(answer.answer, start),), answer.type.kind
            )


def _context(
    found: _Found, fields: list[tuple[str, list[Passage]]], draw: random.Random
) -> tuple[str, int] | None:
    """Return a context and where the answer stands in it; None where the country has too little to say."""
    limit = draw.randint(SHORTEST, LONGEST)
    own, start = _own_line(found, dict(fields)[found.type.field])
    lines, words = [], len(own.split())
    for field, passages in draw.sample(fields, len(fields)):
        if words > limit - NEARLY_FULL:
            break
        passages = [passage for passage in passages if not _times(found.answer, passage.text)]
        if field == found.type.field or not passages:
            continue
        line = field_line(field, passages)
        if words + len(line.split()) <= limit and not _times(found.answer, line):
            lines.append(line)
            words += len(line.split())
    if not SHORTEST <= words <= LONGEST or _times(found.answer, own) > 1:
        return None
    place = draw.randint(0, len(lines))
    before = "".join(f"{line}.\n" for line in lines[:place])
    after = "".join(f"\n{line}." for line in lines[place:])
    return f"{before}{own}.{after}", len(before) + start


def _own_line(found: _Found, passages: list[Passage]) -> tuple[str, int]:
    """Return the line of the field that holds the answer, and where the answer starts in it."""
    # What repeats the answer is left out, so that there is one right place.
    passages = [p for p in passages if p == found.passage or not _times(found.answer, p.text)]
    upto = field_line(found.type.field, passages[: passages.index(found.passage) + 1])
    return field_line(found.type.field, passages), len(upto) - len(found.passage.text) + found.start


def _times(answer: str, text: str) -> int:
    """Return how often the words of an answer stand in a text."""
    if answer.casefold() not in text.casefold():
        return 0
    return len(re.findall(rf"(?<!\w){re.escape(answer)}(?!\w)", text, re.IGNORECASE))


def _draw(*texts: str) -> int:
    """Return a number that looks random, and is the same each time."""
    return int(hashlib.md5("\n".join(texts).encode(), usedforsecurity=False).hexdigest(), 16)
