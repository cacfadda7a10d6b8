"""Does memory stay the same when there is ten times as much text? Packing it, and reading an epoch of batches.

Each line is measured in a process of its own. Needs Linux, which says in /proc how much memory a process has used.
"""

import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from itertools import cycle
from multiprocessing import get_context
from pathlib import Path

import click

from convbert_edu.data import load_reviews
from convbert_edu.pretraining.batches import PretrainingBatches
from convbert_edu.pretraining.documents import read_documents
from convbert_edu.pretraining.masking import Masking
from convbert_edu.pretraining.token_file import TokenFile, write_token_file
from convbert_edu.tokenizer import ConvBertTokenizer


@click.command()
@click.option("--megabytes", default=3.0, help="Size of the smaller text; the other is ten times as large.")
def main(megabytes: float) -> None:
    """Pack and read both texts and print how much memory that took."""
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        alone(write_texts, base, megabytes)
        print(f"{'text':>8} {'packing, peak':>15} {'reading, peak':>15}")
        for name, size in (("small", megabytes), ("large", 10 * megabytes)):
            packing, reading = alone(pack, base, name), alone(read_epoch, base, name)
            print(f"{size:5.0f} MB {packing:12.0f} MB {reading:12.0f} MB")


def alone(task: Callable, *arguments: object) -> float | None:
    """Run `task` in a fresh process and return what it returns."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(task, *arguments).result()


def write_texts(base: Path, megabytes: float) -> None:
    """Write both texts, film reviews over and over, and a vocabulary."""
    reviews = [example.text for example in load_reviews("imdb").train]
    ConvBertTokenizer.train(reviews[:2000]).save_pretrained(base / "tokenizer")
    for name, size in (("small", megabytes), ("large", 10 * megabytes)):
        written, source = 0, cycle(reviews)
        with (base / f"{name}.txt").open("w", encoding="utf-8") as file:
            while written < size * 1e6:
                written += file.write(next(source) + "\n\n")


def pack(base: Path, name: str) -> float:
    """Pack a text and return the process's largest memory so far, in MB."""
    tokenizer = ConvBertTokenizer.from_pretrained(base / "tokenizer")
    write_token_file(read_documents([base / f"{name}.txt"]), tokenizer, base / name)
    return memory("VmHWM")


def read_epoch(base: Path, name: str) -> float:
    """Read every sequence in batches and return the largest memory on the way, in MB.

    Pages of the file that the system keeps at hand are not counted: it takes them back when it needs room.
    """
    token_file = TokenFile(base / name)
    batches = PretrainingBatches(
        token_file, Masking(ConvBertTokenizer.from_pretrained(base / "tokenizer")), 64, None, seed=0
    )
    largest = 0.0
    for step in range(len(token_file) // 64):
        batches.load(step)
        largest = max(largest, memory("RssAnon"))
    return largest


def memory(field: str) -> float:
    """Return a field of /proc/self/status in MB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split(f"{field}:")[1].split()[0]) / 1024


if __name__ == "__main__":
    main()
