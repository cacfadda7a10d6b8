"""paper.md names the authors of CITATION.cff, cites what paper.bib holds, and says what the course has."""

import re

import pytest
import yaml

from convbert_edu.exercises.definition import exercise_files
from helpers import LESSONS, ROOT

PAPER = (ROOT / "paper.md").read_text(encoding="utf-8")
_, HEADER, TEXT = PAPER.split("---\n", 2)


def test_the_authors_are_those_of_the_citation():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    named = [
        each.get("name") or f"{each['given-names']} {each['family-names']}" for each in citation["authors"]
    ]
    header = yaml.safe_load(HEADER)
    assert [each["name"] for each in header["authors"]] == named
    assert header["title"].startswith("convbert_edu")
    known = {each["index"] for each in header["affiliations"]}
    assert {each["affiliation"] for each in header["authors"]} <= known
    assert citation["license"] == "Apache-2.0"
    assert "Apache License 2.0" in TEXT


def test_every_reference_is_cited_and_every_citation_has_a_reference():
    entries = re.findall(
        r"^@\w+\{(\w+),$", (ROOT / "paper.bib").read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    assert len(entries) == len(set(entries))
    assert set(re.findall(r"\[@(\w+)\]", TEXT)) == set(entries)


@pytest.mark.parametrize(
    "heading",
    [
        "Summary",
        "Statement of need",
        "Audience and prerequisites",
        "Learning objectives",
        "Content and instructional design",
        "Experience of use",
        "References",
    ],
)
def test_the_journals_sections_are_there(heading):
    assert f"\n# {heading}\n" in TEXT


def test_the_figures_are_those_of_the_course():
    words = " ".join(TEXT.split())
    assert len(LESSONS) == 18
    assert "eighteen Jupyter notebooks" in words
    assert f"There are {len(exercise_files())} exercises" in words
    page = (ROOT / "notebooks" / "exercises" / "README.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| (?:wrong|right): [^|]* \| (\d+) \| (\d+) \w+ \| ?(\d*) ?\|$", page, flags=re.MULTILINE
    )
    (typical, _, hinted), (styles, _, hinted_too), _, (right, accepted, _) = rows
    assert (
        f"of {typical} typical mistakes and {styles} mistakes written in other styles all are refused"
        in words
    )
    assert f"{hinted} and {hinted_too} with the fitting hint" in words
    assert f"of {right} right answers in several styles all are accepted" in words
    assert right == accepted


def test_it_is_as_long_as_the_journal_asks_for():
    assert 600 <= len(TEXT.split()) <= 1200
