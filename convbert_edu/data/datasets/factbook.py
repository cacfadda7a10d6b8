"""The World Factbook: facts about countries and territories, field by field (lessons 08 and 11)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from convbert_edu.data.datasets.download import clean_text
from convbert_edu.data.datasets.sources import read_inside
from convbert_edu.data.examples import Splits, split_by_key

_CONTACT_DETAILS = ("telephone", "FAX", "email address and website")


@dataclass(frozen=True)
class Passage:
    """One statement, such as section "Government", field "Capital", part "name", text "Luxembourg"."""

    section: str
    field: str
    # Empty where the field is not divided; "note" for a remark.
    part: str
    text: str


@dataclass(frozen=True)
class Country:
    """A country, a territory or (once each) the European Union and the world, with all that is said of it."""

    # Two letters of the Factbook's own: "gm" is Germany.
    code: str
    name: str
    passages: tuple[Passage, ...]


def load_passages() -> Splits[Country]:
    """Return the 256 entries, divided by the md5 of their code (70 / 15 / 15), so that test countries are unseen.

    Repeated fields (the section "Environment" repeats the climate) and contact details of embassies are left out.
    """
    countries = []
    for path, content in read_inside("factbook").items():
        entry = json.loads(content)
        countries.append(Country(PurePosixPath(path).stem, _name(entry), tuple(_passages(entry))))
    return split_by_key(countries, key=lambda country: country.code, train_percent=70, validation_percent=15)


def field_line(field: str, passages: Sequence[Passage]) -> str:
    """Return the passages of one field on a line: "Capital - name: Rome; time difference: UTC+1"."""
    facts = [f"{passage.part}: {passage.text}" if passage.part else passage.text for passage in passages]
    return f"{field} - {'; '.join(facts)}"


def _name(entry: dict) -> str:
    """Return the usual name; some entries say "none" for the short form and have only the long one."""
    government = entry["Government"]
    names = government.get("Country name") or government.get("Union name", {})
    for form in ("conventional short form", "conventional long form"):
        name = clean_text(names.get(form, {}).get("text", "none"))
        if name != "none":
            return name
    # The only entry without a name of its own.
    return "World"


def _passages(entry: dict) -> list[Passage]:
    """Return the statements of one entry in their order, each once."""
    found: dict[tuple[str, str, str], Passage] = {}
    for section, fields in entry.items():
        for field, parts in fields.items():
            for part, value in parts.items():
                if part in _CONTACT_DETAILS:
                    continue
                part = "" if part == "text" else part.strip()
                text = clean_text(value if isinstance(value, str) else value["text"])
                # Many repeat the name of their part.
                text = text.removeprefix(part.split(": ")[-1] + ": ")
                if text:
                    found.setdefault((field, part, text), Passage(section, field, part, text))
    return list(found.values())
