"""The memory of training and of long texts, beside transformers.

    python benchmarks/memory.py [--output memory.json]

Training: the bytes that a forward pass keeps for the backward pass, beside the weights: base layers, 4 x 512 tokens;
they follow from shapes alone and repeat exactly. Long texts: how far the peak memory of a process rises during a
forward pass of 1 x 4096 tokens; each side runs in a process of its own.
"""

import json
import resource
import subprocess
import sys

import click
import torch
import transformers
from torch import nn

from common import NO_DROPOUT, bytes_of, kept_for_backward, write_json
from convbert_edu import ConvBertConfig, ConvBertModel
from convbert_edu.models.encoder import set_gradient_checkpointing

SIZES = dict(num_hidden_layers=4, vocab_size=1000, max_position_embeddings=4096)


def make(side: str, **changes: float) -> nn.Module:
    """Return the encoder of one side, with base layers."""
    if side == "transformers":
        return transformers.ConvBertModel(transformers.ConvBertConfig(**SIZES | changes))
    model = ConvBertModel(ConvBertConfig.base(**SIZES | changes))
    set_gradient_checkpointing(model, wanted=side == "convbert_edu, gradient checkpointing")
    return model


def kept_bytes(model: nn.Module, batch: int = 4, seq: int = 512) -> int:
    """Return the bytes that a forward pass in training keeps, weights left out, each piece of memory counted once."""
    ids, mask = torch.ones(2, batch, seq, dtype=torch.long)
    _output, kept = kept_for_backward(lambda: model.train()(ids, mask), model.parameters())
    return bytes_of(kept)


def peak_of_forward(side: str, seq: int = 4096) -> int:
    """Return by how many bytes a forward pass raises the peak memory of this process."""
    model = make(side).eval()
    with torch.inference_mode():
        # What every first call takes.
        model(torch.ones(1, 16, dtype=torch.long))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        model(torch.ones(1, seq, dtype=torch.long))
    unit = 1 if sys.platform == "darwin" else 1024
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit


@click.command()
@click.option(
    "--peak", help="Only print the peak of this side, as JSON (for the processes that are started)."
)
@click.option("--output", type=click.Path(dir_okay=False), help="Also write the figures to this JSON file.")
def main(peak: str | None, output: str | None) -> None:
    """Measure both kinds of memory and print ratios."""
    if peak:
        print(json.dumps(peak_of_forward(peak)))
        return
    sides = ("transformers", "convbert_edu", "convbert_edu, gradient checkpointing")
    command = [sys.executable, __file__, "--peak"]
    results: dict[str, dict[str, float]] = {
        # First, while this process is small: a process inherits the peak of the one that starts it.
        "rise of the peak, 1 x 4096": {
            side: json.loads(subprocess.run([*command, side], check=True, capture_output=True).stdout)
            for side in sides[:2]
        }
    }
    for title, changes in (("kept for backward", NO_DROPOUT), ("kept for backward, dropout 0.1", {})):
        results[title] = {side: kept_bytes(make(side, **changes)) for side in sides}
    for title, found in results.items():
        print(title)
        for side, size in found.items():
            print(f"  {side:32}{size / 1e6:10.1f} MB{size / found['transformers']:8.2f}")
    if output:
        write_json(output, results)


if __name__ == "__main__":
    main()
