"""How long a step of each variant of paper_in_miniature.py takes, timed in turns on one thread of a quiet machine.

    python benchmarks/paper_step_times.py [--output benchmarks/paper_in_miniature/step_times.json]

A step of masked language modelling on made-up tokens, none of them padding: forward, backward, clipping, AdamW.
"""

import click
import torch

from common import NO_DROPOUT, compare, machine, print_table, write_json
from convbert_edu import ConvBertForMaskedLM
from convbert_edu.device import find_device
from convbert_edu.pretraining.objectives import MaskedLMObjective
from paper_variants import VARIANTS, config_of
from pretraining_step import BATCH, LENGTH, made_up_batch, make_step


@click.command()
@click.option("--repeats", default=9, show_default=True, help="Timed rounds.")
@click.option("--output", type=click.Path(dir_okay=False), help="Also write the figures to this JSON file.")
def main(repeats: int, output: str | None) -> None:
    """Time all variants and print a table."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    device = find_device()
    batch = made_up_batch(config_of("span").vocab_size, device)
    batch["token_type_ids"] = torch.zeros_like(batch["input_ids"])
    batch["uniform_samples"] = torch.rand(len(batch["masked_positions"]), device=device)
    steps = {}
    for name in VARIANTS:
        objective = MaskedLMObjective(ConvBertForMaskedLM(config_of(name, **NO_DROPOUT)))
        steps[name] = make_step(objective, lambda each=objective: each(**batch).loss, "auto", device)
    found = compare(steps, repeats)
    print_table(f"a step of {BATCH} x {LENGTH} tokens", found, baseline="span")
    if output:
        write_json(output, {"machine": machine(), "tokens": [BATCH, LENGTH], "seconds": found})


if __name__ == "__main__":
    main()
