"""The model cards of the bundled models: every figure comes from their record.json."""

import re
from dataclasses import dataclass
from typing import Any

from common import interval
from convbert_edu.extras.publishing import TrainingRecord, TrainingStage, model_card
from finetune_cases import CASES

TINY_LIMITS = (
    "Two million parameters and six million words are enough to show what pretraining does, not to know the world: "
    "expect grammar, the vocabulary of film reviews and frequent phrases, not facts.",
    "English only, lower case. Positions beyond 128 were never trained.",
    "The opinions and biases of the reviews are in the weights. Rotten Tomatoes and IMDB texts are licensed for "
    "research.",
)
TINY_SOURCES = ("reviews", "wikipedia", "factbook")
TINY_REPRODUCE = (
    "make bundled-models                            # everything, some hours on two cores",
    "python benchmarks/pretraining_held_out.py      # the held-out figures, two minutes",
    "python benchmarks/pretrained_vs_scratch.py --model convbert-tiny",
)


@dataclass(frozen=True)
class Texts:
    """What only a person can say about a model."""

    what: str
    sources: tuple[str, ...] = TINY_SOURCES
    limits: tuple[str, ...] = TINY_LIMITS
    reproduce: tuple[str, ...] = TINY_REPRODUCE


TEXTS = {
    "convbert-tiny": Texts(
        "A small ConvBERT for lessons, tests and small tasks: 4 layers of 128 with 2 attention heads and 2 heads of "
        "span-based dynamic convolution each, 8,000 lower-case WordPieces, sequences of up to 128 tokens in training. "
        "It is the discriminator of replaced-token detection; fine-tune it with any of the five heads."
    ),
    "convbert-tiny-generator": Texts(
        "The masked language model behind `convbert-tiny`: of the same size, it predicts masked tokens, and it was "
        "the generator, frozen, when the discriminator learned to detect replaced tokens."
    ),
    "convbert-mini": Texts(
        "A ConvBERT made from a BERT: 6 layers of 384 channels with 6 attention heads and 6 heads of span-based "
        "dynamic convolution each, BERT's vocabulary of 30,522 lower-case WordPieces, and embeddings of size 160. In "
        "each layer of all-MiniLM-L6-v2 the six heads that attended most to their neighbours became convolutions; "
        "then the model was distilled from that BERT, and its [CLS] learned the mean of the teacher's token vectors. "
        "One folder holds the encoder, a masked-LM head and a head for replaced tokens: `ConvBertModel`, "
        "`ConvBertForMaskedLM` and `ConvBertForPreTraining` open it. Fine-tune it with any of the five heads. "
        "Lesson 16 of the course makes such a model step by step.\n\n"
        "The tables below call the squared difference between student and teacher, over the teacher's variance, an "
        "error: 0 is equal, 1 is always answering with the teacher's mean. `hidden_error` is the mean over "
        "`hidden_error_0` (embeddings) to `hidden_error_6` (last layer); `sentence_error` is that of [CLS].",
        sources=("minilm", *TINY_SOURCES, "recipes"),
        limits=(
            "Distilled on nine million tokens, read about twice, of film reviews, encyclopaedia, country facts and "
            "recipes: it knows their words best. What it knows of the world comes from its teacher, and most of that "
            "is lost.",
            "As a masked language model it often repeats a word of the prompt in the place of [MASK]; the results say "
            'how often. To "The capital of France is [MASK]." it answers *capital* first and *paris* fourth.',
            "English only, lower case. Positions beyond 128 come from the teacher's table and were not trained again.",
            "The biases of film reviews and of the teacher's texts are in the weights. The teacher was trained on more "
            "than a billion pairs of sentences from the web, among them Reddit comments, questions and answers, and "
            "captions, after BERT's own pretraining on books and Wikipedia. Rotten Tomatoes and IMDB texts are "
            "licensed for research.",
        ),
        reproduce=(
            "python benchmarks/bundled_mini.py train build/mini     # conversion and three stages, resumable",
            "python benchmarks/bundled_mini.py bundle build/mini",
            "python benchmarks/finetune_all.py --start convbert-mini --output benchmarks/finetune_all.json",
            "python benchmarks/bundled_mini.py measure --scores benchmarks/finetune_all.json",
        ),
    ),
}
STAGES = {
    "masked_lm": "masked language modelling",
    "cool_down": "masked language modelling while the learning rate falls to zero",
    "replaced_token": "replaced-token detection, from the weights of the masked language model",
    "settle": "replaced-token detection, from the mean of the weights before and after the stage above",
    "distil_unmasked": "distillation of hidden states, teacher and student read the same text",
    "distil_masked_lm": "distillation and masked language modelling; only the student reads masked text",
    "distil_detection": "distillation on the text as it is, masked language modelling and replaced-token detection",
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


def make_card(name: str, model_class: str, parameters: int, record: dict[str, Any]) -> str:
    """Return the card of one model as Markdown."""
    texts = TEXTS[name]
    return model_card(
        TrainingRecord(
            name=name,
            what=texts.what,
            model_class=model_class,
            parameters=parameters,
            stages=[stage(values) for values in record["stages"]],
            sources=texts.sources,
            results=results(record),
            tried=record["tried"],
            limits=list(texts.limits),
            reproduce=list(texts.reproduce),
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
    if "words" in record:
        rows |= words(record)
    if "fine_tuned" in record:
        rows |= beside_scratch(record)
    else:
        for case, measures in record.get("fine_tuning", {}).items():
            for metric, scores in measures.items():
                seeds = f"{len(scores)} seeds, 95% interval" if len(scores) > 1 else "1 seed"
                rows[f"{CASES[case].title.rstrip('*')}, test {metric}, {seeds}"] = interval(scores)
    return rows


def words(record: dict[str, Any]) -> dict[str, str]:
    """Return the figures of fill_mask.py: whole words of held-out text, and the prompts."""
    rows = {}
    for name, found in record["words"].items():
        low, high = found["accuracy_interval"]
        rows[f"masked words of held-out text, `{name}` ({found['words']:,} words, 95% bootstrap)"] = (
            f"accuracy {found['accuracy']:.3f} ({low:.3f} to {high:.3f}), perplexity per word {found['perplexity']:.0f}"
        )
        rows[f"prompts with a fitting word in the top five, `{name}`"] = (
            f"{found['prompts']} of {len(record['answers'])}"
        )
    rows |= repetitions(record["answers"])
    return rows


def repetitions(answers: list[dict[str, Any]]) -> dict[str, str]:
    """Return how many prompts the model answers with a word that stands in the prompt."""
    repeated = [
        [
            guess in re.findall(r"\w+", answer["prompt"].replace("[MASK]", "").lower())
            for guess in answer["top five"]
        ]
        for answer in answers
    ]
    first, any_of_five = sum(guesses[0] for guesses in repeated), sum(map(any, repeated))
    return {
        "prompts that this model answers with one of their own words": (
            f"{first} of {len(answers)} as the first guess, {any_of_five} of {len(answers)} among the first five"
        )
    }


def beside_scratch(record: dict[str, Any]) -> dict[str, str]:
    """Return the figures of pretrained_vs_scratch.py."""
    rows = {}
    for case, starts in record["fine_tuning"].items():
        seeds = len(starts["pretrained"])
        scores = "; ".join(f"{start} {interval(starts[start])}" for start in STARTS)
        rows[f"{case} examples, test accuracy of `{record['fine_tuned']}`, {seeds} seeds, 95% interval"] = (
            scores
        )
    return rows
