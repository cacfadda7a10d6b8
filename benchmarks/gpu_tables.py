"""Tables for docs/speed.md and lessons from the results that were measured on cards; empty where there are none.

`python benchmarks/gpu_tables.py` prints them.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from common import interval, markdown_table

RESULTS = Path(__file__).parent / "results"
# What is compared, as the results name it.
SIDES = ("transformers", "convbert_edu")


def load_cards(folder: Path = RESULTS) -> list[dict[str, Any]]:
    """Return the results of every card, no rehearsals; an empty list where nothing was measured."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("gpu-*.json"))]
    return [card for card in found if not card.get("rehearsal", True)]


def results_of(card: Mapping[str, Any], stage: str) -> dict[str, dict[str, Any]]:
    """Return what the items of a stage gave, those that ended well, by name."""
    items = card["stages"].get(stage, {}).get("items", {})
    return {name: item["result"] for name, item in items.items() if item["status"] == "ok"}


def speed_table(card: Mapping[str, Any]) -> str:
    """Return the times and peak memories of stage (c) as a table in Markdown."""
    rows = []
    for name, found in results_of(card, "c").items():
        if "ours_over_theirs" not in found:
            continue
        seconds, peaks, formula = found["seconds"], found["peak_memory"], found.get("memory_by_formula")
        memory = [_gigabytes(peaks.get(side)) for side in SIDES]
        memory.append(_gigabytes(formula["total"] if formula else None))
        name += f" (run with {found['shrunk']})" if "shrunk" in found else ""
        times = [f"{seconds[side] * 1e3:.1f}" for side in SIDES]
        rows.append([name, *times, f"{found['ours_over_theirs']:.2f}", *memory])
    heads = ["", "transformers, ms", "ours, ms", "ratio", "transformers, GB", "ours, GB", "formula, GB"]
    return markdown_table(heads, rows) if rows else ""


def heads_table(card: Mapping[str, Any]) -> str:
    """Return the scores of stage (d): mean over the seeds with the 95% interval of the mean."""
    runs: dict[str, list[dict[str, Any]]] = {}
    for found in results_of(card, "d").values():
        runs.setdefault(found["head"], []).append(found)
    rows = []
    for head, found in runs.items():
        seconds = sum(each["seconds"] for each in found) / len(found)
        for metric in found[0]["scores"]:
            scores = interval([each["scores"][metric] for each in found])
            rows.append([head, metric, scores, str(len(found)), f"{seconds:.0f}"])
    return markdown_table(["head", "measure", "score", "seeds", "seconds a run"], rows) if rows else ""


def text(folder: Path = RESULTS) -> str:
    """Return all tables of all cards; an empty text where there are none."""
    parts = []
    for card in load_cards(folder):
        tables = [table for table in (speed_table(card), heads_table(card)) if table]
        parts += [f"{card['card']}, torch {card['device']['torch']}", *tables] if tables else []
    return "\n\n".join(parts)


def _gigabytes(count: int | None) -> str:
    return "" if count is None else f"{count / 1e9:.2f}"


@click.command()
def main() -> None:
    """Print all tables."""
    click.echo(text() or "nothing has been measured on a GPU yet")


if __name__ == "__main__":
    main()
