"""Items that fail, hang and fall over, for the tests of benchmarks/gpu.py; run as a stage in a process of its own."""

import os
import time

from gpu_stages.plan import Item, NotThereYet, Plan


def _fail() -> dict:
    raise ValueError("this item fails")


def _not_there() -> dict:
    raise NotThereYet("to be built")


def _hang() -> dict:
    time.sleep(600)
    return {}


def items(plan: Plan) -> list[Item]:
    """Return what the variable FAKE_ITEMS names."""
    runs = {
        "good": lambda: {"number": 1, "memory": plan.memory},
        "bad": _fail,
        "hanging": _hang,
        "dying": lambda: os._exit(9),
        "absent": _not_there,
        "second good": lambda: {"number": 2},
    }
    if os.environ["FAKE_ITEMS"] == "broken":
        raise ImportError("no module named something")
    names = os.environ["FAKE_ITEMS"].split(",")
    return [Item(name, runs[name], limit=1.0 if name == "hanging" else 60.0) for name in names]
