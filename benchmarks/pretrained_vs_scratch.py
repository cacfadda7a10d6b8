"""What pretraining is worth: a model with pretrained and with random weights, and a TF-IDF baseline, on two tasks.

Each case is run with several seeds, which draw the 500 training examples, the initialisation of the head (or of the
whole model), the order and the dropout. Prints the mean test accuracy with its 95% interval (Student's t over
the seeds).
With --output a run that was stopped goes on where it was.
"""

import json
from pathlib import Path

import click
import torch

from common import interval
from convbert_edu import ConvBertConfig, ConvBertForSequenceClassification, ConvBertTokenizer
from convbert_edu.data import TOPICS, load_reviews, load_topics, tfidf_baseline
from convbert_edu.data.batching import encode_texts
from convbert_edu.files import atomic_write
from convbert_edu.training.predict import accuracy
from convbert_edu.training.settings import TrainingSettings
from convbert_edu.training.trainer import train

TASKS = {"rotten_tomatoes": (load_reviews, 2), "wikipedia_topics": (load_topics, len(TOPICS))}
# Epochs (few examples are read more often) and learning rate, the same for both starts; chosen on the
# validation splits among rates of 3e-4, 6e-4, 1e-3 and 2e-3.
CASES = {
    "rotten_tomatoes:500": (15, 1e-3),
    "wikipedia_topics:500": (15, 1e-3),
    "rotten_tomatoes:all": (4, 6e-4),
    "wikipedia_topics:all": (3, 6e-4),
}


def one_run(
    model_name: str,
    start: str,
    task: str,
    size: str,
    seed: int,
    split: str,
    epochs: int = 0,
    rate: float = 0.0,
) -> float:
    """Train once and return the accuracy on `split` ("validation" or "test"); 0 means: as in CASES."""
    load, num_labels = TASKS[task]
    splits = load()
    torch.manual_seed(seed)
    chosen = torch.randperm(len(splits.train))[: 500 if size == "500" else None].tolist()
    examples = [splits.train[i] for i in chosen]
    measured = getattr(splits, split)
    if start == "TF-IDF baseline":
        return tfidf_baseline(examples, measured)
    tokenizer = ConvBertTokenizer.from_pretrained(model_name)
    if start == "pretrained":
        model = ConvBertForSequenceClassification.from_pretrained(model_name, num_labels=num_labels)
    else:
        config = ConvBertConfig.from_pretrained(model_name, num_labels=num_labels)
        model = ConvBertForSequenceClassification(config)
    encoded, tested = (
        encode_texts(tokenizer, [e.text for e in some], [e.label for e in some])
        for some in (examples, measured)
    )
    best_epochs, best_rate = CASES[f"{task}:{size}"]
    settings = TrainingSettings(
        epochs=epochs or best_epochs, learning_rate=rate or best_rate, precision="auto", seed=seed
    )
    train(model, encoded, settings)
    return accuracy(model, tested)


@click.command()
@click.option("--model", required=True, help="Pretrained model: name or folder.")
@click.option("--case", "cases", multiple=True, help="TASK:SIZE, such as rotten_tomatoes:500; else all four.")
@click.option("--seeds", default=5, show_default=True)
@click.option("--split", default="test", type=click.Choice(["validation", "test"]), show_default=True)
@click.option(
    "--start", "starts", multiple=True, help="pretrained, from scratch or TF-IDF baseline; else all."
)
@click.option("--epochs", default=0, help="Try this many epochs, on the validation split.")
@click.option("--rate", default=0.0, help="Try this learning rate, on the validation split.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="JSON file of all scores.")
def main(
    model: str,
    cases: tuple[str, ...],
    seeds: int,
    split: str,
    starts: tuple[str, ...],
    epochs: int,
    rate: float,
    output: Path | None,
) -> None:
    """Measure every case and print a table."""
    if split == "test" and (epochs or rate):
        raise click.UsageError("settings are tried on the validation split: add --split validation")
    known = json.loads(output.read_text()) if output and output.exists() else {}
    for case in cases or CASES:
        task, size = case.split(":")
        line = [f"{case:24}"]
        for start in starts or ("pretrained", "from scratch", "TF-IDF baseline"):
            scores = []
            for seed in range(seeds):
                key = f"{case}/{split}/{start}/{seed}" + (f"/{epochs}/{rate}" if epochs or rate else "")
                if key not in known:
                    known[key] = one_run(model, start, task, size, seed, split, epochs, rate)
                    if output:
                        with atomic_write(output, "w") as file:
                            json.dump(known, file, indent=2)
                scores.append(known[key])
            line.append(f"{start} {interval(scores)}")
        print("   ".join(line), flush=True)


if __name__ == "__main__":
    main()
