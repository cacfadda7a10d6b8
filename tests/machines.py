"""The numerical tests and the first lessons as other machines compute them: python tests/machines.py --help

One processor can play others in part. PyTorch's own kernels, those of oneDNN and those of MKL can each be told to use
older instructions, and the number of threads decides how sums are split. Before each run a probe shows that the switch
acts: it prints the instructions and the last bits of a few results, and a run whose switch did nothing fails.
Tensors at odd places in memory are a test of their own: tests/models/test_memory_places.py.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

# The same comparison of outputs as in `make test`, and the same division.
from start import NBVAL, SIDE_BY_SIDE

# What compares computed numbers and takes no more than a few seconds; tests marked slow are left out besides.
NUMERICAL = (
    "tests/layers",
    "tests/models",
    "tests/parity/test_transformers.py",
    "tests/parity/test_round_trip.py",
    "tests/checkpoints/test_saving.py",
    "tests/training/test_trainer.py",
    "tests/finetuning/test_run.py",
    "tests/pretraining/test_run.py",
    "tests/distillation/test_objective.py",
    "tests/analysis",
)
# Compiled graphs run the same kernels as the models they were made from, and take half a minute.
NOT_NUMERICAL = ("tests/models/test_compiled.py",)

FIRST_LESSONS = range(6)

# From the oldest instructions to the newest, as PyTorch names them.
LEVELS = ("DEFAULT", "AVX2", "AVX512")


@dataclass(frozen=True)
class Machine:
    """A machine to play: environment variables, and what the probe must show."""

    variables: dict[str, str]
    threads: int = 1
    capability: str | None = None  # instructions of PyTorch's own kernels
    library: str | None = None  # without it the machine cannot be played
    changes: str | None = None  # the result whose bits must change, where the processor is newer than AVX2


# MKL_ENABLE_INSTRUCTIONS is not among them: on a processor of AMD it changes nothing (torch 2.13, MKL 2024.2).
MACHINES = {
    "default": Machine({"ATEN_CPU_CAPABILITY": "default"}, capability="DEFAULT"),
    "avx2": Machine({"ATEN_CPU_CAPABILITY": "avx2"}, capability="AVX2"),
    "avx512": Machine({"ATEN_CPU_CAPABILITY": "avx512"}, capability="AVX512"),
    "onednn-avx2": Machine({"ONEDNN_MAX_CPU_ISA": "AVX2"}, library="onednn", changes="convolution"),
    "mkl-compatible": Machine({"MKL_CBWR": "COMPATIBLE"}, library="mkl", changes="product"),
    "1-thread": Machine({}),
    "2-threads": Machine({}, threads=2),
    "4-threads": Machine({}, threads=4),
}


def environment(machine: Machine) -> dict[str, str]:
    """Return the environment of a process on this machine."""
    switches = {name for other in MACHINES.values() for name in other.variables} | {"MPLBACKEND"}
    kept = {name: value for name, value in os.environ.items() if name not in switches}
    threads = str(machine.threads)
    # MKL takes no more threads than there are cores unless it is told to; the tests read TEST_THREADS.
    fixed = {
        "OMP_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
        "MKL_DYNAMIC": "FALSE",
        "TEST_THREADS": threads,
    }
    return kept | fixed | {"PYTHONHASHSEED": "0", "TQDM_DISABLE": "1"} | machine.variables


def probe(machine: Machine) -> dict[str, Any]:
    """Return what tests/machine_probe.py says on this machine."""
    command = [sys.executable, str(ROOT / "tests" / "machine_probe.py")]
    run = subprocess.run(
        command, env=environment(machine), cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    return json.loads(run.stdout)


def why_not(machine: Machine, plain: dict[str, Any]) -> str | None:
    """Say why this processor cannot play the machine, or None where it can; `plain` is the probe without switches."""
    level = LEVELS.index(plain["capability"]) if plain["capability"] in LEVELS else 0
    if machine.capability and LEVELS.index(machine.capability) > level:
        return f"this processor has {plain['capability']} only"
    if machine.library and not plain[machine.library]:
        return f"this PyTorch is built without {machine.library}"
    if machine.changes and level < LEVELS.index("AVX512"):
        return f"this processor has {plain['capability']}, for which {machine.library} uses the same kernels anyway"
    return None


def check_switch(machine: Machine, found: dict[str, Any], plain: dict[str, Any]) -> str | None:
    """Return what is wrong with the probe of a machine, or None: the switch must have done what it is for."""
    if found["threads"] != machine.threads:
        return f"{machine.threads} threads were asked for, but PyTorch uses {found['threads']}"
    if machine.capability:
        if found["capability"] != machine.capability:
            return f"{machine.variables} did nothing: PyTorch still says {found['capability']}"
        if machine.capability != plain["capability"] and found["bits"] == plain["bits"]:
            return (
                f"{machine.variables} did nothing: every result of the probe has the same bits as without it"
            )
    if machine.changes and found["bits"][machine.changes] == plain["bits"][machine.changes]:
        return (
            f"{machine.variables} did nothing: the probe's {machine.changes} has the same bits as without it"
        )
    return None


def commands(numerical: bool, lessons: bool, whole: bool, side_by_side: bool) -> list[list[str]]:
    """Return the pytest commands of the parts that are wanted."""
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    if side_by_side:
        pytest += SIDE_BY_SIDE
    wanted = []
    if whole:
        wanted.append([*pytest, "-m", "not slow", "tests"])
    if numerical:
        left_out = [f"--ignore={path}" for path in NOT_NUMERICAL]
        wanted.append([*pytest, "-m", "not slow", *left_out, *NUMERICAL])
    if lessons:
        paths = [str(*ROOT.glob(f"notebooks/{number:02}_*.ipynb")) for number in FIRST_LESSONS]
        wanted.append([*pytest, *NBVAL, *paths])
    return wanted


def play(name: str, plain: dict[str, Any], parts: list[list[str]]) -> bool:
    """Run the parts on one machine, print what came out, and return whether all is well."""
    machine = MACHINES[name]
    reason = why_not(machine, plain)
    if reason:
        click.echo(f"== {name}: left out, {reason}")
        return True
    found = probe(machine)
    click.echo(
        f"== {name}: {machine.variables} {found['capability']}, {found['threads']} thread(s), {found['bits']}"
    )
    wrong = check_switch(machine, found, plain)
    if wrong:
        click.echo(f"== {name} FAILED: {wrong}")
        return False
    well = True
    for command in parts:
        run = subprocess.run(
            command, env=environment(machine), cwd=ROOT, capture_output=True, text=True, check=False
        )
        well = well and run.returncode == 0
        output = (run.stdout + run.stderr).rstrip()
        click.echo(f"== {name}: {output.splitlines()[-1] if run.returncode == 0 else output}")
    return well


@click.command()
@click.option(
    "--only", default=",".join(MACHINES), help="Machines, with commas between them.", show_default=True
)
@click.option("--numerical", is_flag=True, help="Only the numerical tests.")
@click.option("--lessons", is_flag=True, help="Only the lessons 00 to 05.")
@click.option("--whole", is_flag=True, help="All fast tests instead, a quarter of an hour a machine.")
@click.option("--side-by-side", is_flag=True, help="Divide the tests of a machine between two processes.")
@click.option(
    "--others", is_flag=True, help="Leave out a machine with the instructions that this processor has."
)
def main(only: str, numerical: bool, lessons: bool, whole: bool, side_by_side: bool, others: bool) -> None:
    """Run the numerical tests and lessons 00 to 05 as other machines compute them."""
    names = only.split(",")
    unknown = [name for name in names if name not in MACHINES]
    if unknown:
        raise click.BadParameter(f"there is no machine {unknown[0]!r}; choose among {', '.join(MACHINES)}")
    parts = commands(
        numerical or not (lessons or whole), lessons or not (numerical or whole), whole, side_by_side
    )
    plain = probe(Machine({}))
    if others:
        names = [name for name in names if MACHINES[name].capability != plain["capability"]]
    well = [play(name, plain, parts) for name in names]
    sys.exit(0 if all(well) else 1)


if __name__ == "__main__":
    main()
