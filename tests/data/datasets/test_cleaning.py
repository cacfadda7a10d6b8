"""Cleaning: what goes, what is repaired, what must stay."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convbert_edu.data.datasets.download import clean_text


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("Good.<br /><br />Bad.<BR>", "Good. Bad.<BR>"),  # the data have lower-case tags only
        ("one<br>two<hr>three<p style='margin: 0'>four</p>", "one two three four"),
        ("<em>ba</em>- is a prefix, <b>bu</b>- too<!-- end -->", "ba- is a prefix, bu- too"),
        ("I <3 it, x < y, <grin>", "I <3 it, x < y, <grin>"),
        ("R&eacute;publique &amp; co&nbsp;, 5 &lt; 6", "République & co , 5 < 6"),
        ("see http://a.example/b?c=d or www.a.example/ now", "see or now"),
        (
            "a\x96b\x97c \x91quoted\x92 more\x85",
            "a\N{EN DASH}b—c \N{LEFT SINGLE QUOTATION MARK}quoted\N{RIGHT SINGLE QUOTATION MARK} more…",
        ),
        ("tab\tnew\nline\r\nbell\x07 null\x00 \x8d end", "tab new line bell null end"),
        ("soft\xadhyphen zero\u200bwidth word\u2060joiner", "softhyphen zerowidth wordjoiner"),
        ("no\xa0break thin\u2009space   many", "no break thin space many"),
        ("naïve 日本 😀 ﷽", "naïve 日本 😀 ﷽"),
        (" \n\t ", ""),
        ("", ""),
    ],
)
def test_clean_text(dirty: str, clean: str):
    assert clean_text(dirty) == clean


@given(st.text())
def test_a_clean_text_is_one_line_without_control_characters(text: str):
    cleaned = clean_text(text)
    assert cleaned == cleaned.strip()
    assert "  " not in cleaned
    assert not any(unicodedata.category(character) == "Cc" for character in cleaned)


@given(st.text(st.characters(categories=["Lu", "Ll", "Nd", "Po"], exclude_characters="&<>:")))
def test_plain_words_stay_as_they_are(text: str):
    if "www." not in text:
        assert clean_text(text) == text
