"""Training: batch -> forward -> loss.backward() -> clip -> step -> schedule (lesson 09 writes this loop).

Read `plain_training_loop` first: it is the whole of training in twenty lines. `Trainer` does the same with what longer
runs need: several micro-batches a step, bfloat16, several processes, a stop where the loss is no number.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from tqdm import tqdm

from convbert_edu.data.batching import EncodedRows, batches_by_length
from convbert_edu.device import autocast, find_device, to_device
from convbert_edu.layers.dropout import set_dropout
from convbert_edu.models.checks import IGNORE_INDEX
from convbert_edu.models.encoder import set_gradient_checkpointing
from convbert_edu.training.distributed import DistributedContext, no_sync
from convbert_edu.training.optimizer import linear_schedule, make_optimizer
from convbert_edu.training.settings import TrainingSettings

Batch = dict[str, Tensor]
# Takes the model and a micro-batch; returns the loss to differentiate, and numbers to be added up over the step, the
# first of them the step's mean loss.
ComputeLoss = Callable[[nn.Module, Any], tuple[Float[Tensor, ""], Float[Tensor, " numbers"]]]


def plain_training_loop(model: nn.Module, examples: EncodedRows, settings: TrainingSettings) -> list[float]:
    """Train `model` in place and return the loss of each step: what `train` comes down to, line by line."""
    model.train()
    optimizer = make_optimizer(model, settings.learning_rate, settings.weight_decay, settings.layer_decay)
    steps = settings.epochs * math.ceil(len(examples) / settings.batch_size)
    schedule = linear_schedule(optimizer, steps, int(settings.warmup_fraction * steps))
    order, losses = torch.Generator().manual_seed(settings.seed), []
    # Of dropout.
    torch.manual_seed(settings.seed)
    for epoch in range(settings.epochs):
        for rows in batches_by_length(examples.lengths, settings.batch_size, order):
            batch = examples.batch(rows, epoch=epoch)
            loss = model(**batch).loss
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), settings.max_grad_norm)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            losses.append(loss.item())
    model.eval()
    return losses


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
    trainer = SupervisedTrainer(model.to(device or find_device()), examples, settings)
    torch.manual_seed(settings.seed)
    history = History()
    with tqdm(total=trainer.steps, desc="training", unit="step") as progress:
        for epoch, rows in trainer.batches():
            history.losses.append(trainer.training_step(epoch, rows))
            progress.set_postfix(loss=f"{history.losses[-1]:.3f}", refresh=False)
            progress.update()
    model.eval()
    return history


class Trainer:
    """A model with its optimiser and schedule, and the one way in which its weights are updated.

    Several processes share the micro-batches of a step; each has a copy of the model, and all copies stay alike.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        schedule: LRScheduler,
        max_grad_norm: float,
        precision: str,
        distributed: DistributedContext,
    ) -> None:
        self.model, self.optimizer, self.schedule = model, optimizer, schedule
        self.max_grad_norm, self.precision, self.distributed = max_grad_norm, precision, distributed
        self.device = next(model.parameters()).device
        self.parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.wrapped = distributed.wrap(model)
        # Steps taken so far, in this session and in those before it.
        self.global_step = 0

    def update_weights(self, micro_batches: Sequence[Any], compute_loss: ComputeLoss) -> list[float]:
        """Take one step with this process's micro-batches; return the numbers of `compute_loss`, added up over all.

        The gradients of the micro-batches add up, and those of the processes are averaged.
        Raises ArithmeticError, before the weights are touched, where loss or gradient is no finite number.
        """
        self.model.train()
        totals: Tensor | float = 0.0
        for number, micro_batch in enumerate(micro_batches):
            # Processes exchange gradients once a step, after the last micro-batch.
            with no_sync(self.wrapped, wanted=number < len(micro_batches) - 1):
                with autocast(self.precision, self.device):
                    loss, numbers = compute_loss(self.wrapped, micro_batch)
                loss.backward()
            totals = totals + numbers.detach()
        grad_norm = nn.utils.clip_grad_norm_(self.parameters, self.max_grad_norm).item()
        sums = self.distributed.all_reduce(totals.tolist(), self.device)
        if not (math.isfinite(sums[0]) and math.isfinite(grad_norm)):
            raise ArithmeticError(
                f"the loss is {sums[0]} at step {self.global_step + 1} (gradient norm: {grad_norm}); the weights are "
                f"those before it. Try a lower learning_rate than {self.optimizer.defaults['lr']}, or look for broken "
                "examples"
            )
        self.optimizer.step()
        self.schedule.step()
        self.optimizer.zero_grad()
        self.global_step += 1
        return sums

    def state_dict(self) -> dict[str, Any]:
        """Return all that is needed to go on: weights, optimiser, schedule, and how many steps were taken."""
        states = {name: getattr(self, name).state_dict() for name in ("model", "optimizer", "schedule")}
        return {**states, "global_step": self.global_step}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Put back what `state_dict` returned."""
        for name in ("model", "optimizer", "schedule"):
            getattr(self, name).load_state_dict(state[name])
        self.global_step = state["global_step"]


class SupervisedTrainer(Trainer):
    """A trainer for examples with targets: which rows each step takes, and the mean loss over their targets.

    Raises ValueError where there are no examples, or where they have no targets.
    """

    def __init__(
        self,
        model: nn.Module,
        examples: EncodedRows,
        settings: TrainingSettings,
        distributed: DistributedContext | None = None,
    ) -> None:
        distributed = distributed or DistributedContext()
        self.examples, self.settings = examples, settings
        if len(examples) == 0:
            raise ValueError("there are no examples to learn from; give at least one")
        set_gradient_checkpointing(model, settings.gradient_checkpointing)
        if settings.dropout is not None:
            set_dropout(model, settings.dropout)
        self.step_size = settings.batch_size * settings.gradient_accumulation_steps * distributed.world_size
        self.steps_per_epoch = math.ceil(len(examples) / self.step_size)
        self.steps = settings.epochs * self.steps_per_epoch
        optimizer = make_optimizer(model, settings.learning_rate, settings.weight_decay, settings.layer_decay)
        schedule = linear_schedule(optimizer, self.steps, int(settings.warmup_fraction * self.steps))
        super().__init__(model, optimizer, schedule, settings.max_grad_norm, settings.precision, distributed)

    def batches(self) -> Iterator[tuple[int, list[int]]]:
        """Yield (epoch, rows) for each step of the run; it follows from the seed and the lengths alone."""
        order = torch.Generator().manual_seed(self.settings.seed)
        for epoch in range(self.settings.epochs):
            for rows in batches_by_length(self.examples.lengths, self.step_size, order):
                yield epoch, rows

    def training_step(self, epoch: int, rows: list[int]) -> float:
        """Update the weights with some rows and return their mean loss; see `update_weights` for what it raises."""
        micro_batches = self._micro_batches(epoch, rows)
        targets = float(sum(weight for weight, _ in micro_batches))
        (total,) = self.distributed.all_reduce([targets], self.device)

        def compute_loss(model: nn.Module, micro_batch: tuple[int, Batch]) -> tuple[Tensor, Tensor]:
            weight, batch = micro_batch
            share = model(**batch).loss * (weight / total)
            # Gradients are averaged over processes where a sum is wanted; hence times their number.
            return share * self.distributed.world_size, share.detach().reshape(1)

        return self.update_weights(micro_batches, compute_loss)[0]

    def _micro_batches(self, epoch: int, rows: list[int]) -> list[tuple[int, Batch]]:
        """Return this process's share of the rows of a step: micro-batches, each with its number of targets."""
        count, size = self.settings.gradient_accumulation_steps, self.settings.batch_size
        # The width is that of all rows of the step: padding reaches the convolutions.
        width = max(self.examples.lengths[row] for row in rows)
        micro_batches = []
        for number in range(self.distributed.rank * count, (self.distributed.rank + 1) * count):
            share = rows[number * size : (number + 1) * size]
            # At the end of an epoch there may be no rows left: any row, with weight 0, keeps the processes in step.
            batch = self.examples.batch(share or rows[:1], width, epoch)
            # Counted on the CPU: a GPU would make us wait for the number.
            count_here = count_targets(batch) if share else 0
            micro_batches.append((count_here, to_device(batch, self.device)))
        return micro_batches


def count_targets(batch: Batch) -> int:
    """Return how many targets the loss of a batch is the mean of: rows, or those tokens that have a label."""
    targets = batch.get("labels", batch.get("start_positions"))
    if targets is None:
        raise ValueError(
            f"a batch has {', '.join(batch)}, but neither labels nor start_positions: there is nothing to learn; "
            "encode the examples with their targets (data/batching.py lists the kinds)"
        )
    return len(targets) if targets.is_floating_point() else int((targets != IGNORE_INDEX).sum())
