"""The model cards of the bundled models: every figure comes from their record.json."""

from typing import Any

from common import interval
from convbert_edu.extras.publishing import TrainingRecord, TrainingStage, model_card

WHAT = {
    "convbert-tiny": (
        "A small ConvBERT for lessons, tests and small tasks: 4 layers of 128 with 2 attention heads and 2 heads of "
        "span-based dynamic convolution each, 8,000 lower-case WordPieces, sequences of up to 128 tokens in training. "
        "It is the discriminator of replaced-token detection; fine-tune it with any of the five heads."
    ),
    "convbert-tiny-generator": (
        "The masked language model behind `convbert-tiny`: of the same size, it predicts masked tokens, and it was "
        "the generator, frozen, when the discriminator learnt to detect replaced tokens."
    ),
}
STAGES = {
    "masked_lm": "masked language modelling",
    "cool_down": "masked language modelling while the learning rate falls to zero",
    "replaced_token": "replaced-token detection, from the weights of the masked language model",
    "settle": "replaced-token detection, from the mean of the weights before and after the stage above",
}
# What the model reaches, and the baseline beside it.
BESIDE = {
    "masked LM, accuracy": ("masked_lm_accuracy", "unigram_accuracy", "most frequent token"),
    "masked LM, perplexity": ("masked_lm_perplexity", "unigram_perplexity", "token frequencies"),
    "detection, AUC": ("detection_auc", "always_original_auc", 'always "original"'),
    'detection, F1 of "replaced"': ("detection_f1", "always_original_f1", 'always "original"'),
    "detection, loss": ("detection_loss", "always_original_loss", "share of replaced tokens"),
}  # fmt: skip
STARTS = ("pretrained", "from scratch", "TF-IDF baseline")
LIMITS = [
    "Two million parameters and six million words are enough to show what pretraining does, not to know the world: "
    "expect grammar, the vocabulary of film reviews and frequent phrases, not facts.",
    "English only, lower case. Positions beyond 128 were never trained.",
    "The opinions and biases of the reviews are in the weights. Rotten Tomatoes and IMDB texts are licensed for "
    "research.",
]


def make_card(name: str, model_class: str, parameters: int, record: dict[str, Any]) -> str:
    """Return the card of one model as Markdown."""
    return model_card(
        TrainingRecord(
            name=name,
            what=WHAT[name],
            model_class=model_class,
            parameters=parameters,
            stages=[stage(values) for values in record["stages"]],
            sources=("reviews", "wikipedia", "factbook"),
            results=results(record),
            tried=record["tried"],
            limits=LIMITS,
            reproduce=[
                "make bundled-models                            # everything, some hours on two cores",
                "python benchmarks/pretraining_held_out.py      # the held-out figures, two minutes",
                f"python benchmarks/pretrained_vs_scratch.py --model {record['fine_tuned']}",
            ],
        )
    )


def stage(values: dict[str, Any]) -> TrainingStage:
    """Return a stage of the record as the card wants it, with the curves line by line."""
    curves = values["curves"]
    lines = [dict(zip(curves, line, strict=True)) for line in zip(*curves.values(), strict=True)]
    return TrainingStage(
        what=STAGES[values["name"]],
        log=lines,
        versions={"torch": values["torch"]},
        **{key: values[key] for key in ("settings", "steps", "tokens", "seconds", "held_out")},
    )


def results(record: dict[str, Any]) -> dict[str, str]:
    """Return the measured figures, each with what it has to be compared with."""
    held_out = record["held_out"]
    rows = {
        f"{what} ({held_out['sequences']:,} sequences of the test splits)": (
            f"{held_out[ours]:.3f}, beside {held_out[theirs]:.3f} ({baseline})"
        )
        for what, (ours, theirs, baseline) in BESIDE.items()
    }
    for case, starts in record["fine_tuning"].items():
        seeds = len(starts["pretrained"])
        scores = "; ".join(f"{start} {interval(starts[start])}" for start in STARTS)
        rows[f"{case} examples, test accuracy of `{record['fine_tuned']}`, {seeds} seeds, 95% interval"] = (
            scores
        )
    return rows
