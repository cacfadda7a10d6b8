"""Short causal convolutions in small decoders, the experiments of lesson 18: recall, arrows and real text.

    python benchmarks/short_convolutions.py

What is trained is written in the lesson: its cells tagged `build` are run here, so that lesson and figures cannot
differ. All decoders of a task have the same number of parameters and see the same batches for the same seed. Scores go
to short_convolutions.json beside this script, from which the lesson draws its figures; a run that was stopped goes on.
"""

import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import nbformat
import torch

from convbert_edu import ConvBertTokenizer
from convbert_edu.data import load_articles
from convbert_edu.files import atomic_write

LESSON = Path(__file__).resolve().parent.parent / "notebooks" / "18_dynamic_convolutions_today.ipynb"
RESULTS = Path(__file__).with_suffix(".json")
KINDS = ("fixed", "dynamic", "span-based")
# By name as in the lesson: kind and places.
VARIANTS = {"none": ("none", "")} | {
    f"{kind} on {places}": (kind, places) for places in ("V", "QKV") for kind in KINDS
}
ONE_LAYER = dict(longest=24, d=64, k=4, L=1, width=128)
TWO_LAYERS = dict(v=2000, longest=64, d=64, h=4, k=4, L=2, width=128)
STEPS = {"recall": 1500, "arrows": 1500, "text": 2000}
SEEDS = {"recall": 3, "arrows": 5, "text": 3}
EVERY = 50


@cache
def lesson() -> SimpleNamespace:
    """Return what the build cells of the lesson define."""
    names: dict[str, Any] = {}
    cells = nbformat.read(LESSON, as_version=4).cells
    opening = next(cell.source for cell in cells if cell.cell_type == "code")
    imports = [
        line
        for line in opening.splitlines()
        if line.startswith(("import torch", "import math", "from torch"))
    ]
    exec("\n".join(imports), names)
    for cell in cells:
        if "build" in cell.metadata.get("tags", []):
            exec(cell.source, names)
    return SimpleNamespace(**names)


def wanted() -> Iterator[str]:
    """Yield the keys of all runs: task, variant, seed."""
    names = {
        "recall": [*VARIANTS, "none, two layers"],
        "arrows": [f"{heads}/{kind}" for heads in (1, 4) for kind in KINDS],
        "text": list(VARIANTS),
    }
    for task, variants in names.items():
        yield from (f"{task}/{name}/{seed}" for seed in range(SEEDS[task]) for name in variants)


@cache
def text_streams() -> tuple[torch.Tensor, torch.Tensor]:
    """Return the Wikipedia introductions of the training and of the test split as two long rows of token ids."""
    articles = load_articles()
    tokenizer = ConvBertTokenizer.train([each.text for each in articles.train], vocab_size=TWO_LAYERS["v"])
    return lesson().token_stream(articles.train, tokenizer), lesson().token_stream(articles.test, tokenizer)


def run(key: str) -> dict[str, Any]:
    """Train one decoder and return its score, the mean loss of every EVERY steps, its size and the seconds of it."""
    torch.set_num_threads(1)
    began = time.process_time()
    code = lesson()
    task, rest = key.split("/", 1)
    name, _, seed = rest.rpartition("/")
    torch.manual_seed(int(seed))
    random = torch.Generator().manual_seed(int(seed))
    if task == "recall":
        sizes = ONE_LAYER | {"v": 52, "h": 4} | ({"L": 2} if name.endswith("two layers") else {})
        model = code.make_decoder(*VARIANTS[name.removesuffix(", two layers")], **sizes)
        batch = code.recall_batch
    elif task == "arrows":
        heads, kind = name.split("/")
        model, batch = code.make_decoder(kind, "QKV", **ONE_LAYER, v=28, h=int(heads)), code.arrow_batch
    else:
        model = code.start_at_the_token_itself(code.make_decoder(*VARIANTS[name], **TWO_LAYERS))
        batch = code.text_batch(text_streams()[0], n=TWO_LAYERS["longest"])
    losses = torch.tensor(code.train(model, batch, random, STEPS[task]))
    curve = [round(value, 4) for value in losses.unflatten(0, (-1, EVERY)).mean(dim=1).tolist()]
    if task == "text":
        score = {"loss": code.held_out_loss(model, text_streams()[1], TWO_LAYERS["longest"])}
    else:
        score = {"accuracy": code.accuracy(model, batch)}
    seconds = round(time.process_time() - began, 1)
    return score | {"parameters": code.count(model), "curve": curve, "cpu_seconds": seconds}


@click.command()
@click.option("--task", "tasks", multiple=True, type=click.Choice(list(STEPS)), help="Else all of them.")
@click.option("--jobs", default=os.cpu_count() or 1, show_default=True, help="Runs side by side.")
@click.option("--output", default=RESULTS, type=click.Path(dir_okay=False, path_type=Path), show_default=True)
def main(tasks: tuple[str, ...], jobs: int, output: Path) -> None:
    """Run what is missing."""
    known = json.loads(output.read_text(encoding="utf-8")) if output.exists() else {}
    missing = [key for key in wanted() if key not in known and key.split("/")[0] in (tasks or STEPS)]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        waiting = {pool.submit(run, key): key for key in missing}
        for done in as_completed(waiting):
            known[waiting[done]] = done.result()
            print(
                waiting[done],
                {name: each for name, each in done.result().items() if name != "curve"},
                flush=True,
            )
            in_order = {key: known[key] for key in wanted() if key in known}
            with atomic_write(output, "w") as file:
                json.dump(in_order, file, indent=1)


if __name__ == "__main__":
    main()
