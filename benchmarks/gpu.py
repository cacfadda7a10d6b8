"""Everything that is to be run and measured on a machine with a GPU, in one command that needs no network.

    python benchmarks/gpu.py --list
    python benchmarks/gpu.py --stages a,b,c --out FOLDER
    python benchmarks/gpu.py --rehearse --out FOLDER
    python benchmarks/gpu.py --merge FOLDER

Each stage runs in a process of its own, and each of its items is written down at once: a run that is cut off has lost
nothing, and the next call does what is missing. All results of a card stand in gpu-CARD.json; --merge adds those of a
folder that came back to benchmarks/results. A rehearsal does the same on a CPU, in tiny sizes. What must travel is
packed by `python start.py gpu-pack`. The stages are in gpu_stages/.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]
PACKS, RESULTS = ROOT / "build" / "gpu-pack", ROOT / "benchmarks" / "results"
# Exit codes: some stage is not complete; there is no accelerator.
INCOMPLETE, NO_ACCELERATOR = 1, 3
# Asked in a process of its own, because a driver may hang, and the answer must come before a result has a name.
PROBE = """
import json, sys, torch
from dataclasses import asdict
from convbert_edu.device import device_facts, find_device
device = find_device("cpu" if "rehearse" in sys.argv else None)
print(json.dumps(asdict(device_facts(device)) | {"torch": torch.__version__}))
"""
PROBE_SECONDS = 180
# What keeps every process away from the network, so that a missing file is said at once.
OFFLINE = {"HF_HUB_OFFLINE": "1", "PIP_NO_INDEX": "1", "TQDM_DISABLE": "1", "PYTHONUTF8": "1"}


def probe(environment: Mapping[str, str], rehearse: bool) -> dict[str, Any]:
    """Return what the device is; ClickException where torch does not start or does not answer."""
    words = [sys.executable, "-c", PROBE, *(["rehearse"] if rehearse else [])]
    try:
        ended = subprocess.run(
            words, cwd=ROOT, env=dict(environment), capture_output=True, text=True, timeout=PROBE_SECONDS,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise click.ClickException(f"torch did not say within {PROBE_SECONDS} s which device is here") from None
    if ended.returncode:
        raise click.ClickException(f"torch or convbert_edu does not start here: {ended.stderr[-1500:]}")
    facts = json.loads(ended.stdout.splitlines()[-1])
    if facts["kind"] == "cpu" and not rehearse:
        error = click.ClickException(
            f"there is no accelerator here (torch {facts['torch']} sees a CPU only); measure on a machine with a "
            "GPU and a torch that is built for it, or add --rehearse to try everything in tiny sizes on the CPU"
        )
        error.exit_code = NO_ACCELERATOR
        raise error
    return facts


def child_environment(folder: Path, rehearse: bool) -> dict[str, str]:
    """Return the environment of all processes: no network, what was packed, and for a rehearsal no GPU."""
    from convbert_edu.device import WITHOUT_GPU
    from gpu_stages.packing import unpack

    packed = unpack(PACKS, folder)
    paths = [packed.pop("PYTHONPATH", ""), str(ROOT), os.environ.get("PYTHONPATH", "")]
    own = {"PYTHONPATH": os.pathsep.join(path for path in paths if path)}
    return {**os.environ, **OFFLINE, **packed, **own, **(WITHOUT_GPU if rehearse else {})}


def known_results(out: Path, name: str) -> dict[str, Any]:
    """Return what is known of a card: from the project's results and from earlier calls into `out`."""
    from gpu_stages.results import merge

    known: dict[str, Any] = {}
    for path in (RESULTS / name, out / name):
        if path.is_file():
            known = merge(known, json.loads(path.read_text(encoding="utf-8")))
    return known


def run_all(stages: str, out: Path, rehearse: bool, minutes: float, memory_gb: float | None) -> bool:
    """Run the stages that are not complete; return whether all chosen ones are complete then."""
    from gpu_stages.plan import MINUTE, chosen_stages
    from gpu_stages.results import merge, merged_name, write_json
    from gpu_stages.watch import Call, run_stage

    chosen = chosen_stages(stages)
    end = time.monotonic() + minutes * MINUTE
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        environment = child_environment(Path(folder), rehearse)
        facts = probe(environment, rehearse)
        name = merged_name(facts, rehearse)
        results = known_results(out, name)
        memory = int(memory_gb * 1e9) if memory_gb else None
        call = Call(out.resolve(), rehearse, memory, environment)
        for stage in chosen:
            known = results.get("stages", {}).get(stage.key, {}).get("items", {})
            found = run_stage(stage, call, end - time.monotonic(), known)
            new = {"card": facts["name"], "rehearsal": rehearse, "device": facts, "stages": {stage.key: found}}
            results = merge(results, new)
            write_json(out / name, results)
            click.echo(report(stage.key, results["stages"][stage.key]))
    return all(results["stages"][stage.key]["status"] == "complete" for stage in chosen)


def report(key: str, stage: Mapping[str, Any]) -> str:
    """Return a line about a stage, and one for each item that was not done."""
    from gpu_stages.results import DONE

    items = stage["items"]
    done = sum(item["status"] in DONE for item in items.values())
    lines = [
        f"({key}) {stage['title']}: {stage['status']}, {done} of {len(stage.get('planned', items))} items done, "
        f"{stage.get('seconds', 0):.0f} s {stage.get('error', '')}"
    ]
    lines += [
        f"      {name}: {item['status']}: {item.get('error') or item.get('reason', '')}"[:300]
        for name, item in items.items()
        if item["status"] != "ok"
    ]
    return "\n".join(lines)


def merge_folder(folder: Path) -> list[Path]:
    """Add the results that came back in `folder` to the project's; return the files that were written."""
    from gpu_stages.results import merge, write_json

    written = []
    for path in sorted(folder.glob("gpu-*.json")):
        new = json.loads(path.read_text(encoding="utf-8"))
        if not new["rehearsal"]:
            written.append(RESULTS / path.name)
            write_json(written[-1], merge(known_results(RESULTS, path.name), new))
    return written


@click.command()
@click.option("--stages", default="all", show_default=True, help="Such as a,b,c.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder of the results.")
@click.option("--rehearse", is_flag=True, help="On the CPU, in tiny sizes: every stage, every file.")
@click.option("--limit-minutes", type=click.FloatRange(min=0, min_open=True), default=9.5, show_default=True)
@click.option("--memory-gb", type=click.FloatRange(min=0, min_open=True), help="Pretend that the card has so much.")
@click.option("--list", "listed", is_flag=True, help="Only list the stages with estimated times.")
@click.option("--merge", "merged", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(
    stages: str,
    out: Path | None,
    rehearse: bool,
    limit_minutes: float,
    memory_gb: float | None,
    listed: bool,
    merged: Path | None,
) -> None:
    """Run the stages and write what was found; exit code 1 where something is not complete, 3 without a GPU."""
    # Whoever ends this ends the process of the stage, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    from gpu_stages.plan import chosen_stages, describe

    if merged is not None:
        written = merge_folder(merged)
        click.echo("\n".join(map(str, written)) or f"{merged} holds no results of a card")
        return
    try:
        chosen = chosen_stages(stages)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if listed:
        click.echo(describe(chosen))
        return
    if out is None:
        out = ROOT / "build" / "gpu-rehearsal" if rehearse else RESULTS
    if not run_all(stages, out, rehearse, limit_minutes, memory_gb):
        sys.exit(INCOMPLETE)


if __name__ == "__main__":
    main()
