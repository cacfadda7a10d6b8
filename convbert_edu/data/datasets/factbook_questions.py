"""Question answering from the Factbook, in the manner of SQuAD: the answer is a piece of the context (lesson 11).

First the table of questions about a country: where the answer stands in the Factbook, and how it is asked for. Then
the making of questions, answers and contexts from it.
"""

import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from convbert_edu.data.datasets.factbook import Country, Passage, field_line, load_passages
from convbert_edu.data.examples import Answer, QuestionExample, Splits, md5_number


@dataclass(frozen=True)
class QuestionType:
    """One row of the table.

    kind: "prose" where the answer is the statement or its main part, "list" where it is one of several items
    field, part: the passages of the Factbook in which the answer stands
    pattern: finds it there, as the group `answer`; a group `of` is what the question names beside the country
    wordings: {country} and {of} are filled in; one of them is drawn for each country
    """

    kind: str
    field: str
    part: str
    pattern: re.Pattern[str]
    wordings: tuple[str, ...]


def _row(kind: str, source: str, pattern: str, *wordings: str) -> QuestionType:
    """Return a row of the table; `source` is "field" or "field / part"."""
    field, _, part = source.partition(" / ")
    return QuestionType(kind, field, part, re.compile(pattern), wordings)


# The first clause, not too long.
_CLAUSE = r"^(?P<answer>[^;(\"]{11,149}[^;(\"\s])(?= ?[;(]|$)"
# The same, where a bracket belongs to the answer: without it the words make no sense.
_SENTENCE = r"^(?P<answer>[^;(\"]{11,149}[^;(\"\s])(?=;|$)"
# The name of somebody in office, with the title.
_NAME = r"^(?P<answer>[^;(]+?) \(since"
_SINCE = r"^(?P<of>[^;(]+?) \(since (?P<answer>[^);]+)"
# A list without the year of the estimate.
_ITEMS = r"^(?P<answer>[^;()]+?)(?: \(\d{4}(?: est\.)?\))?$"
_UPTO_COMMA = r"^(?P<answer>[^;,(]*[^;,(\s])(?= ?[;,(]|$)"
_UPTO_BRACKET = r"^(?P<answer>[^;(]*[^;(\s])(?= ?[;(]|$)"
_FIRST_SHARE = r"^(?P<answer>[A-Z][^\d,;(<~]*?) (?:\([^)]*\) )?(?:~|<)?\d[\d.]*%"
_SHARE_OF = r"(?P<of>[A-Z][^\d,;(<~%]*?) (?P<answer>\d[\d.]*%)"

QUESTION_TYPES = (
    _row("prose", "Location", r"^(?P<answer>[^,;]+),", "In which part of the world does {country} lie?",
         "Where on the globe is {country}?"),
    _row("prose", "Location", r"(?P<answer>between [^;,]+?)(?=[;,]|$)", "Between what does {country} lie?",
         "What lies on either side of {country}?"),
    _row("prose", "Location", r"bordering (?P<answer>the [^;]+?)(?=, between|, (?:north|south|east|west)|;|$)",
         "On which waters does {country} lie?", "Which sea or ocean washes {country}?"),
    _row("prose", "Area - comparative", r"^(?P<answer>[^;]+)", "How large is {country}, set beside a known place?",
         "With what can the size of {country} be compared?"),
    _row("prose", "Climate", _CLAUSE, "What is the weather like in {country}?", "Which climate does {country} have?"),
    _row("prose", "Terrain", _CLAUSE, "What does the land of {country} look like?",
         "How can the landscape of {country} be described?"),
    _row("prose", "Elevation / highest point", r"^(?P<answer>[A-Z][^\d;(]+?) [\d,]+ m", "What is the highest point of "
         "{country}?", "On which summit does one stand highest in {country}?"),
    _row("prose", "Elevation / highest point", r"^(?P<of>[A-Z][^\d;(]+?) (?P<answer>[\d,]+ m)", "How high is {of}?",
         "To what elevation does {of} in {country} rise?"),
    _row("prose", "Natural hazards", _CLAUSE, "Which dangers of nature threaten {country}?",
         "What natural disasters does {country} face?"),
    _row("prose", "Population distribution", _SENTENCE, "Where do most people live in "
         "{country}?", "How is the population spread over {country}?"),
    _row("prose", "Nationality / noun", _UPTO_COMMA, "What is a citizen of {country} "
         "called?", "What do people from {country} call themselves?"),
    _row("prose", "Country name / etymology", _SENTENCE, "Where does the name "
         "{country} come from?", "What explains the name of {country}?"),
    _row("prose", "Government type", _UPTO_BRACKET, "How is {country} governed?",
         "What kind of state is {country}?"),
    _row("prose", "Capital / name", _UPTO_COMMA, "What is the capital of {country}?",
         "Which city is the seat of government of {country}?"),
    _row("prose", "Capital / etymology", _SENTENCE, "How did the capital of {country} "
         "get its name?", "What does the name of the capital of {country} go back to?"),
    _row("prose", "Independence", r"^(?P<answer>\d{1,2} [A-Z][a-z]+ \d{4})", "When did {country} become independent?",
         "On which day did {country} gain its freedom?"),
    _row("prose", "Independence", r"^[^;(]*\(from (?P<answer>[^);]+)", "From whom did {country} become independent?",
         "Which power ruled {country} before?"),
    _row("prose", "National holiday", _UPTO_COMMA, "What do people in {country} celebrate as their "
         "national day?", "Which is the national holiday of {country}?"),
    _row("prose", "National holiday", r", (?P<answer>\d{1,2} [A-Z][a-z]+)", "On which day is the national holiday of "
         "{country}?", "When does {country} celebrate?"),
    _row("prose", "Constitution / history", r"(?P<answer>\d{1,2} [A-Z][a-z]+ \d{4})", "When did {country} adopt or "
         "approve its constitution?", "Of which day is the constitution of {country}?"),
    _row("prose", "Legal system", _CLAUSE, "On what is the law of {country} based?",
         "What kind of law do the courts of {country} apply?"),
    _row("prose", "Executive branch / chief of state", _NAME, "Who is the head of state of {country}?",
         "Who stands at the top of {country}?"),
    _row("prose", "Executive branch / chief of state", _SINCE, "Since when has {of} been in office?",
         "When did {of} become head of state?"),
    _row("prose", "Executive branch / head of government", _NAME, "Who leads the government of {country}?",
         "Who governs {country}?"),
    _row("prose", "Executive branch / most recent election date", r"^(?P<answer>.+)$", "When did {country} last vote "
         "for its leader?", "When was the latest election of the head of {country}?"),
    _row("prose", "Legislative branch / legislature name", _UPTO_BRACKET, "What is the "
         "parliament of {country} called?", "Who makes the laws of {country}?"),
    _row("prose", "National anthem(s) / title", r'^"(?P<answer>[^"]+)"', "Which song is the anthem of {country}?",
         "What do people in {country} sing as their anthem?"),
    _row("prose", "Economic overview", _CLAUSE, "What sort of economy does {country} have?",
         "How is the economy of {country} doing?"),
    _row("prose", "Exchange rates / Currency", r"^(?P<answer>[^(]+?) \(", "With which money do people pay in "
         "{country}?", "What is the currency of {country}?"),
    _row("list", "Land boundaries / border countries", r"(?P<of>[A-Z][^;:\d(]*?) (?P<answer>[\d,.]+ km)", "How long is "
         "the border of {country} with {of}?", "How many kilometers do {country} and {of} share?"),
    _row("list", "Natural resources", _ITEMS, "What can be found in the ground and waters of {country}?",
         "Which natural riches does {country} have?"),
    _row("list", "Ethnic groups", _FIRST_SHARE, "To which people do most inhabitants of {country} belong?",
         "Which is the largest ethnic group of {country}?"),
    _row("list", "Ethnic groups", _SHARE_OF, "What share of the people of {country} is {of}?",
         "How many of the people of {country} are {of}?"),
    _row("list", "Religions", _FIRST_SHARE, "Which faith do most people in {country} hold?",
         "What is the main religion of {country}?"),
    _row("list", "Languages / Languages", r"^(?P<answer>[A-Z][^\d,;(<~]*?) \(official", "Which language is official in "
         "{country}?", "What do the authorities of {country} speak and write?"),
    _row("list", "Major urban areas - population", r"(?P<answer>[\d.,]+(?: million)?) (?P<of>[A-Z][^,;(\d]*?)"
         r"(?= \(|,|;|$)", "How many people live in {of}?", "How large is the city of {of} in {country}?"),
    _row("list", "Administrative divisions", r"^(?P<answer>\d+ [a-z][^;,(*]+?)(?= ?[;,(*]|$)", "Into what is "
         "{country} divided?", "Which parts make up {country}?"),
    _row("list", "National color(s)", _ITEMS, "Which colors stand for {country}?",
         "What are the national colors of {country}?"),
    _row("list", "Agricultural products", _ITEMS, "What do farmers in {country} produce?",
         "What grows or is raised in {country}?"),
    _row("list", "Industries", _ITEMS, "What do the factories of {country} make?",
         "In which trades do firms of {country} work?"),
    _row("list", "Exports - partners", _FIRST_SHARE, "Who buys most of what {country} sells abroad?",
         "Which country is the best customer of {country}?"),
    _row("list", "Imports - partners", _FIRST_SHARE, "From where does {country} buy most?",
         "Which country sells most to {country}?"),
    _row("list", "Exports - commodities", _ITEMS, "Which goods does {country} sell abroad?",
         "What does {country} export?"),
    _row("list", "Imports - commodities", _ITEMS, "Which goods must {country} buy abroad?",
         "What does {country} import?"),
    _row("list", "Ports / key ports", _ITEMS, "Where do ships land in {country}?",
         "Which are the harbors of {country}?"),
)  # fmt: skip


# Words of a context.
SHORTEST, LONGEST = 110, 250
# A context that lacks fewer words than this is done.
NEARLY_FULL = 10
# An answer that is right for more than this share of the countries needs no reading.
NEAR_CONSTANT = 0.1
NO_ANSWER = frozenset({"none", "NA", "unnamed elevation", "no", "0 km", "0", "various"})


@dataclass(frozen=True)
class _Found:
    """An answer, the character of the passage's text at which it starts, and the question that it answers."""

    country: Country
    type: QuestionType
    passage: Passage
    question: str
    answer: str
    start: int


def load_questions() -> Splits[QuestionExample]:
    """Return questions about countries, each with a context and one answer: 5,572 / 1,010 / 1,092.

    The countries keep the division of `load_passages`, so those of the test split are unseen, by pretraining too. A
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
        passage, match = matches[md5_number(country.code, f"item {number}") % len(matches)]
        answer = match["answer"]
        if answer in NO_ANSWER or _times(answer, passage.text) > 1:
            continue
        wording = type_.wordings[md5_number(country.code, f"wording {number}") % len(type_.wordings)]
        question = wording.format(country=country.name, of=match.groupdict().get("of", ""))
        yield _Found(country, type_, passage, question, answer, match.start("answer"))


def _examples(country: Country, found: list[_Found]) -> Iterator[QuestionExample]:
    """Yield the questions about a country for which it has enough to say."""
    fields = [
        (field, list(passages))
        for field, passages in groupby(country.passages, key=lambda passage: passage.field)
    ]
    for number, answer in enumerate(found, start=1):
        id_ = f"{country.code}-{number}"
        made = _context(answer, fields, random.Random(id_))
        if made is not None:
            context, start = made
            answers = (Answer(answer.answer, start),)
            yield QuestionExample(id_, answer.question, context, answers, answer.type.kind)


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
    position = draw.randint(0, len(lines))
    before = "".join(f"{line}.\n" for line in lines[:position])
    after = "".join(f"\n{line}." for line in lines[position:])
    return f"{before}{own}.{after}", len(before) + start


def _own_line(found: _Found, passages: list[Passage]) -> tuple[str, int]:
    """Return the line of the field that holds the answer, and where the answer starts in it."""
    # What repeats the answer is left out, so that only one answer is right.
    passages = [p for p in passages if p == found.passage or not _times(found.answer, p.text)]
    upto = field_line(found.type.field, passages[: passages.index(found.passage) + 1])
    return field_line(found.type.field, passages), len(upto) - len(found.passage.text) + found.start


def _times(answer: str, text: str) -> int:
    """Return how often the words of an answer stand in a text."""
    if answer.casefold() not in text.casefold():
        return 0
    return len(re.findall(rf"(?<!\w){re.escape(answer)}(?!\w)", text, re.IGNORECASE))
