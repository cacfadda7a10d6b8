"""The script that makes convbert-mini, in miniature: a tiny random BERT, a few lines of text, fifty steps in all."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import bundled_card
import bundled_mini
from convbert_edu import ConvBertForMaskedLM, ConvBertForPreTraining, ConvBertModel, ConvBertTokenizer
from convbert_edu.distillation.settings import DistillationSettings
from helpers import ROOT
from tiny_corpus import documents, make_corpus
from tiny_distillation import make_teacher

STEPS = 17


def test_every_stage_has_settings_that_exist():
    for settings in bundled_mini.STAGES.values():
        DistillationSettings.from_dict(bundled_mini.COMMON | settings)


def test_only_measures_of_the_test_split_and_of_this_model_are_taken_with_three_seeds():
    known = {
        f"reviews:rt/test/convbert-mini/{seed}": {"accuracy": score, "cpu_seconds": 970.0}
        for seed, score in enumerate((0.86, 0.85, 0.84))
    }
    known |= {
        "recipes/test/convbert-mini/0": {"micro_f1": 0.7},
        "reviews:rt/validation/convbert-mini/0": {"accuracy": 0.9},
        "reviews:rt/test/convbert-tiny/0": {"accuracy": 0.79},
    }
    assert bundled_mini.test_scores(known) == {"reviews:rt": {"accuracy": [0.86, 0.85, 0.84]}}


def test_the_card_counts_answers_that_repeat_a_word_of_the_prompt():
    answers = [
        {"prompt": "The sun rises in the [MASK].", "top five": ["sun", "sky"]},
        {"prompt": "The dog chased the [MASK].", "top five": ["cat", "dog"]},
        {"prompt": "In winter it is very [MASK].", "top five": ["hot", "mask"]},
    ]
    (row,) = bundled_card.repetitions(answers).values()
    assert row == "1 of 3 as the first guess, 2 of 3 among the first five"


@pytest.mark.slow
def test_a_bert_becomes_one_folder_for_three_models(tmp_path: Path):
    corpus = make_corpus(tmp_path / "words")
    teacher = make_teacher(tmp_path / "teacher", corpus, max_position_embeddings=128)
    text = tmp_path / "text.txt"
    text.write_text("\n\n".join(documents(count=300)), encoding="utf-8")

    def call(*words: object) -> None:
        subprocess.run([sys.executable, "benchmarks/bundled_mini.py", *map(str, words)], cwd=ROOT, check=True)

    train = ("train", tmp_path / "work", "--teacher", teacher, "--text", text, "--steps", STEPS)
    call(*train)
    # Started again, it goes on where it was: nothing is left to do.
    logs = [tmp_path / "work" / name / "log.jsonl" for name in bundled_mini.STAGES]
    before = [path.read_bytes() for path in logs]
    call(*train)
    assert [path.read_bytes() for path in logs] == before

    call("bundle", tmp_path / "work", "--target", tmp_path / "bundled")
    folder = tmp_path / "bundled" / bundled_mini.NAME
    assert not (folder / "tokenizer.json").exists()
    assert "all-MiniLM-L6-v2" in (folder / "NOTICE").read_text(encoding="utf-8")
    assert ConvBertTokenizer.from_pretrained(folder).get_vocab() == corpus.tokenizer.get_vocab()
    for kind in (ConvBertModel, ConvBertForMaskedLM, ConvBertForPreTraining):
        assert kind.from_pretrained(folder).loading_report.newly_initialised == [], kind
    record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    assert [stage["steps"] for stage in record["stages"]] == [STEPS] * 3
    assert str(tmp_path) not in json.dumps(record["stages"])
