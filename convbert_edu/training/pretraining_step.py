"""One step of pretraining: batches -> losses -> gradients -> new weights.

What step t does follows from (seed, t) alone: the sequences, the hidden words, the guesses, the dropout. So weights,
optimiser and t are all that is needed to go on exactly after an interruption.
"""

import math
import time
from typing import Any

import torch
from torch import nn

from convbert_edu.data.pretraining.batches import PretrainingBatches
from convbert_edu.data.pretraining.counter_random import random_bits
from convbert_edu.device import autocast
from convbert_edu.training.distributed import Processes, without_exchange
from convbert_edu.training.optimizer import linear_schedule, make_optimizer
from convbert_edu.training.pretrain_models import Game
from convbert_edu.training.pretrain_settings import PretrainSettings
from convbert_edu.training.run_log import Sums

DROPOUT = 3  # a stream of random numbers of its own, beside those of data/pretraining/batches.py


class PretrainingSteps:
    """The game, its optimiser and its batches, shared by `processes`."""

    def __init__(
        self, settings: PretrainSettings, game: Game, batches: PretrainingBatches, processes: Processes
    ) -> None:
        self.settings, self.game, self.batches, self.processes = settings, game, batches, processes
        self.device = next(game.parameters()).device
        self.model = processes.wrap(game.train())
        self.parameters = [parameter for parameter in game.parameters() if parameter.requires_grad]
        self.optimizer = make_optimizer(
            game, settings.learning_rate, settings.weight_decay, betas=(settings.beta1, settings.beta2)
        )
        self.schedule = linear_schedule(self.optimizer, settings.steps, settings.warmup_steps)

    def take(self, step: int) -> Sums:
        """Update the weights with the batches of `step` and return what was seen, summed over all processes.

        Raises ArithmeticError, before the weights are touched, where loss or gradient is no finite number.
        """
        began, settings, count = time.monotonic(), self.settings, self.processes.count
        passes, parts = settings.accumulation, settings.accumulation * count
        first = self.processes.rank * passes
        batches = [self.batches.load(step, first + number, parts) for number in range(passes)]
        torch.manual_seed(int(random_bits(settings.seed, DROPOUT, step, self.processes.rank)[0] >> 1))

        # Every hidden word of the step weighs the same, in whatever pass and process it stands.
        totals = [sum(int(batch[name].sum()) for batch in batches) for name in ("is_word", "attention_mask")]
        totals.append(sum(len(batch["hidden_places"]) for batch in batches))
        words, tokens, hidden = self.processes.sum([float(total) for total in totals], self.device)
        seen = Sums(words=words, tokens=tokens, hidden=hidden, steps=1.0)

        numbers = torch.zeros(5, device=self.device)
        for number, batch in enumerate(batches):
            with without_exchange(self.model, wanted=number < passes - 1):
                with autocast(settings.precision, self.device):
                    # Gradients are averaged over processes where a sum is wanted; hence the division.
                    output = self.model(
                        **{name: tensor.to(self.device) for name, tensor in batch.items()},
                        hidden_total=hidden / count,
                        word_total=words / count,
                    )
                output.loss.backward()
            numbers += output.sums()
        norm = nn.utils.clip_grad_norm_(self.parameters, settings.clip)
        sums = self.processes.sum(numbers.tolist(), self.device)
        seen.loss, seen.masked_lm_loss, seen.guessed_right, seen.sentence_loss, seen.detection_loss = sums
        seen.loss /= count

        if not (math.isfinite(seen.loss) and math.isfinite(norm)):
            raise ArithmeticError(
                f"the loss is {seen.loss} and the gradient's length {norm.item()} at step {step + 1}"
            )
        self.optimizer.step()
        self.schedule.step()
        self.optimizer.zero_grad()
        seen.seconds = time.monotonic() - began
        return seen

    def state_dict(self) -> dict[str, Any]:
        """Return weights, optimiser and schedule."""
        return {
            "game": self.game.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Put back what `state_dict` returned."""
        self.game.load_state_dict(state["game"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
