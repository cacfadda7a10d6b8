"""A distillation that runs in a second: a corpus, a random teacher with its vocabulary, a student made from it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import transformers

from convbert_edu.distillation.settings import DistillationSettings
from convbert_edu.extras.bert_conversion import convert_bert_folder
from convbert_edu.pretraining.corpus import PretrainingCorpus
from helpers import randomise
from tiny_corpus import documents, make_corpus


@dataclass(frozen=True)
class Parties:
    """Where the three lie."""

    corpus: PretrainingCorpus
    teacher: Path
    student: Path

    def settings(self, **changes: Any) -> DistillationSettings:
        """Settings of a run of a dozen steps of some milliseconds each."""
        values: dict[str, Any] = dict(
            student=str(self.student), teacher=str(self.teacher), masked_lm_weight=0.2, steps=12, warmup_steps=2,
            batch_size=4, precision="float32", threads=1, log_every=1, evaluate_every=0, evaluate_sequences=20,
        )  # fmt: skip
        return DistillationSettings(**(values | changes))


def make_teacher(folder: Path, corpus: PretrainingCorpus, **changes: Any) -> Path:
    """Save a random BERT of four layers that reads the corpus."""
    sizes: dict[str, Any] = dict(
        vocab_size=len(corpus.tokenizer), hidden_size=32, num_hidden_layers=4, num_attention_heads=4,
        intermediate_size=40, max_position_embeddings=32,
    )  # fmt: skip
    bert = transformers.BertModel(transformers.BertConfig(**(sizes | changes)))
    randomise(bert)
    bert.save_pretrained(folder)
    corpus.tokenizer.save_pretrained(folder)
    return folder


def make_parties(folder: Path) -> Parties:
    """Build all three in `folder`; the student has two layers and embeddings half as wide."""
    corpus = make_corpus(folder / "corpus")
    teacher = make_teacher(folder / "teacher", corpus)
    options = {"layers": [1, 3], "embedding_size": 16, "kernel_size": 5}
    convert_bert_folder(teacher, folder / "student", documents(count=40), **options)
    return Parties(corpus, teacher, folder / "student")
