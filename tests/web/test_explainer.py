"""What the explainer's page is built from; the page itself is tested in a browser (tests/browser)."""

import re
from itertools import pairwise

import pytest

import make_page
from convbert_edu import ConvBertTokenizer
from helpers import LESSONS


def test_without_npm_it_is_said_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(make_page, "HERE", tmp_path)
    (tmp_path / "package-lock.json").write_text("{}")
    with pytest.raises(FileNotFoundError, match=r"there is no npm here; install Node\.js"):
        make_page.fetch_libraries()
    (tmp_path / "npm").write_text("#!/bin/sh\necho no answer >&2\nexit 1\n")
    (tmp_path / "npm").chmod(0o755)
    with pytest.raises(RuntimeError, match=r"npm could not fetch what package-lock\.json names:\nno answer"):
        make_page.fetch_libraries()
    (tmp_path / "npm").write_text("#!/bin/sh\necho npm error code EAI_AGAIN >&2\nexit 1\n")
    with pytest.raises(ConnectionError, match="npm cannot reach its registry"):
        make_page.fetch_libraries()


@pytest.mark.slow
def test_the_tables_say_what_the_tokenizer_does_with_characters():
    tokenizer = ConvBertTokenizer.from_pretrained("convbert-tiny")
    tables = make_page.letters(tokenizer)

    def is_in(kind, letter):
        return any(first <= ord(letter) <= last for first, last in tables[kind])

    assert all(is_in("dropped", letter) for letter in "\u0301\u200d\ufeff\ufffd")
    assert all(is_in("split", letter) for letter in "—\u3000日\U00020000")
    assert not any(is_in(kind, letter) for kind in tables for letter in "éπש🙂")
    assert all(last < first for ranges in tables.values() for (_, last), (first, _) in pairwise(ranges))


def test_every_view_names_a_lesson_that_exists():
    html = (make_page.HERE / "index.html").read_text(encoding="utf-8")
    named = set(re.findall(r'data-lesson="(\d\d)"', html))
    assert named <= {lesson[:2] for lesson in LESSONS}
    assert html.count("<section id=") == 7
    for section in html.split("<section id=")[3:]:
        assert "data-lesson=" in section, section[:40]


def test_the_map_is_the_one_of_the_lessons():
    facts = make_page.map_facts()
    assert facts["parts"]["self_attention"]["words"] == "self-attention\n[B, h, n, n]"
    assert "W_O" in [detail["words"] for detail in facts["details"]]
    assert "[B, n, 2a]" in [shape["shape"] for shape in facts["shapes"]]
