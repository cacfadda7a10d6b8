"""What do a model's words gain from reading tweets, and how many tweets does it take? The stored figures of lesson 13.

`convbert-mini`, `convbert-tiny-generator` and `convbert-mini` from scratch read some training tweets by masked language
modelling. Then each word of each test tweet is masked in turn, by as many [MASK] as it has pieces, so that the models'
vocabularies don't matter: the same words for all, as in fill_mask.py. Links, names and tags are counted on their own,
since a link is easy to learn and says little. The baseline gives each piece its share in the training tweets. A run
that was stopped goes on where it was.
"""

import functools
import json
import math
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch

from common import interval, markdown_table
from convbert_edu import ConvBertConfig
from convbert_edu.data import Splits, TextExample, load_tweets
from convbert_edu.files import atomic_write
from convbert_edu.finetuning.run import finetune
from convbert_edu.finetuning.settings import FinetuneSettings
from convbert_edu.finetuning.tasks import MaskedLM
from convbert_edu.training.run_folder import RunFolder
from fill_mask import WORD, WordModel
from finetune_cases import ALWAYS, MASKED_LM, MINI, SCRATCH

BASELINE = "token shares"
# Of the training tweets; 0: the model as it comes.
COUNTS = (0, 200, 600, 1836)
SEEDS = 3
# One word in so many is masked at a time, as in pretraining.
EVERY = 7
# Chosen on the validation split among 2e-4, 5e-4 and 1e-3; the epoch with the lowest validation loss is kept.
SETTINGS = {
    MINI: {"learning_rate": 5e-4, "epochs": 4},
    MASKED_LM: {"learning_rate": 1e-3, "epochs": 8},
    SCRATCH: {"learning_rate": 5e-4, "epochs": 8},
}
SAME = {"batch_size": 16, "max_length": 48, "layer_decay": 1.0, "threads": 1}
NOT_ORDINARY = ("http", "www.", "@", "#")


def tweets(split: str) -> list[list[str]]:
    """Return the tweets of a split as lists of words."""
    return [list(example.words) for example in getattr(load_tweets(), split)]


def words_to_mask(
    texts: Sequence[Sequence[str]], models: Sequence[WordModel]
) -> tuple[list[list[str]], list[set[int]], np.ndarray]:
    """Return each text some times, which of its words are masked each time, and whether each of these is ordinary.

    Every word that all models can spell is masked once.
    """
    passages, masked, ordinary = [], [], []
    for text in texts:
        parts = [
            (word, not part.lower().startswith(NOT_ORDINARY)) for part in text for word in WORD.findall(part)
        ]
        known = [
            number for number, (word, _) in enumerate(parts)
            if word.isalpha() and all(model.can_spell(word) for model in models)
        ]  # fmt: skip
        for first in range(EVERY):
            chosen = [number for number in known if number % EVERY == first]
            if chosen:
                passages.append([word for word, _ in parts])
                masked.append(set(chosen))
                ordinary += [parts[number][1] for number in chosen]
    return passages, masked, np.array(ordinary)


@functools.cache
def words_of(split: str) -> tuple[list[list[str]], list[set[int]], np.ndarray]:
    """Return the passages of a split, and what is masked in them: the same for all models, so it is chosen once."""
    return words_to_mask(tweets(split), [WordModel(MINI), WordModel(MASKED_LM)])


def adapted(start: str, count: int, seed: int, folder: str, more: dict[str, Any]) -> str:
    """Return the folder, or the name, of a model that has read `count` training tweets."""
    name = MINI if start == SCRATCH else start
    if not count and start != SCRATCH:
        return name
    config = ConvBertConfig.from_pretrained(name)
    order = torch.randperm(len(tweets("train")), generator=torch.Generator().manual_seed(seed)).tolist()
    texts = {
        split: [TextExample(" ".join(words), 0) for words in tweets(split)]
        for split in ("train", "validation")
    }
    splits = Splits([texts["train"][row] for row in order[:count]], texts["validation"], [])
    changes = {**ALWAYS, **SAME, **SETTINGS[start], "seed": seed, "from_scratch": start == SCRATCH, **more}
    finetune(MaskedLM(), splits, name, Path(folder), FinetuneSettings.recipe(MaskedLM(), config, **changes))
    return str(RunFolder(Path(folder)).model)


def scores_of(losses: np.ndarray, right: np.ndarray | None, ordinary: np.ndarray) -> dict[str, float]:
    """Return perplexity and accuracy per word: of ordinary words, and of all."""
    found = {}
    for name, chosen in (("words", ordinary), ("all", np.ones_like(ordinary))):
        found[f"perplexity_{name}"] = round(math.exp(losses[chosen].mean()), 2)
        if right is not None:
            found[f"accuracy_{name}"] = round(float(right[chosen].mean()), 4)
    return found


def baseline(split: str) -> dict[str, float]:
    """Return the scores of the shares of the training tweets' tokens, with one added to each count."""
    model = WordModel(MINI)
    passages, masked, ordinary = words_of(split)
    pieces = model.pieces
    counts = Counter(piece for text in tweets("train") for part in text for piece in pieces(part))
    total = sum(counts.values()) + len(model.tokenizer)
    words = [
        passage[position]
        for passage, chosen in zip(passages, masked, strict=True)
        for position in sorted(chosen)
    ]
    losses = [-sum(math.log((counts[piece] + 1) / total) for piece in pieces(word)) for word in words]
    return scores_of(np.array(losses), None, ordinary) | {
        "number": len(words),
        "ordinary": int(ordinary.sum()),
    }


def one_run(start: str, count: int, seed: int, split: str, more: dict[str, Any]) -> dict[str, float]:
    """Adapt once and measure on `split`."""
    with tempfile.TemporaryDirectory() as folder:
        model = WordModel(adapted(start, count, seed, folder, more))
    passages, masked, ordinary = words_of(split)
    scores = model.score_words(passages, masked)
    return scores_of(scores[:, 0], scores[:, 1], ordinary)


def runs_of(
    known: dict[str, dict[str, float]], start: str, count: int, metric: str, split: str = "test"
) -> list[float]:
    """Return one score of all seeds of a start and a number of tweets; none where nothing was measured."""
    begins = f"{split}/{start}/{count}/"
    return [scores[metric] for key, scores in known.items() if key.startswith(begins)]


def table(known: dict[str, dict[str, float]], metric: str, split: str) -> str:
    """Return one score of all runs as a table in Markdown: mean and 95% interval over the seeds."""
    rows = []
    for count in COUNTS:
        runs = [runs_of(known, start, count, metric, split) for start in SETTINGS]
        rows.append([str(count), *(interval(each) if each else "" for each in runs)])
    return markdown_table(["tweets read", *SETTINGS], rows)


@click.command()
@click.option("--split", default="test", type=click.Choice(["validation", "test"]), show_default=True)
@click.option("--start", "starts", multiple=True, type=click.Choice(list(SETTINGS)), help="Else all of them.")
@click.option("--count", "counts", multiple=True, type=int, help="Else 0, 200, 600 and 1,836 tweets.")
@click.option("--seeds", default=SEEDS, show_default=True)
@click.option(
    "--set", "changes", default="{}", help="Other settings, as JSON, to try on the validation split."
)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="JSON file of all scores.")
def main(
    split: str,
    starts: tuple[str, ...],
    counts: tuple[int, ...],
    seeds: int,
    changes: str,
    output: Path | None,
) -> None:
    """Measure every start with every number of tweets and print two tables."""
    torch.set_num_threads(1)
    known: dict[str, dict[str, float]] = json.loads(output.read_text()) if output and output.exists() else {}
    missing = [
        (start, count, seed)
        for seed in range(seeds)
        for start in starts or SETTINGS
        for count in counts or COUNTS
        # A model as it comes is measured once, and one from scratch only when it has read all tweets.
        if f"{split}/{start}/{count}/{seed}" not in known
        and (count == COUNTS[-1] or start != SCRATCH)
        and (count or seed == 0)
    ]
    for start, count, seed in missing:
        key = f"{split}/{start}/{count}/{seed}"
        known[key] = one_run(start, count, seed, split, json.loads(changes))
        print(key, json.dumps(known[key]), flush=True)
        _write(known, output)
    known.setdefault(f"{split}/{BASELINE}/{COUNTS[-1]}/0", baseline(split))
    _write(known, output)
    for metric in ("perplexity_words", "accuracy_words", "perplexity_all"):
        print(f"\n{metric}\n{table(known, metric, split)}")
    print(BASELINE, known[f"{split}/{BASELINE}/{COUNTS[-1]}/0"])


def _write(known: dict[str, dict[str, float]], output: Path | None) -> None:
    if output:
        with atomic_write(output, "w") as file:
            json.dump(known, file, indent=1)


if __name__ == "__main__":
    main()
