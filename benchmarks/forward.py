"""A forward pass of ConvBERT-base's layers beside transformers': same weights, same inputs, same threads, one run.

Prints a table for each shape. The share of the paper's twelve layers that is timed does not change the ratio.
"""

import click
import torch
import transformers

from common import compare, print_table, write_json
from convbert_edu import ConvBertConfig, ConvBertModel
from convbert_edu.checkpoints.saving import to_transformers_names
from convbert_edu.device import find_device

SHAPES = ((8, 128), (4, 256), (2, 512))  # batch x tokens: the same number of tokens each time
SIZES = dict(num_hidden_layers=4, vocab_size=1000)  # the other fields are those of the base model


@click.command()
@click.option("--repeats", default=9, help="Timed rounds of each shape.")
@click.option("--output", type=click.Path(dir_okay=False), help="Also write the figures to this JSON file.")
@torch.inference_mode()
def main(repeats: int, output: str | None) -> None:
    """Time both implementations on every shape."""
    torch.manual_seed(0)
    device = find_device()
    ours = ConvBertModel(ConvBertConfig.base(**SIZES)).to(device).eval()
    theirs = transformers.ConvBertModel(transformers.ConvBertConfig(**SIZES)).to(device).eval()
    theirs.load_state_dict(to_transformers_names(ours))

    results = {}
    for batch, seq in SHAPES:
        ids = torch.randint(2, SIZES["vocab_size"], (batch, seq), device=device)
        mask = torch.ones_like(ids)
        torch.testing.assert_close(
            ours(ids, mask).last_hidden_state, theirs(ids, mask).last_hidden_state, atol=1e-5, rtol=0
        )
        title = f"forward, float32, 4 layers of base, {batch} x {seq} tokens"
        results[title] = compare(
            {"transformers": lambda: theirs(ids, mask), "convbert_edu": lambda: ours(ids, mask)},  # noqa: B023 (called at once)
            repeats,
        )
        print_table(title, results[title], baseline="transformers")
    if output:
        write_json(output, results)


if __name__ == "__main__":
    main()
