"""The training loop: batch -> loss -> gradient -> step, and the loop's mirror image, prediction."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from convbert_edu.data.batching import EncodedRows, batches_by_length
from convbert_edu.device import autocast, find_device
from convbert_edu.layers.dropout import set_dropout
from convbert_edu.models.checks import IGNORE_INDEX
from convbert_edu.models.encoder import recompute_layers
from convbert_edu.training.distributed import Processes, without_exchange
from convbert_edu.training.optimizer import linear_schedule, make_optimizer
from convbert_edu.training.settings import TrainingSettings


@dataclass
class History:
    """What happened: the loss of every step."""

    losses: list[float] = field(default_factory=list)


def train(
    model: nn.Module,
    examples: EncodedRows,
    settings: TrainingSettings | None = None,
    device: torch.device | None = None,
) -> History:
    """Train `model` in place on `examples` and return the losses; the model ends in eval mode on `device`.

    Seeds PyTorch's random numbers with `settings.seed`, so that a run on one machine can be repeated.
    Raises ArithmeticError, naming the step, when the loss is no longer a number.
    """
    settings = settings or TrainingSettings()
    learning = Learning(model.to(device or find_device()), examples, settings)
    torch.manual_seed(settings.seed)
    history = History()
    with tqdm(total=learning.steps, desc="training", unit="step") as progress:
        for epoch, rows in learning.plan():
            history.losses.append(learning.take_step(epoch, rows))
            progress.set_postfix(loss=f"{history.losses[-1]:.3f}", refresh=False)
            progress.update()
    model.eval()
    return history


class Learning:
    """A model that learns from examples: which rows each step takes, and what it does with them.

    Several processes share the rows of a step; each has a copy of the model, and all copies stay alike.
    """

    def __init__(
        self,
        model: nn.Module,
        examples: EncodedRows,
        settings: TrainingSettings,
        processes: Processes | None = None,
    ) -> None:
        self.examples, self.settings, self.processes = examples, settings, processes or Processes()
        self.device = next(model.parameters()).device
        recompute_layers(model, settings.recompute_layers)
        if settings.dropout is not None:
            set_dropout(model, settings.dropout)
        self.model, self.wrapped = model, self.processes.wrap(model)
        self.step_size = settings.batch_size * settings.accumulation * self.processes.count
        self.steps_per_epoch = math.ceil(len(examples) / self.step_size)
        self.steps = settings.epochs * self.steps_per_epoch
        self.optimizer = make_optimizer(
            model, settings.learning_rate, settings.weight_decay, settings.layer_decay
        )
        warmup = int(settings.warmup_fraction * self.steps)
        self.schedule = linear_schedule(self.optimizer, self.steps, warmup)
        self.taken = 0

    def plan(self) -> Iterator[tuple[int, list[int]]]:
        """Yield (epoch, rows) for each step of the run; it follows from the seed and the lengths alone."""
        order = torch.Generator().manual_seed(self.settings.seed)
        for epoch in range(self.settings.epochs):
            for rows in batches_by_length(self.examples.lengths, self.step_size, order):
                yield epoch, rows

    def take_step(self, epoch: int, rows: list[int]) -> float:
        """Update the weights with some rows and return their mean loss.

        Raises ArithmeticError, before the weights are touched, where loss or gradient is no finite number.
        """
        self.model.train()
        batches = self._batches(epoch, rows)
        total = self._sum(float(sum(weight for weight, _ in batches)))
        loss_sum = 0.0
        for number, (weight, batch) in enumerate(batches):
            with without_exchange(self.wrapped, wanted=number < len(batches) - 1):
                with autocast(self.settings.precision, self.device):
                    loss = self.wrapped(**batch).loss
                # Gradients are averaged over processes where a sum is wanted; hence times their number.
                (loss * (weight * self.processes.count / total)).backward()
            loss_sum += loss.item() * weight / total
        mean_loss = self._sum(loss_sum)
        length = nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.clip).item()
        if not (math.isfinite(mean_loss) and math.isfinite(length)):
            raise ArithmeticError(
                f"the loss is {mean_loss} at step {self.taken + 1} (length of its gradient: {length}); the weights are "
                f"those before it. Try a learning_rate below {self.settings.learning_rate}, or look for broken examples"
            )
        self.optimizer.step()
        self.schedule.step()
        self.optimizer.zero_grad()
        self.taken += 1
        return mean_loss

    def state_dict(self) -> dict[str, Any]:
        """Return all that is needed to go on: weights, optimiser, schedule, and how many steps were taken."""
        parts = {name: getattr(self, name).state_dict() for name in ("model", "optimizer", "schedule")}
        return {**parts, "taken": self.taken}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Put back what `state_dict` returned."""
        for name in ("model", "optimizer", "schedule"):
            getattr(self, name).load_state_dict(state[name])
        self.taken = state["taken"]

    def _batches(self, epoch: int, rows: list[int]) -> list[tuple[int, dict[str, Tensor]]]:
        """Return this process's share of the rows of a step: one batch for each pass, with its weight."""
        passes, size = self.settings.accumulation, self.settings.batch_size
        width = max(self.examples.lengths[row] for row in rows)  # of all: padding reaches the convolutions
        batches = []
        for part in range(self.processes.rank * passes, (self.processes.rank + 1) * passes):
            share = rows[part * size : (part + 1) * size]
            # At the end of an epoch there may be no rows left: any row, with weight 0, keeps the processes in step.
            batch = self.examples.batch(share or rows[:1], width, epoch)
            batch = {name: tensor.to(self.device) for name, tensor in batch.items()}
            batches.append((count_targets(batch) if share else 0, batch))
        return batches

    def _sum(self, number: float) -> float:
        return self.processes.sum([number], self.device)[0]


def count_targets(batch: dict[str, Tensor]) -> int:
    """Return how many targets the loss of a batch is the mean of: rows, or those tokens that have a label."""
    targets = batch["labels"] if "labels" in batch else batch["start_positions"]
    return len(targets) if targets.is_floating_point() else int((targets != IGNORE_INDEX).sum())
