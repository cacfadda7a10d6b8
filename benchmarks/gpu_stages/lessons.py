"""Stage (e): the code cells of lessons 08 to 15 on the device, where they take their GPU branches; errors listed.

A rehearsal runs each lesson's cells up to the one that chooses by the device, with a time limit of its own.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

from convbert_edu import ConvBertConfig, ConvBertForMaskedLM, ConvBertTokenizer
from convbert_edu.checkpoints.folder import bundled_models
from finetune_cases import MINI
from gpu_stages.plan import Item, NotThereYet, Plan
from gpu_stages.results import StageFile
from gpu_stages.watch import ROOT, end_group

FIRST, LAST = 8, 15
LESSON_SECONDS = 110
# What the GPU branches of the lessons start from. There is no network, so another model stands in under its name.
ON_THE_HUB = "YituTech/conv-bert-small"
BRANCH = "find_device().type"
LOG_LINES = 12


def items(plan: Plan) -> list[Item]:
    """Return one item for each lesson; a rehearsal reads them all in one process."""
    lessons = [
        path for path in sorted((ROOT / "notebooks").glob("*.ipynb")) if FIRST <= int(path.name[:2]) <= LAST
    ]
    if plan.rehearse:
        return [Item("lessons 08 to 15", lambda: rehearsal(lessons), limit=90)]
    return [Item(path.stem, lambda path=path: run_lesson(path), LESSON_SECONDS + 30) for path in lessons]


def code_cells(path: Path) -> list[str]:
    """Return the code of a lesson, cell by cell, without those that every run of the lessons leaves out."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [
        "".join(cell["source"])
        for cell in cells
        if cell["cell_type"] == "code" and "nbval-skip" not in cell["metadata"].get("tags", [])
    ]


def run_lesson(path: Path, seconds: float = LESSON_SECONDS) -> dict[str, Any]:
    """Run all cells of a lesson in a process of its own; return how far it came and each cell's error."""
    with tempfile.TemporaryDirectory() as folder:
        said = stand_in(Path(folder))
        file = Path(folder, "cells.json")
        command = [sys.executable, "-m", "gpu_stages.cells", str(path), str(file)]
        with tempfile.TemporaryFile() as log:
            process = subprocess.Popen(
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"},
            )  # fmt: skip
            try:
                process.wait(seconds)
                ended = f"ended with code {process.returncode}"
            except subprocess.TimeoutExpired:
                ended = f"ended after {seconds:.0f} seconds"
            finally:
                end_group(process)
            log.seek(0)
            tail = log.read().decode("utf-8", "replace").splitlines()[-LOG_LINES:]
        found = StageFile(file).values
    return {**found, "ended": ended, "stand_in": said} | ({"log": tail} if process.returncode else {})


def rehearsal(lessons: list[Path]) -> dict[str, Any]:
    """Compile every cell of every lesson, and run those of the first one that has a branch up to it."""
    counts, with_branch = {}, []
    for path in lessons:
        sources = code_cells(path)
        for number, source in enumerate(sources):
            compile(source, f"{path.name}, cell {number}", "exec")
        counts[path.stem] = len(sources)
        with_branch += [path] if any(BRANCH in source for source in sources) else []
    if not with_branch:
        raise NotThereYet(f"no lesson has a cell with {BRANCH}")
    sources = code_cells(with_branch[0])
    branch = next(number for number, source in enumerate(sources) if BRANCH in source)
    with tempfile.TemporaryDirectory() as folder:
        short = Path(folder, with_branch[0].name)
        cells = [{"cell_type": "code", "metadata": {}, "source": [text]} for text in sources[: branch + 1]]
        short.write_text(json.dumps({"cells": cells}), encoding="utf-8")
        found = run_lesson(short, seconds=80)
    if found["errors"] or found["done"] != branch + 1:
        raise RuntimeError(f"{with_branch[0].name} went wrong in its first cells: {found}")
    return {"cells": counts, "run": {with_branch[0].stem: found}}


def stand_in(folder: Path) -> str:
    """Put a model into `folder` under the name that lessons fetch from the hub, and return what it is."""
    place = folder / ON_THE_HUB
    model = MINI if MINI in bundled_models() else "convbert-tiny-generator"
    tokenizer = ConvBertTokenizer.from_pretrained(model)
    tokenizer.save_pretrained(place)
    if model == MINI:
        ConvBertForMaskedLM.from_pretrained(model).save_pretrained(place)
        return f"{MINI} stands in for {ON_THE_HUB}"
    torch.manual_seed(0)
    config = ConvBertConfig.small(vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id)
    ConvBertForMaskedLM(config).save_pretrained(place)
    return f"random weights of its shape stand in for {ON_THE_HUB}: scores mean nothing"
