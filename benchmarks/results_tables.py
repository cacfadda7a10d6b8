"""Write the tables of results into README.md and docs/results.md, from the scores in benchmarks/finetune_all.json.

    python benchmarks/results_tables.py

A page holds one table that begins with "| task | measure |"; its rows are replaced. The long table has all that was
measured on the test splits, the short one the first measure of each task, for the models that a reader may start from:
the README has no room for more.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path

import click

from convbert_edu.files import atomic_write
from finetune_all import table
from finetune_cases import CASES, MINI, SCRATCH, TINY, stored_runs

ROOT = Path(__file__).resolve().parent.parent
SCORES = ROOT / "benchmarks" / "finetune_all.json"
TABLE = re.compile(r"^\| task \| measure \|.*\n(?:\|.*\n)*", re.MULTILINE)


def tables(known: Mapping[str, Mapping[str, float]]) -> dict[Path, str]:
    """Return the table of each page."""
    # Until convbert-mini has scores, the same small model from scratch stands beside convbert-tiny.
    shown = (MINI, TINY) if any(stored_runs(known, name, MINI) for name in CASES) else (TINY, SCRATCH)
    return {
        ROOT / "README.md": table(known, "test", shown, first_measure_only=True),
        ROOT / "docs" / "results.md": table(known, "test"),
    }


def filled_page(text: str, rows: str) -> str:
    """Return the text of a page with its table replaced by `rows`; ValueError where it has none, or several."""
    found = TABLE.findall(text)
    if len(found) != 1:
        raise ValueError(
            f"the page has {len(found)} tables that begin with '| task | measure |'; it must have one"
        )
    return text.replace(found[0], rows + "\n")


@click.command()
def main() -> None:
    """Write the tables."""
    known = json.loads(SCORES.read_text(encoding="utf-8"))
    for path, rows in tables(known).items():
        text = filled_page(path.read_text(encoding="utf-8"), rows)
        with atomic_write(path, "w") as file:
            file.write(text)
        click.echo(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
