"""The scores of the baselines on the test split of every task: what a neural model must beat.

    python benchmarks/baselines.py [--output baselines.json]

One core, some minutes. The same models and splits in every run, so the figures repeat exactly.
"""

from collections.abc import Iterator
from itertools import chain

import click
from seqeval.metrics import f1_score as entity_f1
from sklearn.metrics import f1_score

from common import write_json
from convbert_edu import data
from convbert_edu.data import baselines
from convbert_edu.finetuning.tasks.question_answering import best_scores


@click.command()
@click.option("--output", type=click.Path(dir_okay=False), help="File to keep the figures in, as JSON.")
def main(output: str | None) -> None:
    """Print a line for each baseline."""
    results: dict[str, dict[str, float]] = {}
    for task, baseline, scores in chain(texts(), recipes(), tweets(), questions(), choices()):
        results[f"{task}, {baseline}"] = scores
        shown = "  ".join(f"{name} {score:.3f}" for name, score in scores.items())
        click.echo(f"{task:22}{baseline:38}{shown}")
    if output:
        write_json(output, results)


# Task, baseline, scores.
Result = tuple[str, str, dict[str, float]]


def texts() -> Iterator[Result]:
    """Accuracy of classification; topics differ in frequency, so they have the mean F1 of the classes, too."""
    sets = {
        "Rotten Tomatoes": data.load_reviews("rotten_tomatoes"),
        "IMDB": data.load_reviews("imdb"),
        "Wikipedia topics": data.load_topics(),
    }
    for name, splits in sets.items():
        labels = [example.label for example in splits.test]
        found = baselines.tfidf_predictions(splits.train, [example.text for example in splits.test])
        accuracy = sum(map(int.__eq__, found, labels)) / len(labels)
        macro = float(f1_score(labels, found, average="macro"))
        yield (
            name,
            "most frequent class",
            {"accuracy": baselines.majority_baseline(splits.train, splits.test)},
        )
        yield name, "TF-IDF, logistic regression", {"accuracy": accuracy, "macro F1": macro}


def recipes() -> Iterator[Result]:
    """Micro-F1 over all labels, with the label words masked in the text and with all words."""
    for masked in (True, False):
        splits = data.load_recipes(masked)
        labels = [example.label for example in splits.test]
        name = "recipes" if masked else "recipes, unmasked"
        share = [
            sum(column) / len(splits.train) for column in zip(*(e.label for e in splits.train), strict=True)
        ]
        frequent = [[int(each >= 0.3) for each in share]] * len(labels)
        yield (
            name,
            "labels of 30% of the recipes",
            {"micro F1": float(f1_score(labels, frequent, average="micro"))},
        )
        found = baselines.tfidf_multi_label_predictions(
            splits.train, [example.text for example in splits.test]
        )
        yield (
            name,
            "TF-IDF, logistic regression",
            {"micro F1": float(f1_score(labels, found, average="micro"))},
        )


def tweets() -> Iterator[Result]:
    """F1 of whole entities."""
    splits = data.load_tweets()
    names = splits.label_names
    labels = [[names[label] for label in example.labels] for example in splits.test]
    for name, predict in (
        ("list of known names", baselines.gazetteer_predictions),
        ("logistic regression on words", baselines.token_regression_predictions),
    ):
        yield (
            "tweets",
            name,
            {"entity F1": float(entity_f1(labels, predict(splits.train, splits.test, names)))},
        )


def questions() -> Iterator[Result]:
    """Exact match and F1 of words, for both kinds of question apart and together."""
    test = data.load_questions().test
    for name, answer in (
        ("clause with most shared words", baselines.overlap_answer),
        ("rules", baselines.rule_answer),
    ):
        scores: dict[str, list[tuple[float, float]]] = {"": [], "prose": [], "list": []}
        for example in test:
            right = [right.text for right in example.answers]
            score = best_scores(answer(example.question, example.context), right)
            scores[""].append(score)
            scores[example.kind].append(score)
        for kind, pairs in scores.items():
            exact, f1 = (sum(column) / len(pairs) for column in zip(*pairs, strict=True))
            yield f"factbook {kind}".strip(), name, {"exact match": exact, "F1": f1}


def choices() -> Iterator[Result]:
    """Accuracy; a quarter is right by chance."""
    splits = data.load_choices()
    labels = [example.label for example in splits.test]
    for name, found in (
        ("shared words", [baselines.overlap_choice(example) for example in splits.test]),
        ("TF-IDF similarity", baselines.tfidf_choices(splits.train, splits.test)),
    ):
        right = sum(map(int.__eq__, found, labels))
        yield "Wikipedia choice", name, {"accuracy": right / len(labels)}


if __name__ == "__main__":
    main()
