"""A pretraining run: steps with a log, checkpoints, measurements, and a way back after any interruption."""

import json
import math
import os
import time
from pathlib import Path
from typing import Any

import torch
from torch import nn
from tqdm import tqdm

from convbert_edu.device import autocast, find_device
from convbert_edu.files import atomic_write
from convbert_edu.pretraining.batches import PretrainingBatches
from convbert_edu.pretraining.evaluation import evaluate_game
from convbert_edu.pretraining.masking import Masking
from convbert_edu.pretraining.settings import FREE_TO_CHANGE, PretrainSettings
from convbert_edu.pretraining.setup import Game, make_game, save_models
from convbert_edu.pretraining.token_file import TokenFile
from convbert_edu.tokenizer import ConvBertTokenizer
from convbert_edu.training.distributed import Processes, join_processes, without_exchange
from convbert_edu.training.optimizer import linear_schedule, make_optimizer
from convbert_edu.training.random_numbers import random_bits
from convbert_edu.training.run_checkpoint import check_same_run, load_state, save_state
from convbert_edu.training.run_folder import RunFolder, StopRequest, Sums


def pretrain(
    settings: PretrainSettings,
    token_file: TokenFile,
    tokenizer: ConvBertTokenizer,
    output_folder: str | os.PathLike,
    resume: bool = False,
    device: torch.device | None = None,
    held_out: TokenFile | None = None,
) -> dict[str, Any]:
    """Pretrain as `settings` say and return the record of the run, which `output_folder` holds as record.json.

    At the end the folder holds `generator` and `discriminator`, ready for from_pretrained; on the way log.jsonl and
    checkpoints. With `resume` a run that was killed or stopped goes on from its newest checkpoint.
    Raises FileExistsError where the folder holds a run already or another one is writing to it, FileNotFoundError
    where there is none to resume, ValueError for text, vocabulary or settings that do not fit, ArithmeticError when
    the loss is no number, OSError when a checkpoint cannot be written, KeyboardInterrupt after Ctrl-C, once all is
    saved.
    """
    device = device or find_device()
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    for file in (token_file, held_out):
        if file is not None:
            file.check_vocabulary(tokenizer)
    with join_processes(device) as processes, StopRequest() as stop:
        folder = RunFolder(output_folder)
        run = PretrainingRun(settings, token_file, tokenizer, folder, device, held_out, processes)
        folder.starting_point(resume)
        with folder.claim(processes):
            run.begin(resume)
            with folder.explained_endings():
                run.go(stop)
                return run.finish()


class PretrainingRun:
    """A run in its folder, and how far it is."""

    def __init__(
        self,
        settings: PretrainSettings,
        token_file: TokenFile,
        tokenizer: ConvBertTokenizer,
        folder: RunFolder,
        device: torch.device,
        held_out: TokenFile | None,
        processes: Processes,
    ) -> None:
        self.settings, self.token_file, self.tokenizer = settings, token_file, tokenizer
        self.held_out, self.processes, self.device = held_out, processes, device
        self.folder, self.log = folder, folder.log
        self.masking = Masking(
            tokenizer, settings.mask_probability, settings.mask_share, settings.whole_word_masking
        )
        self.step_size = settings.batch_size * settings.accumulation * processes.count
        batches = PretrainingBatches(
            token_file, self.masking, self.step_size, settings.max_length, settings.seed
        )
        torch.manual_seed(settings.seed)  # for the first weights
        self.game = make_game(settings, tokenizer, batches.longest).to(device)
        self.steps = PretrainingSteps(settings, self.game, batches, processes)
        self.step = 0  # steps taken, in this session and those before
        self.last_step = min(settings.steps, settings.stop_after or settings.steps)
        self.whole, self.window = Sums(), Sums()  # what was seen in all, and since the last line of the log

    def begin(self, resume: bool) -> None:
        """Start at step 0, or go on from the newest checkpoint."""
        newest = self.folder.starting_point(resume)
        if self.processes.first:
            self.token_file.check()
        self.processes.wait(self.device)  # all have looked for checkpoints before one is written
        if newest is not None:
            self._restore(newest)
        elif self.processes.first:
            self._save()  # from here on there is always something to go back to

    def go(self, stop: StopRequest) -> None:
        """Take the steps that are left; raise KeyboardInterrupt, with all saved, where a stop is asked for."""
        settings, first, saved_at = self.settings, self.processes.first, time.monotonic()
        bar: dict[str, Any] = {} if first else {"disable": True}
        with tqdm(
            total=self.last_step, initial=self.step, desc="pretraining", unit="step", **bar
        ) as progress:
            while self.step < self.last_step:
                seen = self.steps.take(self.step)
                self.step += 1
                self.whole.add(seen)
                self.window.add(seen)
                (stopped,) = self.processes.sum([float(stop.asked)], self.device)
                if first:
                    means = self.window.means()
                    progress.set_postfix_str(
                        f"loss {means['loss']:.3f}, {means['tokens_per_second']:,.0f} tokens/s", refresh=False
                    )
                    progress.update()
                    self._report()
                    if stopped or time.monotonic() - saved_at > 60 * settings.checkpoint_minutes:
                        self._save()
                        saved_at = time.monotonic()
                if stopped:
                    self.processes.wait(self.device)  # all is saved
                    raise KeyboardInterrupt

    def finish(self) -> dict[str, Any]:
        """Measure once more, save models and record, and return the record."""
        record = {
            "settings": self.settings.to_dict(),
            **self._text(),
            "processes": self.processes.count,
            "steps": self.step,
            "tokens": int(self.whole.tokens),
            "seconds": round(self.whole.seconds, 1),
            "epochs": round(self.step * self.step_size / len(self.token_file), 3),
            "torch": torch.__version__,
        }
        if self.processes.first:
            self._save()
            record["last_steps"] = self.log.lines()[-1]
            record["held_out"] = self._measure()
            save_models(self.game, self.tokenizer, self.folder.path)
            with atomic_write(self.folder.record, "w") as file:
                file.write(json.dumps(record, indent=2) + "\n")
        return record

    def _report(self) -> None:
        """Write a line of the log, and one of measurements, when it is time for them."""
        if self.step % self.settings.log_every == 0 or self.step == self.last_step:
            rate = self.steps.schedule.get_last_lr()[0]
            self.log.add(
                step=self.step, tokens=int(self.whole.tokens), learning_rate=rate, **self.window.means()
            )
            self.window = Sums()
        every = self.settings.evaluate_every
        if every and self.step % every == 0 and self.step < self.last_step:
            results = self._measure()
            if results:
                self.log.add(step=self.step, held_out=results)

    def _measure(self) -> dict[str, float] | None:
        if self.held_out is None:
            return None
        settings = self.settings
        return evaluate_game(
            self.game, self.held_out, self.masking, autocast(settings.precision, self.device),
            settings.batch_size, settings.max_length, settings.evaluate_sequences,
        )  # fmt: skip

    def _text(self) -> dict[str, str]:
        """Fingerprints of text and vocabulary."""
        return {name: self.token_file.index[name] for name in ("tokens_sha256", "vocabulary_sha256")}

    def _identity(self) -> dict[str, Any]:
        """All that must not change when a run goes on."""
        settings = self.settings.to_dict()
        kept = {name: value for name, value in settings.items() if name not in FREE_TO_CHANGE}
        return {**kept, **self._text(), "processes": self.processes.count}

    def _state(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "identity": self._identity(),
            "whole": self.whole.to_dict(),
            "window": self.window.to_dict(),
            **self.steps.state_dict(),
        }

    def _save(self) -> None:
        save_state(self.folder.checkpoints, self.step, self._state())

    def _restore(self, path: Path) -> None:
        state = load_state(path, self.device)
        check_same_run(path, state["identity"], self._identity())
        self.steps.load_state_dict(state)
        self.step = state["step"]
        self.whole, self.window = Sums(**state["whole"]), Sums(**state["window"])
        if self.processes.first:
            self.log.rewind(self.step)


# One step of pretraining: batches -> losses -> gradients -> new weights.
#
# What step t does follows from (seed, t) alone: the sequences, the hidden words, the guesses, the dropout. So weights,
# optimiser and t are all that is needed to go on exactly after an interruption.


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
