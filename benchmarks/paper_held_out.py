"""Both losses of a pretrained pair on held-out text, sequence by sequence, for paper_in_miniature.py.

One sequence at a time, so that no padding comes into the windows. Masked and sampled tokens are the same for every
model, so that models can be compared sequence by sequence.
"""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from convbert_edu import ConvBertForMaskedLM, ConvBertForPreTraining
from convbert_edu.pretraining.batches import held_out_batches
from convbert_edu.pretraining.corpus import PretrainingCorpus
from convbert_edu.pretraining.evaluation import always_original, detection_metrics
from convbert_edu.pretraining.masking import Masking
from convbert_edu.pretraining.objectives import MaskedLMObjective, ReplacedTokenObjective

# The scores of the discriminator are kept beside the sums: how well it ranks cannot be told from sums.
RANKING = "ranking"
Numbers = dict[str, list[float] | dict[str, float]]


@torch.no_grad()
def by_sequence(
    corpus: Path, masked_lm: Path, discriminator: Path, generator: str | Path, sequences: int
) -> Numbers:
    """Return, for each of `sequences` held-out sequences, sums of the losses and what they are sums over.

    masked_lm: the model that predicts masked tokens
    discriminator, generator: the one that detects what the other has put in
    """
    opened = PretrainingCorpus.open(corpus)
    masking = Masking(opened.tokenizer)

    def batches() -> Iterator[dict[str, Tensor]]:
        return held_out_batches(opened.held_out, masking, 1, None, sequences)

    found: dict[str, list[float]] = {
        name: [] for name in ("masked", "masked_lm_loss", "num_correct", "maskable", "detection_loss")
    }
    predicting = MaskedLMObjective(ConvBertForMaskedLM.from_pretrained(masked_lm)).eval()
    for batch in batches():
        output = predicting(**batch)
        found["masked"].append(len(batch["masked_positions"]))
        found["masked_lm_loss"].append(round(output.masked_lm_loss.item(), 3))
        found["num_correct"].append(output.num_correct.item())
    detecting = ReplacedTokenObjective(
        ConvBertForMaskedLM.from_pretrained(generator),
        ConvBertForPreTraining.from_pretrained(discriminator),
        freeze_generator=True,
    ).eval()
    scores, replaced = [], []
    for batch in batches():
        output = detecting(**batch)
        found["maskable"].append(int(batch["maskable"].sum()))
        found["detection_loss"].append(round(output.detection_loss.item(), 3))
        scores.append(output.scores[batch["maskable"]].numpy())
        replaced.append(output.replaced[batch["maskable"]].numpy())
    return {**found, RANKING: detection_metrics(np.concatenate(scores), np.concatenate(replaced))}


def summary(found: Mapping[str, list[float] | dict[str, float]]) -> dict[str, float]:
    """Return the mean losses per token, and beside them what a constant prediction would reach."""
    totals = {name: sum(numbers) for name, numbers in found.items() if name != RANKING}
    loss = totals["masked_lm_loss"] / totals["masked"]
    share = found[RANKING]["replaced_share"]
    numbers = {
        "masked_lm_loss": loss,
        "masked_lm_perplexity": math.exp(min(loss, 100)),
        "masked_lm_accuracy": totals["num_correct"] / totals["masked"],
        "detection_loss": totals["detection_loss"] / totals["maskable"],
        **found[RANKING],
        "always_original_loss": always_original(share)["always_original_loss"],
        "sequences": len(found["masked"]),
    }
    return {name: round(value, 5) for name, value in numbers.items()}
