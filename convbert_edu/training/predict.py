"""Prediction: every row once, in batches of similar length, by one process or several (lessons 09 to 13)."""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from convbert_edu.data.batching import EncodedRows, EncodedTexts, batches_by_length
from convbert_edu.device import autocast, find_device, to_device
from convbert_edu.training.distributed import DistributedContext

# What a model would compute a loss from.
TARGETS = ("labels", "start_positions", "end_positions")


@torch.inference_mode()
def predict(
    model: nn.Module,
    examples: EncodedRows,
    postprocess: Callable[[Any, dict[str, Tensor]], list[Any]],
    batch_size: int = 64,
    precision: str = "float32",
    distributed: DistributedContext | None = None,
) -> list[Any]:
    """Run `model` on all rows and return, in their order, what `postprocess` makes of each; it ends in eval mode.

    postprocess: takes the output and its batch (with the labels), both on the CPU; returns one result for each row
    Several processes take the batches in turn, and each gets all results: a row is read, and counts, once.
    Raises ValueError for a batch_size below 1.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; it must be at least 1")
    distributed = distributed or DistributedContext()
    model.eval()
    device = next(model.parameters()).device
    mine: dict[int, Any] = {}
    for number, rows in enumerate(batches_by_length(examples.lengths, batch_size)):
        if number % distributed.world_size == distributed.rank:
            batch = examples.batch(rows)
            inputs = to_device({name: each for name, each in batch.items() if name not in TARGETS}, device)
            with autocast(precision, device):
                output = model(**inputs)
            mine.update(zip(rows, postprocess(_on_cpu(output), batch), strict=True))
    found = {row: result for of_process in distributed.gather(mine) for row, result in of_process.items()}
    return [found[row] for row in range(len(examples))]


def predict_logits(
    model: nn.Module, examples: EncodedTexts, batch_size: int = 64, device: torch.device | None = None
) -> Float[Tensor, "examples labels"]:
    """Return the model's scores for every example, in the order of the examples, on the CPU."""
    model.to(device or find_device())
    return torch.stack(predict(model, examples, lambda output, batch: list(output.logits), batch_size))


def accuracy(model: nn.Module, examples: EncodedTexts) -> float:
    """Return the share of examples whose label has the highest score."""
    from sklearn.metrics import accuracy_score

    return float(
        accuracy_score(examples.labels.numpy(), predict_logits(model, examples).argmax(dim=-1).numpy())
    )


def _on_cpu(output: Any) -> Any:
    """Return a model's output with its scores on the CPU, in float32."""
    scores = {name: value for name, value in vars(output).items() if isinstance(value, Tensor)}
    return type(output)(**{name: value.float().cpu() for name, value in scores.items()})
