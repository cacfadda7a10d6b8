"""What benchmarks/finetune_all.py measures: for each task the data, the settings, and the best baseline."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

STARTS = ("pretrained", "from scratch")
# A few epochs leave nothing to guard against: dropout only makes a small model learn less from each step.
ALWAYS = {"dropout": 0.0}
# Random weights want a lower rate, in all layers.
FROM_SCRATCH = {"layer_decay": 1.0, "learning_rate": 6e-4}
DISCRIMINATOR, MASKED_LM = "convbert-tiny", "convbert-tiny-generator"


@dataclass(frozen=True)
class Preparation:
    """What a pretrained model learns before a case: a data set whose labels cost nothing, and how."""

    task: str
    data: str
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Case:
    """A data set, what is measured on it, and how it is learnt."""

    title: str
    task: str
    # By metric: its name, and the best baseline's.
    measures: Mapping[str, tuple[str, float | None]]
    # Beside the authors' recipe and ALWAYS.
    settings: Mapping[str, Any]
    # Beside `settings`.
    from_scratch: Mapping[str, Any] = field(default_factory=FROM_SCRATCH.copy)
    # For training; None: all of them.
    examples: int | None = None
    # One after the other; from scratch goes without.
    before: tuple[Preparation, ...] = ()
    # To start from: the bundled model that did better on the validation split.
    model: str = DISCRIMINATOR


CHOICE_STEP = {"learning_rate": 1e-3, "layer_decay": 1.0, "epochs": 1, "max_length": 96}

# Small models learn well with rates far above the authors'. Baselines: benchmarks/baselines.py.
CASES: dict[str, Case] = {
    "reviews:rt": Case(
        "Rotten Tomatoes",
        "classification",
        {"accuracy": ("accuracy", 0.783)},
        {"learning_rate": 6e-4, "layer_decay": 1.0, "epochs": 3},
    ),
    "reviews:imdb": Case(
        "IMDB, half of the training split",
        "classification",
        {"accuracy": ("accuracy", 0.879)},
        {
            "learning_rate": 1e-3,
            "layer_decay": 0.9,
            "epochs": 1,
            "max_length": 128,
            "task_options": {"windows": 4},
        },
        examples=10_000,  # half of them: more would be better, and slower
    ),
    "wikipedia:topics": Case(
        "Wikipedia topics",
        "classification",
        {"accuracy": ("accuracy", 0.893), "macro_f1": ("macro-F1", 0.866)},
        {"learning_rate": 1.5e-3, "epochs": 3},
    ),
    "recipes": Case(
        "recipes: which ingredients",
        "classification",
        {"micro_f1": ("micro-F1", 0.655)},
        {"learning_rate": 1e-3, "layer_decay": 0.9, "epochs": 10, "task_options": {"threshold": 0.25}},
        model=MASKED_LM,
    ),
    "tweets": Case(
        "tweets: names*",
        "token-classification",
        {"entity_f1": ("entity F1", 0.335)},
        {"learning_rate": 1e-3, "layer_decay": 0.9, "epochs": 8, "batch_size": 16, "new_head": True},
        before=(
            Preparation(
                "token-classification",
                "wikipedia:capitals",
                {"learning_rate": 1e-3, "layer_decay": 1.0, "epochs": 1},
            ),
        ),
    ),
    "factbook:qa": Case(
        "World Factbook: questions",
        "question-answering",
        {
            "exact_match": ("exact match", 0.375),
            "f1": ("F1", 0.437),
            "exact_match_prose": ("exact match, prose", None),
            "f1_prose": ("F1, prose", None),
            "exact_match_list": ("exact match, lists", None),
            "f1_list": ("F1, lists", None),
        },
        {
            "learning_rate": 1.5e-3,
            "layer_decay": 0.9,
            "epochs": 2,
            "batch_size": 16,
            "max_length": 128,
            "task_options": {"no_answer_window_ratio": 0.25},
        },
    ),
    "wikipedia:choice": Case(
        "Wikipedia: which description*",
        "multiple-choice",
        {"accuracy": ("accuracy", 0.584)},
        {"learning_rate": 5e-4, "layer_decay": 1.0, "epochs": 1, "max_length": 128},
        before=(
            Preparation("multiple-choice", "wikipedia:choice-easy", CHOICE_STEP),
            Preparation("multiple-choice", "wikipedia:choice-more", CHOICE_STEP),
        ),
        model=MASKED_LM,
    ),
}
