"""Baselines of question answering: where the words of the question stand, and rules for what an answer looks like."""

import re

_SAY_LITTLE = frozenset(
    "a an and are as at by did do does for from has have how in into is it its most of on one or that the their they "
    "to was what when where which who whom with".split()
)
_DATE = r"(?:\d{1,2} )?(?:January|February|March|April|May|June|July|August|September|October|November|December) \d{4}"
_NUMBER = r"[$]?\d[\d.,]*(?: ?(?:million|billion|km|m|%))?"
# What the question says, and what then is an answer.
_RULES = [
    (r"(?i)^(?:since when|when|on which day|of which day)", _DATE),
    (r"(?i)^who\b", r"[A-Z][^;:(]*?(?= \(since)"),
    (r"(?i)^(?:how (?:many|large|long|high|much)|what share|to what elevation)", _NUMBER),
    (r"(?i)\b(?:most|main|largest|best|official|who buys)\b", r"[A-Z][^\d,;:(]*(?= )"),
]


def overlap_answer(question: str, context: str) -> str:
    """Return the clause that shares most words (by their first five letters) with the question."""
    asked = _stems(question)
    clauses = [clause.strip() for clause in re.split(r"[;\n]|\. ", context) if clause.strip()]
    return max(clauses, key=lambda clause: len(asked & _stems(clause)))


def rule_answer(question: str, context: str) -> str:
    """Return what looks like an answer in the line that shares most words with the question.

    A date where the question begins with "when", a name in office for "who", a number for "how many", the first item
    for "most"; otherwise the first clause after the name of the field.
    """
    asked = _stems(question)
    line = max(
        context.split("\n"), key=lambda line: len(asked & _stems(line)) + len(asked & _stems(_field(line)))
    )
    statements = line.removeprefix(_field(line)).removeprefix(" - ").rstrip(".")
    items = re.split(r"; |, (?=\D)", statements)
    nearest = max(items, key=lambda item: len(asked & _stems(item)))
    for says, looks in _RULES:
        if re.search(says, question):
            found = re.search(looks, nearest) or re.search(looks, statements)
            if found:
                return found[0]
    part = max(statements.split("; "), key=lambda statement: len(asked & _stems(statement)))
    return re.split(r" ?[(;]", part.split(": ")[-1])[0]


def _field(line: str) -> str:
    """Return the name of the field with which a line of a Factbook context begins."""
    return line.partition(" - ")[0]


def _stems(text: str) -> frozenset[str]:
    return frozenset(word[:5] for word in re.findall(r"\w+", text.lower()) if word not in _SAY_LITTLE)
