"""benchmarks/adaptation.py: which words are masked, what is counted; and the whole in miniature, in two goes.

The miniature reads sentences about six animals in place of tweets, with two models of random weights whose
vocabularies differ. Perplexities are computed anew here, text by text, by the package's own loss.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import adaptation
from adaptation import BASELINE, EVERY, table, words_to_mask
from convbert_edu import ConvBertConfig, ConvBertForMaskedLM, ConvBertTokenizer
from fill_mask import WordModel
from finetune_cases import MASKED_LM, MINI, SCRATCH
from tiny_corpus import ANIMALS, sentences
from tiny_tasks import save_tiny_model

FEW, ALL = 8, 48
# A link, a name, a tag, and a word that no vocabulary of the miniature can spell.
MORE = ["https://cat.de/fish", "@dog", "#milk", "Ωmega"]


class Speller:
    """A model's vocabulary: the words that it can spell."""

    def __init__(self, *words: str) -> None:
        self.words = words

    def can_spell(self, word: str) -> bool:
        return word in self.words


def test_every_word_that_all_models_can_spell_is_masked_once():
    text = [
        *"the cat and the dog eat no fish 3 times".split(),
        "@dog,",
        "#fish",
        "http://cat.de",
        "www.dog.de",
    ]
    spelled = {"cat", "dog", "fish", "the", "http", "www"}
    passages, masked, ordinary = words_to_mask(
        [text, ["nothing", "here"]], [Speller(*spelled, "eat", "no", "3"), Speller(*spelled, "de")]
    )
    # Signs are words of their own, as a tokenizer cuts a text.
    words = re.findall(r"[A-Za-z0-9]+|[^A-Za-z0-9\s]", " ".join(text))
    assert passages == [words] * len(masked)
    found = [position for chosen in masked for position in chosen]
    assert sorted(found) == [position for position, word in enumerate(words) if word in spelled]
    # Never two of less than EVERY words, so that enough is left to tell a word from.
    assert all(len({position % EVERY for position in chosen}) == 1 for chosen in masked)
    in_order = [words[position] for chosen in masked for position in sorted(chosen)]
    assert Counter(word for word, each in zip(in_order, ordinary, strict=True) if each) == {
        "the": 2, "cat": 1, "dog": 1, "fish": 1,
    }  # fmt: skip
    assert Counter(word for word, each in zip(in_order, ordinary, strict=True) if not each) == {
        "dog": 2, "fish": 1, "http": 1, "cat": 1, "www": 1,
    }  # fmt: skip


def test_a_table_has_the_means_of_the_seeds_where_something_was_measured(monkeypatch):
    """Scores 2, 3, 4: the half-width is 4.303 * 1 / sqrt(3) = 2.484."""
    monkeypatch.setattr(adaptation, "SETTINGS", {"one": {}, "two": {}})
    monkeypatch.setattr(adaptation, "COUNTS", (0, 20, 200))
    known = {f"test/one/200/{seed}": {"perplexity_all": score} for seed, score in enumerate((2.0, 3.0, 4.0))}
    known |= {"test/two/20/0": {"perplexity_all": 5.0}, "validation/two/0/0": {"perplexity_all": 6.0}}
    assert table(known, "perplexity_all", "test").splitlines() == [
        "| tweets read | one | two |",
        "| --- | --- | --- |",
        "| 0 |  |  |",
        "| 20 |  | 5.000 |",
        "| 200 | 3.000 ± 2.484 |  |",
    ]


@pytest.fixture
def texts() -> dict[str, list[list[str]]]:
    return {
        split: [
            [*sentence.split(), *(MORE if number % 4 == 0 else [])] for number, sentence in enumerate(chosen)
        ]
        for split, chosen in (
            ("train", sentences(seed=1, count=ALL)),
            ("validation", sentences(seed=2, count=4)),
            ("test", sentences(seed=3, count=8)),
        )
    }


@pytest.fixture
def models(tmp_path: Path) -> dict[str, str]:
    """The folders of the models that stand for those of the benchmark; their vocabularies are not of one size."""
    return {
        name: str(save_tiny_model(tmp_path / name, vocabulary))
        for name, vocabulary in ((MINI, 150), (MASKED_LM, 110))
    }


@pytest.fixture
def runs(texts, models, monkeypatch) -> Iterator[list[dict[str, Any]]]:
    """Make the benchmark small; what each of its runs is given is noted here."""
    noted, finetune = [], adaptation.finetune

    def note(task, splits, name, folder, settings):
        noted.append({
            "task": task.name, "model": name, "read": [example.text for example in splits.train],
            "validation": len(splits.validation), "test": len(splits.test), "seed": settings.seed,
            "from_scratch": settings.from_scratch,
        })  # fmt: skip
        return finetune(task, splits, models[name], folder, settings)

    small = SimpleNamespace(from_pretrained=lambda name: ConvBertConfig.from_pretrained(models[name]))
    for name, value in {
        "tweets": lambda split: [list(words) for words in texts[split]],
        "WordModel": lambda name: WordModel(models.get(name, name)),
        "ConvBertConfig": small,
        "finetune": note,
        "SETTINGS": {start: {"learning_rate": 1e-2, "epochs": 5} for start in (MINI, MASKED_LM, SCRATCH)},
        "COUNTS": (0, ALL),
    }.items():
        monkeypatch.setattr(adaptation, name, value)
    # The words are chosen once for each split and kept.
    adaptation.words_of.cache_clear()
    yield noted
    adaptation.words_of.cache_clear()


def losses_of(folder: str, texts: list[list[str]]) -> tuple[list[float], list[bool]]:
    """The loss of every word of some texts that can be spelled, and whether the word is ordinary: one [MASK] for each
    piece, as many words masked at a time as the benchmark masks, one text at a time."""
    model = ConvBertForMaskedLM.from_pretrained(folder).eval()
    tokenizer = ConvBertTokenizer.from_pretrained(folder)
    found, ordinary = [], []
    for text in texts:
        parts = [(word, part not in MORE) for part in text for word in re.findall(r"\w+|[^\w\s]", part)]
        words = [word for word, _ in parts]
        pieces = [tokenizer(word, add_special_tokens=False)["input_ids"] for word in words]
        rows = [position for position, each in enumerate(pieces) for _ in each]
        ids = torch.tensor(tokenizer(" ".join(text))["input_ids"])
        assert ids[1:-1].tolist() == [piece for each in pieces for piece in each]
        for first in range(EVERY):
            chosen = [
                position for position in range(first, len(words), EVERY)
                if words[position].isalpha() and tokenizer.unk_token_id not in pieces[position]
            ]  # fmt: skip
            masked = torch.tensor([False, *(position in chosen for position in rows), False])
            with torch.no_grad():
                logits = model(torch.where(masked, tokenizer.mask_token_id, ids)[None]).logits[0]
            surprise = -logits.log_softmax(-1)[range(len(ids)), ids][1:-1]
            for position in chosen:
                of_word = [float(each) for each, row in zip(surprise, rows, strict=True) if row == position]
                found.append(sum(of_word))
                ordinary.append(parts[position][1])
    return found, ordinary


def test_models_that_read_more_predict_better_and_a_stopped_run_goes_on(runs, texts, models, tmp_path: Path):
    output = tmp_path / "adaptation.json"

    def run(*words: str) -> str:
        result = CliRunner().invoke(
            adaptation.main, ["--seeds", "1", "--output", str(output), *words], catch_exceptions=False
        )
        assert result.exit_code == 0, result.output
        return result.output

    # Only what was asked for; the rest comes later, and nothing is done twice.
    run("--start", MINI, "--count", "0", "--count", str(ALL))
    first = json.loads(output.read_text())
    assert set(first) == {f"test/{MINI}/0/0", f"test/{MINI}/{ALL}/0", f"test/{BASELINE}/{ALL}/0"}
    printed = run()
    known = json.loads(output.read_text())
    assert known.items() >= first.items()
    assert known.keys() - first.keys() == {
        f"test/{MASKED_LM}/0/0", f"test/{MASKED_LM}/{ALL}/0", f"test/{SCRATCH}/{ALL}/0",
    }  # fmt: skip
    assert [(each["model"], each["from_scratch"]) for each in runs] == [
        (MINI, False), (MASKED_LM, False), (MINI, True),
    ]  # fmt: skip
    # They read all training texts, each once an epoch, and the test texts stay closed.
    for each in runs:
        assert sorted(each["read"]) == sorted(" ".join(words) for words in texts["train"])
        assert (each["task"], each["validation"], each["test"]) == ("masked-lm", len(texts["validation"]), 0)

    # A model as it comes, computed text by text.
    for start in (MINI, MASKED_LM):
        losses, ordinary = losses_of(models[start], texts["test"])
        found = known[f"test/{start}/0/0"]
        assert found["perplexity_all"] == pytest.approx(math.exp(np.mean(losses)), rel=1e-3)
        assert found["perplexity_words"] == pytest.approx(
            math.exp(np.mean(np.array(losses)[ordinary])), rel=1e-3
        )
    # The baseline has the same words.
    shares = known[f"test/{BASELINE}/{ALL}/0"]
    assert (shares["number"], shares["ordinary"]) == (len(losses), sum(ordinary))
    for start in (MINI, MASKED_LM, SCRATCH):
        adapted, comes = (
            known[f"test/{start}/{ALL}/0"],
            known[f"test/{MINI if start == SCRATCH else start}/0/0"],
        )
        for name in ("perplexity_words", "perplexity_all"):
            assert adapted[name] < comes[name] / 2

    lines = printed.splitlines()
    row = lines[lines.index("perplexity_words") + 4]
    assert (
        row
        == f"| {ALL} | "
        + " | ".join(
            f"{known[f'test/{start}/{ALL}/0']['perplexity_words']:.3f}"
            for start in (MINI, MASKED_LM, SCRATCH)
        )
        + " |"
    )


def test_the_baseline_counts_the_tokens_of_the_training_texts(runs, texts, models):
    """Add one to each count: a word of one piece that was read c times has the probability (c + 1) / (all + V)."""
    tokenizer = ConvBertTokenizer.from_pretrained(models[MINI])
    for animal in ANIMALS:
        assert len(tokenizer(animal, add_special_tokens=False)["input_ids"]) == 1
    cat, dog = list(ANIMALS)[:2]
    texts["train"] = [[cat, cat], [cat, dog]]
    texts["test"] = [[cat], [dog, "@" + dog]]
    size = len(tokenizer)
    found = adaptation.baseline("test")
    assert (found["number"], found["ordinary"]) == (3, 2)
    assert found["perplexity_words"] == pytest.approx((4 + size) / (4 * 2) ** 0.5, abs=0.005)
    assert found["perplexity_all"] == pytest.approx((4 + size) / (4 * 2 * 2) ** (1 / 3), abs=0.005)


def test_another_seed_reads_other_texts_and_the_same_one_the_same(runs, texts, tmp_path: Path, monkeypatch):
    """Nothing is trained here."""
    read = []
    monkeypatch.setattr(
        adaptation,
        "finetune",
        lambda task, splits, name, folder, settings: read.append(
            (settings.seed, [example.text for example in splits.train])
        ),
    )
    for seed in (0, 1, 0):
        assert adaptation.adapted(MINI, FEW, seed, str(tmp_path), {}).startswith(str(tmp_path))
    (_, first), (_, other), (_, again) = read
    assert [seed for seed, _ in read] == [0, 1, 0]
    assert first == again
    assert sorted(first) != sorted(other)
    for each in (first, other):
        assert len(each) == FEW
        assert Counter(each) <= Counter(" ".join(words) for words in texts["train"])
