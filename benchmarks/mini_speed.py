"""convbert-mini beside its teacher, beside transformers, and as the lessons write it: one forward pass, one run.

    python benchmarks/mini_speed.py [--output mini_speed.json]

The teacher is the BERT that convbert-mini was made from, under transformers. The same weights run three times: in the
package, in transformers' ConvBERT, and in nano.py, the model that lessons 01 to 05 build. Before anything is timed the
three must agree. Printed are medians, their ratios to the package's, parameters, and FLOPs as torch counts them.
"""

from collections.abc import Callable, Mapping

import click
import torch
import transformers
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from common import compare, machine, print_table, write_json
from convbert_edu import ConvBertModel
from convbert_edu.checkpoints.folder import BUNDLED
from convbert_edu.extras.bert_checkpoint import find_bert
from convbert_edu.nano import ConvBert

NAME = "convbert-mini"
SHAPES = ((8, 128), (2, 512))
PACKAGE, NANO, THEIRS, TEACHER = "convbert_edu", "nano.py", "ConvBERT, transformers", "teacher, transformers"
# Of hidden states, whose entries lie between -10 and 10.
TOLERANCE = 1e-4


def make_models() -> dict[str, nn.Module]:
    """Return the four models in eval mode, by their names in the table."""
    ours = ConvBertModel.from_pretrained(NAME)
    nano = ConvBert(ours.config)
    nano.load_state_dict(ours.state_dict(), strict=True)
    theirs = transformers.ConvBertModel.from_pretrained(BUNDLED / NAME, dtype=torch.float32)
    teacher = transformers.BertModel.from_pretrained(find_bert("minilm"), add_pooling_layer=False)
    models = {PACKAGE: ours, NANO: nano, THEIRS: theirs, TEACHER: teacher}
    return {name: model.eval() for name, model in models.items()}


def make_run(model: nn.Module, ids: Tensor) -> Callable[[], Tensor]:
    """Return a function that runs a model once on `ids` and returns its last hidden states."""

    @torch.no_grad()
    def run() -> Tensor:
        states = model(ids)
        return states if isinstance(states, Tensor) else states.last_hidden_state

    return run


def flops(run: Callable[[], Tensor]) -> int:
    """Return the FLOPs of one call's matrix products and convolutions; a multiplication and an addition are two."""
    counter = FlopCounterMode(display=False)
    # The counter does not see into attention that is computed in one piece on a CPU.
    with sdpa_kernel(SDPBackend.MATH), counter:
        run()
    return counter.get_total_flops()


def measure(
    models: Mapping[str, nn.Module], batch: int, seq: int, repeats: int
) -> dict[str, dict[str, float]]:
    """Return, for one shape of the input, seconds and FLOPs of each model."""
    vocabulary = models[PACKAGE].config.vocab_size
    ids = torch.randint(1000, vocabulary, (batch, seq), generator=torch.Generator().manual_seed(0))
    runs = {name: make_run(model, ids) for name, model in models.items()}
    expected = runs[PACKAGE]()
    for name in (NANO, THEIRS):
        torch.testing.assert_close(runs[name](), expected, atol=TOLERANCE, rtol=0)
    seconds = compare(runs, repeats)
    return {name: seconds[name] | {"flops": flops(run)} for name, run in runs.items()}


@click.command()
@click.option("--repeats", default=7, show_default=True, help="Timed rounds of each shape.")
@click.option("--output", type=click.Path(dir_okay=False), help="Also write the figures to this JSON file.")
def main(repeats: int, output: str | None) -> None:
    """Time all models at each shape and print a table for each."""
    models = make_models()
    facts = machine()
    threads = torch.get_num_threads()
    print(f"{facts['processor']}, torch {facts['torch']}, {threads} threads, float32, medians of {repeats}")
    parameters = {name: sum(each.numel() for each in model.parameters()) for name, model in models.items()}
    for name, count in parameters.items():
        print(f"{name:24}{count:12,} parameters")
    results: dict[str, dict[str, dict[str, float]]] = {}
    for batch, seq in SHAPES:
        found = results[f"{batch} x {seq}"] = measure(models, batch, seq, repeats)
        print_table(f"forward, {batch} x {seq}", found, PACKAGE)
        for name, figures in found.items():
            print(f"{name:24}{figures['flops'] / 1e9:10.1f} GFLOPs")
    if output:
        write_json(output, {"machine": facts, "parameters": parameters, "shapes": results})


if __name__ == "__main__":
    main()
