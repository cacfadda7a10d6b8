"""The encoder beside transformers' and beside the bare matrix products: same weights, inputs, threads, one run.

    python benchmarks/speed.py [--only NAME] [--compile] [--output speed.json]

Prints one table: medians, and ratios of the medians to transformers' (and of ours to the floor). Base models are cut to
a few layers, which does not change the ratios. With --compile our model is also measured under torch.compile (with
frozen weights where it does not learn), which takes minutes to warm up. On a machine with a GPU the same script runs
there.
"""

from collections.abc import Callable
from dataclasses import dataclass

import click
import torch
import transformers
from torch import nn
from torch._inductor import config as inductor

from common import compare, write_json
from convbert_edu import ConvBertConfig, ConvBertModel
from convbert_edu.checkpoints.loading import to_transformers_names
from convbert_edu.device import autocast, find_device, supports_bfloat16
from floor import make_floor

VOCABULARY = 1000
# Of the vectors that both give, before anything is timed.
TOLERANCE = {"float32": 1e-5, "bfloat16": 0.1}


@dataclass(frozen=True)
class Workload:
    """What is timed: a forward pass, or a training step (loss, gradients; dropout as in the configuration)."""

    preset: str
    batch: int
    seq: int
    train: bool = False
    precision: str = "float32"
    # None: as many as the preset has.
    layers: int | None = None

    @property
    def name(self) -> str:
        """The name in the table."""
        kind = "training step" if self.train else "forward"
        return f"{kind}, {self.preset}, {self.batch} x {self.seq}, {self.precision}"


WORKLOADS = [
    *(Workload("base", batch, seq, layers=4) for batch, seq in ((8, 128), (4, 256), (2, 512), (1, 2048))),
    *(Workload("base", batch, seq, train=True, layers=2) for batch, seq in ((8, 128), (4, 256), (2, 512))),
    *(Workload(preset, 32, 128, train=train) for preset in ("small", "tiny") for train in (False, True)),
    *(
        Workload(preset, batch, 128, train=train, precision="bfloat16", layers=layers)
        for preset, batch, layers in (("base", 8, 4), ("tiny", 32, None))
        for train in (False, True)
    ),
]


def make_pair(workload: Workload, device: torch.device) -> tuple[nn.Module, nn.Module]:
    """Return our encoder and transformers' with the same weights."""
    layers = {"num_hidden_layers": workload.layers} if workload.layers else {}
    long = {"max_position_embeddings": max(512, workload.seq)}
    config = getattr(ConvBertConfig, workload.preset)(vocab_size=VOCABULARY, **layers, **long)
    ours = ConvBertModel(config).to(device)
    theirs = transformers.ConvBertModel(transformers.ConvBertConfig.from_dict(config.to_dict())).to(device)
    theirs.load_state_dict(to_transformers_names(ours))
    return ours, theirs


def make_run(model: nn.Module, workload: Workload, device: torch.device) -> Callable[[], torch.Tensor]:
    """Return a function that does the workload once with `model`."""
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(2, VOCABULARY, (workload.batch, workload.seq), generator=generator).to(device)
    mask = torch.ones_like(ids)

    def run() -> torch.Tensor:
        with torch.set_grad_enabled(workload.train), autocast(workload.precision, device):
            states = model(ids, mask).last_hidden_state
        if workload.train:
            states.float().square().mean().backward()
            model.zero_grad()
        return states

    return run


def measure(workload: Workload, repeats: int, compiled: bool, device: torch.device) -> dict[str, float]:
    """Return the median seconds of each candidate."""
    torch.manual_seed(0)
    ours, theirs = make_pair(workload, device)
    check = [make_run(model.eval(), workload, device)().detach().float() for model in (ours, theirs)]
    torch.testing.assert_close(*check, atol=TOLERANCE[workload.precision], rtol=0)
    for model in (ours, theirs):
        model.train(workload.train)
    dtype = getattr(torch, workload.precision)
    candidates = {
        "transformers": make_run(theirs, workload, device),
        "convbert_edu": make_run(ours, workload, device),
        "floor": make_floor(ours.config, workload.batch, workload.seq, device, dtype, workload.train),
    }
    if compiled:
        # Compile for this size, not for the one before and all others.
        torch.compiler.reset()
        candidates["compiled"] = make_run(torch.compile(ours, fullgraph=True), workload, device)
    # Whoever only uses a model may let the compiler convert and pack the weights once, not in each pass ("freezing").
    with inductor.patch(freezing=not workload.train):
        return {name: found["median"] for name, found in compare(candidates, repeats).items()}


@click.command()
@click.option("--repeats", default=7, show_default=True, help="Timed rounds of each workload.")
@click.option("--only", default="", help="Only workloads with this in their name.")
@click.option("--compile", "compiled", is_flag=True, help="Also under torch.compile.")
@click.option("--output", type=click.Path(dir_okay=False), help="Also write the figures to this JSON file.")
def main(repeats: int, only: str, compiled: bool, output: str | None) -> None:
    """Time every workload and print the table."""
    device = find_device()
    print(f"{device}, torch {torch.__version__}, {torch.get_num_threads()} threads, medians of {repeats}")
    print(f"{'':44}{'theirs':>10}{'ours / theirs':>15}{'ours / floor':>14}{'compiled / theirs':>19}")
    results = {}
    for workload in WORKLOADS:
        if only not in workload.name or (workload.precision == "bfloat16" and not supports_bfloat16(device)):
            continue
        found = results[workload.name] = measure(workload, repeats, compiled, device)
        ratio = found["convbert_edu"] / found["transformers"]
        over = found["convbert_edu"] / found["floor"]
        extra = f"{found['compiled'] / found['transformers']:19.2f}" if compiled else ""
        print(
            f"{workload.name:44}{found['transformers'] * 1e3:8.0f}ms{ratio:15.2f}{over:14.2f}{extra}",
            flush=True,
        )
    if output:
        write_json(output, results)


if __name__ == "__main__":
    main()
