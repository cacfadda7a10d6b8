"""What runs in the process of a stage: its items, one after the other. Started by watch.py."""

import importlib
import sys
from pathlib import Path
from time import monotonic

import click

from convbert_edu.device import device_facts, find_device
from gpu_stages.plan import Item, NotThereYet, Plan
from gpu_stages.results import DONE, StageFile, error_of


def work(items: list[Item], file: StageFile, call: str, seconds: float) -> None:
    """Do the items that are not done yet, those that failed before at the end, while time is left."""
    began = monotonic()
    file.write(planned=[item.name for item in items])
    known = file.items
    waiting = [item for item in items if known.get(item.name, {}).get("status") not in DONE]
    waiting = [item for item in waiting if known.get(item.name, {}).get("call") != call]
    waiting.sort(key=lambda item: item.name in known)
    for item in waiting:
        if monotonic() - began > seconds:
            file.write(stopped="no time was left")
            return
        print(f"--- {item.name}", flush=True)
        file.begin(item.name, call, item.limit)
        try:
            found = item.run()
        except NotThereYet as reason:
            file.end(item.name, "not there yet", reason=str(reason))
        except Exception as error:
            file.end(item.name, "failed", **error_of(error))
        else:
            file.end(item.name, "ok", result=found)


@click.command()
@click.option("--stage", required=True)
@click.option("--module", required=True)
@click.option("--out", type=click.Path(path_type=Path), required=True)
@click.option("--call", required=True)
@click.option("--seconds", type=float, required=True)
@click.option("--memory-bytes", type=int)
@click.option("--rehearse", is_flag=True)
def main(
    stage: str, module: str, out: Path, call: str, seconds: float, memory_bytes: int | None, rehearse: bool
) -> None:
    """Do the items of a stage and write what was found to its file."""
    file = StageFile(out / f"stage-{stage}.json")
    try:
        device = find_device("cpu" if rehearse else None)
        memory = memory_bytes or device_facts(device).memory_bytes
        items = importlib.import_module(module).items(Plan(device, rehearse, memory, out, seconds))
    except Exception as error:
        file.write(**error_of(error))
        sys.exit(1)
    work(items, file, call, seconds)


if __name__ == "__main__":
    main()
