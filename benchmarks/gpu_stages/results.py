"""What was found, item by item, in files that are whole at every moment.

stage-KEY.json     the items of one stage, written after each of them
gpu-CARD.json      all stages on one card; a later run adds what was missing
An item's status is ok, not there yet, running, failed, timeout or died.
"""

import json
import re
import traceback
from collections.abc import Mapping
from pathlib import Path
from time import time
from typing import Any

from convbert_edu.files import atomic_write, read_json_object

DONE = ("ok", "not there yet")
TRACEBACK_LINES = 12


class StageFile:
    """The items of a stage, kept in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.values: dict[str, Any] = read_json_object(path) if path.is_file() else {}
        self.values.setdefault("items", {})

    @property
    def items(self) -> dict[str, dict[str, Any]]:
        """What is known of each item, by its name."""
        return self.values["items"]

    def write(self, **changes: Any) -> None:
        """Change fields of the stage and write the file."""
        self.values |= changes
        write_json(self.path, self.values)

    def begin(self, name: str, call: str, limit: float) -> None:
        """Note that an item is under way, and until when it may be."""
        self.items[name] = {"status": "running", "call": call, "since": time(), "limit": limit}
        self.write()

    def end(self, name: str, status: str, **found: Any) -> None:
        """Note what became of an item."""
        before = self.items.get(name, {})
        seconds = round(time() - before.get("since", time()), 2)
        self.items[name] = {"status": status, "call": before.get("call"), "seconds": seconds, **found}
        self.write()

    def running(self) -> str | None:
        """Return the name of the item that is under way, if there is one."""
        return next((name for name, item in self.items.items() if item["status"] == "running"), None)


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write a JSON file, whole or not at all."""
    with atomic_write(path, "w") as file:
        file.write(json.dumps(values, indent=1) + "\n")


def error_of(error: BaseException) -> dict[str, Any]:
    """Return what went wrong as plain JSON values: the error and the end of its traceback."""
    lines = "".join(traceback.format_exception(error)).rstrip().splitlines()
    return {"error": f"{type(error).__name__}: {error}"[:2000], "traceback": lines[-TRACEBACK_LINES:]}


def card_slug(name: str) -> str:
    """Return a device's name as a part of a file's name: "NVIDIA H100 80GB HBM3" is nvidia-h100-80gb-hbm3."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "unknown"


def merged_name(facts: Mapping[str, Any], rehearse: bool) -> str:
    """Return the name of the file of all stages."""
    return "gpu-rehearsal.json" if rehearse else f"gpu-{card_slug(facts['name'])}.json"


def merge_items(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return all items of both; where both know one, the newer counts, unless only the older one was done."""
    merged = dict(old)
    for name, item in new.items():
        if name not in merged or item["status"] in DONE or merged[name]["status"] not in DONE:
            merged[name] = item
    return merged


def merge(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return the results of both files, `new` over `old`.

    Raises ValueError where they are of two cards, or one is a rehearsal and the other is not.
    """
    for name in ("card", "rehearsal"):
        if old and old.get(name) != new.get(name):
            raise ValueError(
                f"the results cannot be merged: {name} was {old.get(name)!r} and is {new.get(name)!r}; "
                "keep the results of each card in a file of its own"
            )
    stages = dict(old.get("stages", {}))
    for key, stage in new["stages"].items():
        known = stages.get(key, {})
        items = merge_items(known.get("items", {}), stage["items"])
        stages[key] = {**known, **stage, "items": items, "status": stage_status(stage, items)}
    return {**old, **new, "stages": stages}


def stage_status(stage: Mapping[str, Any], items: Mapping[str, Any]) -> str:
    """Return complete, incomplete (something failed or was not reached) or failed (the stage itself)."""
    if "error" in stage:
        return "failed"
    planned = stage.get("planned", [])
    done = all(items.get(name, {}).get("status") in DONE for name in planned)
    return "complete" if planned and done else "incomplete"
