"""Simple models that a neural one must beat before it is worth its electricity; one file a kind of task."""

from convbert_edu.data.baselines.choices import overlap_choice, tfidf_choices
from convbert_edu.data.baselines.questions import overlap_answer, rule_answer
from convbert_edu.data.baselines.texts import (
    majority_baseline,
    tfidf_baseline,
    tfidf_multi_label_predictions,
    tfidf_predictions,
)
from convbert_edu.data.baselines.tokens import gazetteer_predictions, token_regression_predictions

__all__ = [
    "gazetteer_predictions",
    "majority_baseline",
    "overlap_answer",
    "overlap_choice",
    "rule_answer",
    "tfidf_baseline",
    "tfidf_choices",
    "tfidf_multi_label_predictions",
    "tfidf_predictions",
    "token_regression_predictions",
]
