"""Loading a safetensors file of the size of ConvBERT-base: how long it takes and how much memory, beside transformers.

Every measurement is a process of its own, so that nothing is warm in it and its peak is its own; the file lies in the
system's cache for both. Memory is what a process took beyond its imports, as a multiple of the file's size.
Both leave the weights in the file until they are looked at, so the second time includes adding up all of them.
Needs Linux, which says in /proc how much memory a process has used.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import torch

from common import write_json
from convbert_edu import ConvBertConfig, ConvBertModel

LIBRARIES = ("transformers", "convbert_edu")


@click.command()
@click.option("--repeats", default=5, help="Processes of each kind.")
@click.option("--layers", default=12, help="Layers of the model; 12 is the paper's base.")
@click.option("--output", type=click.Path(dir_okay=False), help="Also write the figures to this JSON file.")
def main(repeats: int, layers: int, output: str | None) -> None:
    """Measure both libraries in turn and print a table."""
    with tempfile.TemporaryDirectory() as folder:
        torch.manual_seed(0)
        ConvBertModel(ConvBertConfig.base(num_hidden_layers=layers)).save_pretrained(folder)
        size = Path(folder, "model.safetensors").stat().st_size
        runs: dict[str, list[dict[str, float]]] = {library: [] for library in LIBRARIES}
        for round_number in range(repeats):
            for library in LIBRARIES if round_number % 2 else reversed(LIBRARIES):
                runs[library].append(measure_alone(library, folder))
    results = {
        library: {
            figure: statistics.median(run[figure] for run in runs[library]) for figure in runs[library][0]
        }
        for library in LIBRARIES
    }
    print(f"\nloading {size / 1e6:.0f} MB of float32 weights, medians of {repeats} processes")
    print(f"{'':16}{'load':>10}{'and use':>10}{'load ratio':>12}{'and use':>10}{'peak / file':>13}")
    baseline = results["transformers"]
    for library, result in results.items():
        ratios = [result[figure] / baseline[figure] for figure in ("load", "use")]
        print(
            f"{library:16}{result['load']:9.2f}s{result['use']:9.2f}s{ratios[0]:12.2f}{ratios[1]:10.2f}"
            f"{result['peak'] / size:13.2f}"
        )
    if output:
        write_json(output, {"file_size": size, **results})


def measure_alone(library: str, folder: str) -> dict[str, float]:
    """Return what `measure` finds in a fresh process."""
    command = [sys.executable, __file__, "--measure", library, folder]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def measure(library: str, folder: str) -> dict[str, float]:
    """Load the model once; return the seconds until it is there and until all was used, and the peak in bytes."""
    if library == "transformers":
        from transformers import ConvBertModel as Model
    else:
        from convbert_edu import ConvBertModel as Model
    before = memory("VmRSS")
    start = time.perf_counter()
    model = Model.from_pretrained(folder)
    loaded = time.perf_counter()
    with torch.no_grad():
        float(sum(parameter.sum() for parameter in model.parameters()))
    return {"load": loaded - start, "use": time.perf_counter() - start, "peak": memory("VmHWM") - before}


def memory(field: str) -> float:
    """Return a field of /proc/self/status in bytes."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split(f"{field}:")[1].split()[0]) * 1024


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(measure(*sys.argv[2:])))
    else:
        main()
