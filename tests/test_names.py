"""Names in the package are those of the field: one term for one thing, and the one that a reader will meet elsewhere.

Read are the names that the package gives itself: functions, classes, arguments, attributes, variables, fields and
options of the command line. Comments and texts are free.
"""

import ast
import re
from collections.abc import Iterator

import pytest

from helpers import ROOT

PACKAGE = ROOT / "convbert_edu"

# Forbidden wherever these words stand one after the other in a name: `hidden_words` also in `_count_hidden_words`.
ANYWHERE = {
    "hidden_word": "masked_token",
    "hidden_words": "masked_tokens",
    "hidden_place": "masked_position",
    "hidden_places": "masked_positions",
    "hide_words": "mask_tokens",
    "is_word": "maskable",
    "masked_word_game": "MaskedLMObjective",
    "play_round": "forward, which computes the loss",
    "forged": "corrupted",
    "forger": "generator",
    "detective": "discriminator",
    "draw_words": "sample_tokens",
    "guessed_right": "num_correct",
    "one_class": "single_label",
    "some_classes": "multi_label",
    "whole_words": "whole_word_masking",
    "gradient_length": "gradient_norm",
    "take_step": "training_step",
    "join_processes": "init_distributed",
    "without_exchange": "no_sync",
    "first_weights": "initialisation",
    "draw_what_is_missing": "init_missing_weights",
    "without_memory": "init_empty_weights",
    "draw_filters": "reset_parameters",
    "recompute_layers": "gradient_checkpointing",
    "weigh_windows": "dynamic_conv",
    "inside_view": "ModelOutput",
    "inside_of": "internals_of",
    "token_number": "token_id",
    "token_numbers": "token_ids",
    "word_table": "embedding_matrix",
    "count_words": "vocab_size",
    "misfits": "mismatched",
    "chosen_by": "metric_for_best_model",
    "read_rows": "predict",
    "longest_answer": "max_answer_length",
    "none_threshold": "null_score_diff_threshold",
    "none_score": "null_score",
    "empty_windows": "no_answer_window_ratio",
    "sentence_weight": "cls_mlm_weight",
    "text_vectors": "embed_texts",
    "train_part": "train split",
    "training_part": "train split",
    "validation_part": "validation split",
    "test_part": "test split",
    "simple_method": "baseline",
    "simple_methods": "baselines",
    "opponent": "baseline",
    "by_heart": "memorised",
    "too_sure": "overconfident",
    "hard_choices": "hard_negatives",
}

# Forbidden as a whole name: these words are part of good names, or ordinary English inside others.
ALONE = {
    "hide": "mask_tokens",
    "game": "objective",
    "guesses": "predictions",
    "truth": "targets",
    "border": "threshold",
    "chance": "prob",
    "chances": "probs",
    "verdict": "prediction",
    "passes": "epochs, or micro_batches inside a step",
    "accumulation": "gradient_accumulation_steps",
    "clip": "max_grad_norm",
    "authors": "paper_settings",
}

# Forbidden as they are spelled here: in small letters (`learning`, `value`) the words are English.
SPELLED = {
    "Learning": "Trainer",
    "Processes": "DistributedContext",
    "Sums": "MetricTotals",
    "VALUE": "REGRESSION",
}

# Forbidden as a whole name in one folder, where the word would have the meaning of the term; elsewhere it is English.
# `answers`, for one, is a field of SQuAD's questions, and `read` is what a reader of files does.
IN_FOLDER = {
    "finetuning/": {
        "longest": "default_max_length",
        "part": "split",
        "parts": "splits",
        "said": "predicted",
    },
    "finetuning/tasks/": {
        "answers": "predictions",
        "read": "postprocess",
    },
    "pretraining/": {
        "draws": "uniform_samples",
        "hidden": "is_masked, or masked_tokens",
        "part": "split, or micro_batch",
        "place": "position",
        "places": "positions",
        "words": "maskable",
    },
    "training/": {
        "begin": "restore_or_start",
        "go": "train",
        "part": "split, or micro_batch",
        "place": "position",
        "places": "positions",
        "plan": "batches",
        "taken": "global_step",
    },
    "models/": {
        "inside": "output_flags",
    },
    "checkpoints/": {
        "outline": "metadata",
    },
}


def snake_case(name: str) -> str:
    """`MaskedLMObjective` and `--masked-lm-objective` as masked_lm_objective."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return name.strip("-_").replace("-", "_").lower()


def names_in(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and name of all that a source gives a name to, and of all options of the command line."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id if isinstance(node, ast.Name) else node.attr
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            yield node.lineno, node.name
        elif isinstance(node, ast.alias) and node.asname:
            yield node.lineno, node.asname
        elif isinstance(node, ast.Constant) and re.fullmatch(r"--[a-z][a-z-]*", str(node.value)):
            yield node.lineno, node.value


def term_for(name: str, path: str) -> str | None:
    """Return the term of the field that should stand in place of `name`, None where the name is good."""
    if name.strip("_") in SPELLED:
        return SPELLED[name.strip("_")]
    plain = snake_case(name)
    if plain in ALONE:
        return ALONE[plain]
    for folder, terms in IN_FOLDER.items():
        if path.startswith(folder) and plain in terms:
            return terms[plain]
    for rival, term in ANYWHERE.items():
        if f"_{rival}_" in f"_{plain}_":
            return term
    return None


def rivals_in(source: str, path: str) -> list[str]:
    """Return a line for each name that has a better one; `path` is relative to the package."""
    return [
        f"{path}:{line}: `{name}`; the field says {term}"
        for line, name in sorted(names_in(source))
        if (term := term_for(name, path))
    ]


def test_the_package_uses_the_names_of_the_field():
    found = []
    for file in sorted(PACKAGE.rglob("*.py")):
        path = file.relative_to(PACKAGE).as_posix()
        found += rivals_in(file.read_text(encoding="utf-8"), path)
    assert not found, "\n".join(["use the terms of the field:", *found])


@pytest.mark.parametrize(
    ("source", "name", "term"),
    [
        ("def draw_words(x): ...", "draw_words", "sample_tokens"),
        ("async def _forged_ids(): ...", "_forged_ids", "corrupted"),
        ("class MaskedWordGame: ...", "MaskedWordGame", "MaskedLMObjective"),
        ("class Learning: ...", "Learning", "Trainer"),
        ("def f(chances): ...", "chances", "probs"),
        ("def f(*, read_rows=1): ...", "read_rows", "predict"),
        ("f(lambda truth: 0)", "truth", "targets"),
        ("self.hidden_places = 1", "hidden_places", "masked_positions"),
        ("border = 1", "border", "threshold"),
        ("border: float = 0.5", "border", "threshold"),
        ("first, (_, verdict) = x", "verdict", "prediction"),
        ("x = [0 for game in y]", "game", "objective"),
        ("with x as game: ...", "game", "objective"),
        ("try: ...\nexcept E as said: ...", "said", "predicted"),
        ("import x as chance", "chance", "prob"),
        ("if (truth := 1): ...", "truth", "targets"),
        ("for ONE_CLASS in x: ...", "ONE_CLASS", "single_label"),
        ("option('--recompute-layers')", "--recompute-layers", "gradient_checkpointing"),
        ("class A:\n    longest = 128", "longest", "default_max_length"),
        ("class A:\n    def answers(self): ...", "answers", "predictions"),
    ],
)
def test_a_rival_is_found_with_its_file_line_and_term(source: str, name: str, term: str):
    line = source.count("\n") + 1
    found = rivals_in(f"\n{source}", "finetuning/tasks/base.py")
    assert found == [f"finetuning/tasks/base.py:{line + 1}: `{name}`; the field says {term}"]


@pytest.mark.parametrize(
    "source",
    [
        "learning_rate = learning = 1",
        "def f(hidden_states): ...",
        "whole_word_masking = True",
        "text = 'the game of the forger: --hidden words'",
        "# truth\nx = 1  # border",
        "ax.hide()",
        "f(chances=1)",
        "print(border)",
        "borders = inside_out = 1",
    ],
)
def test_names_of_others_texts_and_longer_words_are_free(source: str):
    assert rivals_in(source, "finetuning/tasks/base.py") == []


def test_an_english_word_is_a_rival_only_where_it_has_the_meaning_of_the_term():
    source = "answers = read = longest = 1"
    assert len(rivals_in(source, "finetuning/tasks/base.py")) == 3
    assert rivals_in(source, "data/examples.py") == []
