"""What benchmarks/finetune_all.py measures: for each task the data, how each model learns it, and the best baseline.

The lessons read the scores that it has stored by `stored_runs`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

# What a run starts from. The teacher of convbert-mini, a BERT, shows what its conversion costs.
MINI, TINY, SCRATCH, TEACHER = "convbert-mini", "convbert-tiny", "from scratch", "teacher"
STARTS = (MINI, TINY, SCRATCH, TEACHER)
MASKED_LM = "convbert-tiny-generator"
# Seeds of a score that is shown: an interval of fewer says little.
FEWEST = 3
# A few epochs leave nothing to guard against: dropout only makes a small model learn less from each step.
ALWAYS = {"dropout": 0.0}


@dataclass(frozen=True)
class Preparation:
    """What a pretrained model learns before a case: a data set whose labels cost nothing, and how."""

    task: str
    data: str
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Recipe:
    """How a model learns a case: settings beside the authors' recipe and ALWAYS, and what it learns before."""

    settings: Mapping[str, Any]
    before: tuple[Preparation, ...] = ()
    # Another bundled model than that of the start, where it did better on the validation split.
    model: str | None = None


@dataclass(frozen=True)
class Case:
    """A data set, what is measured on it, and how each start learns it."""

    title: str
    task: str
    data: str
    # By metric: its name, and the best baseline's (benchmarks/baselines.py); None where there is none.
    measures: Mapping[str, tuple[str, float | None]]
    recipes: Mapping[str, Recipe] = field(default_factory=dict)
    # For training; None: all of them.
    examples: int | None = None
    # Whether the baseline learns from the whole training split, or from the examples that the model learns from.
    baseline_reads_all: bool = True
    seeds: int = 3


def mini(before: tuple[Preparation, ...] = (), **settings: Any) -> dict[str, Recipe]:
    """Return the recipe of convbert-mini: a converted BERT wants a lower rate than a small model."""
    return {MINI: Recipe({"learning_rate": 2e-4, "layer_decay": 1.0, "epochs": 2} | settings, before)}


def teacher(**settings: Any) -> dict[str, Recipe]:
    """Return the recipe of the teacher."""
    return {TEACHER: Recipe({"learning_rate": 1e-4, "layer_decay": 1.0, "epochs": 2} | settings)}


def tiny(
    settings: Mapping[str, Any], before: tuple[Preparation, ...] = (), model: str | None = None
) -> dict[str, Recipe]:
    """Return the recipes of convbert-tiny, and of its random weights, which want a lower rate, in all layers.

    Small models learn well with rates far above the authors'.
    """
    lower = {**settings, "layer_decay": 1.0, "learning_rate": 6e-4}
    return {TINY: Recipe(settings, before, model), SCRATCH: Recipe(lower, model=model)}


CAPITALS = Preparation(
    "token-classification", "wikipedia:capitals", {"learning_rate": 1e-3, "layer_decay": 1.0, "epochs": 1}
)
CHOICE_STEP = {"learning_rate": 1e-3, "layer_decay": 1.0, "epochs": 1, "max_length": 96}
EASIER = tuple(
    Preparation("multiple-choice", name, CHOICE_STEP)
    for name in ("wikipedia:choice-easy", "wikipedia:choice-more")
)
WINDOWS = {"max_length": 128, "task_options": {"windows": 4}}
QUESTIONS = {"batch_size": 16, "max_length": 128, "task_options": {"no_answer_window_ratio": 0.25}}

CASES: dict[str, Case] = {
    "reviews:rt": Case(
        "Rotten Tomatoes",
        "classification",
        "reviews:rt",
        {"accuracy": ("accuracy", 0.783)},
        mini(epochs=4) | tiny({"learning_rate": 6e-4, "layer_decay": 1.0, "epochs": 3}) | teacher(epochs=3),
    ),
    "reviews:imdb": Case(
        "IMDB, half of the training split",
        "classification",
        "reviews:imdb",
        {"accuracy": ("accuracy", 0.879)},
        mini(epochs=1, **WINDOWS) | tiny({"learning_rate": 1e-3, "layer_decay": 0.9, "epochs": 1} | WINDOWS),
        # Half of them: more would be better, and slower.
        examples=10_000,
    ),
    "wikipedia:topics": Case(
        "Wikipedia topics",
        "classification",
        "wikipedia:topics",
        {"accuracy": ("accuracy", 0.893), "macro_f1": ("macro-F1", 0.866)},
        mini() | tiny({"learning_rate": 1.5e-3, "epochs": 3}) | teacher(),
    ),
    "recipes": Case(
        "recipes: which ingredients",
        "classification",
        "recipes",
        {"micro_f1": ("micro-F1", 0.655)},
        mini(epochs=6, task_options={"threshold": 0.25})
        | tiny(
            {"learning_rate": 1e-3, "layer_decay": 0.9, "epochs": 10, "task_options": {"threshold": 0.25}},
            model=MASKED_LM,
        ),
    ),
    "tweets": Case(
        "tweets: names*",
        "token-classification",
        "tweets",
        {"entity_f1": ("entity F1", 0.335)},
        mini((CAPITALS,), epochs=6, batch_size=16, new_head=True)
        | tiny(
            {"learning_rate": 1e-3, "layer_decay": 0.9, "epochs": 8, "batch_size": 16, "new_head": True},
            (CAPITALS,),
        ),
        seeds=5,
    ),
    "factbook:qa": Case(
        "World Factbook: questions",
        "question-answering",
        "factbook:qa",
        {
            "exact_match": ("exact match", 0.375),
            "f1": ("F1", 0.437),
            "exact_match_prose": ("exact match, prose", None),
            "f1_prose": ("F1, prose", None),
            "exact_match_list": ("exact match, lists", None),
            "f1_list": ("F1, lists", None),
        },
        # With 2e-4 and batches of 16, two epochs are too few for it to learn this.
        mini(**QUESTIONS | {"learning_rate": 4e-4, "batch_size": 8})
        | tiny({"learning_rate": 1.5e-3, "layer_decay": 0.9, "epochs": 2} | QUESTIONS)
        | teacher(**QUESTIONS),
    ),
    "wikipedia:choice": Case(
        "Wikipedia: which description*",
        "multiple-choice",
        "wikipedia:choice",
        {"accuracy": ("accuracy", 0.584)},
        mini(epochs=1, max_length=128)
        | tiny(
            {"learning_rate": 5e-4, "layer_decay": 1.0, "epochs": 1, "max_length": 128}, EASIER, MASKED_LM
        ),
        seeds=5,
    ),
}


def with_few_examples(case: Case, baseline: float) -> Case:
    """Return the case with 500 examples to learn from, and more seeds, since so few examples differ more."""
    return replace(
        case,
        title=f"{case.title}, 500 examples",
        measures={"accuracy": ("accuracy", baseline)},
        recipes=mini(epochs=8),
        examples=500,
        baseline_reads_all=False,
        seeds=5,
    )


CASES |= {
    "reviews:rt-500": with_few_examples(CASES["reviews:rt"], 0.631),
    "wikipedia:topics-500": with_few_examples(CASES["wikipedia:topics"], 0.713),
}


def stored_runs(
    known: Mapping[str, Mapping[str, float]],
    case: str,
    start: str,
    split: str = "test",
    fewest: int = FEWEST,
) -> list[Mapping[str, float]]:
    """Return what finetune_all.py measured of a case from one start: the scores of each seed, if there are enough.

    known: the scores of all runs, as in finetune_all.json
    fewest: with fewer seeds there are no scores to be shown; those that are there wait for the others
    """
    runs = [found for key, found in known.items() if key.startswith(f"{case}/{split}/{start}/")]
    return runs if len(runs) >= fewest else []
