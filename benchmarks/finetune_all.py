"""Every task: the bundled models, the smaller one from scratch, a BERT, and baselines. Prints a table.

Each run has its own seed, for the head (or the whole model), the order and what is drawn. The settings stand in
finetune_cases.py; they are chosen on the validation split (--split validation), and the test split is measured with
them once. With --output a run that was stopped goes on where it was; results_tables.py then writes the tables of
README.md and docs/results.md from that file.
"""

import json
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any, ClassVar

import click
import torch

from common import interval, markdown_table
from convbert_edu import ConvBertConfig, ConvBertTokenizer
from convbert_edu.data import Splits
from convbert_edu.extras.bert_checkpoint import find_bert, load_bert
from convbert_edu.files import atomic_write
from convbert_edu.finetuning.data_sources import load_data
from convbert_edu.finetuning.run import finetune
from convbert_edu.finetuning.settings import FinetuneSettings
from convbert_edu.finetuning.tasks import Task, make_task
from convbert_edu.training.run_folder import RunFolder
from finetune_cases import ALWAYS, CASES, FEWEST, SCRATCH, STARTS, TEACHER, TINY, stored_runs
from finetune_items import lead_over_baseline


def one_run(
    name: str,
    start: str,
    seed: int,
    split: str,
    threads: int,
    model: str | None = None,
    load: Callable[[str, str], Splits] | None = None,
    more: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Train once and return what was measured on `split`, with the seconds of this process on the CPU for all of it.

    For the test split also the lead over the best baseline, with its 95% interval over the items (finetune_items.py).

    load: returns other data for a name and a task, which no baseline has read; else they are read anew for each run
    more: settings that go before those of the case
    """
    other_data = load is not None
    load = load or load_data
    torch.set_num_threads(threads)
    began = time.process_time()
    case, scratch = CASES[name], start == SCRATCH
    recipe = case.recipes[start]
    with tempfile.TemporaryDirectory() as folder:
        model = model or recipe.model or starting_model(start, folder)
        config = ConvBertConfig.from_pretrained(model)
        always = {**ALWAYS, "seed": seed, "threads": threads}
        for number, before in enumerate(recipe.before):
            data = replace(load(before.data, before.task), test=[])
            task = make_task(before.task, {})
            settings = FinetuneSettings.recipe(task, config, **{**always, **before.settings, **(more or {})})
            prepared = Path(folder, f"before {number}")
            finetune(task, data, model, prepared, settings)
            model = str(RunFolder(prepared).model)
        changes = {**always, **recipe.settings, "from_scratch": scratch, **(more or {})}
        task = keeping_results(make_task(case.task, changes.get("task_options", {})))
        settings = FinetuneSettings.recipe(task, config, **changes)
        splits = chosen_examples(name, seed, split, load)
        scores = finetune(task, splits, model, Path(folder, "run"), settings)[split]
    seconds = {"cpu_seconds": round(time.process_time() - began, 1)}
    # The test split is measured last.
    if split == "test" and not other_data:
        scores = scores | lead_over_baseline(name, splits, task, *task.kept)
    return scores | seconds


def keeping_results(task: Task) -> Task:
    """Return the task as one that keeps in `kept` what its `metrics` was given last; a record has no predictions."""

    class Keeping(type(task)):
        kept: ClassVar[list[Any]] = []

        def metrics(self, *given: Any) -> dict[str, float]:
            self.kept[:] = given
            return super().metrics(*given)

    return Keeping(**asdict(task))


def starting_model(start: str, folder: str) -> str:
    """Return the model that a start begins with; the teacher is first written to `folder` as a ConvBERT without any
    convolution, which it equals."""
    if start != TEACHER:
        return TINY if start == SCRATCH else start
    target = Path(folder, "teacher")
    load_bert("minilm").save_pretrained(target)
    ConvBertTokenizer.from_pretrained(find_bert("minilm")).save_pretrained(target)
    return str(target)


def chosen_examples(
    name: str, seed: int, split: str, load: Callable[[str, str], Splits] | None = None
) -> Splits:
    """Return the data of a case; the test split stays closed while settings are chosen."""
    case = CASES[name]
    splits, count = (load or load_data)(case.data, case.task), case.examples
    if split == "validation":
        splits = replace(splits, test=[])
    if count is None:
        return splits
    order = torch.randperm(len(splits.train), generator=torch.Generator().manual_seed(seed)).tolist()
    return replace(splits, train=[splits.train[row] for row in order[:count]])


def table(
    known: Mapping[str, Mapping[str, float]],
    split: str,
    starts: Sequence[str] = STARTS,
    first_measure_only: bool = False,
    fewest: int = FEWEST,
) -> str:
    """Return the cases that have results as a table in Markdown: mean and 95% interval of the mean over the seeds.

    Only `starts` that were measured get a column; first_measure_only leaves one row to each case that all of them have
    a recipe for, and one column out: the lead of the first start over the baseline, with the widest of its seeds'
    intervals over the test items. With fewer than `fewest` seeds a score is left out.
    """
    shown = [
        start for start in starts if any(stored_runs(known, name, start, split, fewest) for name in CASES)
    ]
    heads = ["task", "measure", *shown, "baseline"]
    if not first_measure_only:
        heads += [f"lead of {start}, over items" for start in shown[:1]]
    rows = []
    for name, case in CASES.items():
        for number, (metric, (measure, baseline)) in enumerate(case.measures.items()):
            if first_measure_only and (number or not set(shown) <= set(case.recipes)):
                break
            cells = []
            for start in shown:
                runs = stored_runs(known, name, start, split, fewest)
                cells.append(interval([found[metric] for found in runs]) if runs else "")
            if any(cells):
                row = ["" if number else case.title, measure, *cells, str(baseline or "")]
                if not first_measure_only:
                    row.append("" if number else lead_of(stored_runs(known, name, shown[0], split, fewest)))
                rows.append(row)
    return markdown_table(heads, rows)


def lead_of(runs: Sequence[Mapping[str, float]]) -> str:
    """Return the mean lead of some runs, and the widest interval over the items; nothing where none was measured."""
    if not runs or any("lead" not in found for found in runs):
        return ""
    mean = sum(found["lead"] for found in runs) / len(runs)
    low, high = min(found["lead_low"] for found in runs), max(found["lead_high"] for found in runs)
    return f"{mean:+.3f} ({low:+.3f} to {high:+.3f})"


@click.command()
@click.option("--model", help="Start all cases from this one, a name or a folder; else each from its own.")
@click.option("--case", "cases", multiple=True, type=click.Choice(list(CASES)), help="Else all of them.")
@click.option(
    "--start", "starts", multiple=True, type=click.Choice(STARTS), help="Else all that the case has."
)
@click.option("--seeds", type=int, help="Else as many as the case says.")
@click.option("--split", default="test", type=click.Choice(["validation", "test"]), show_default=True)
@click.option(
    "--jobs", default=2, show_default=True, help="Runs side by side; small models gain little from threads."
)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="JSON file of all scores.")
def main(
    model: str | None,
    cases: tuple[str, ...],
    starts: tuple[str, ...],
    seeds: int | None,
    split: str,
    jobs: int,
    output: Path | None,
) -> None:
    """Measure every case and print a table."""
    known: dict[str, Any] = json.loads(output.read_text()) if output and output.exists() else {}
    threads = max(1, (os.cpu_count() or 1) // jobs)
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        waiting = {}
        for seed in range(seeds or max(case.seeds for case in CASES.values())):
            for name in cases or CASES:
                if seed >= (seeds or CASES[name].seeds):
                    continue
                for start in starts or CASES[name].recipes:
                    key = f"{name}/{split}/{start}/{seed}"
                    if key not in known and start in CASES[name].recipes:
                        waiting[pool.submit(one_run, name, start, seed, split, threads, model)] = key
        for done in as_completed(waiting):
            known[waiting[done]] = done.result()
            print(waiting[done], json.dumps(known[waiting[done]]), flush=True)
            if output:
                with atomic_write(output, "w") as file:
                    json.dump(known, file, indent=2)
    print(table(known, split, fewest=1))


if __name__ == "__main__":
    main()
