"""A step of replaced-token detection beside the same step built from transformers' modules.

Same sizes, same batch, same loss (MLM + 50 x RTD), same AdamW, shared embeddings, one run. transformers has no class
for the discriminator, so its encoder gets the authors' head. Twice: with its masked-LM model as it stands, which
scores the vocabulary at every token, and with the same modules used sparingly, at the masked tokens only.
Prints how many times as many tokens per second ours trains.
"""

from collections.abc import Callable

import click
import torch
import transformers
from torch import Tensor, nn
from torch.nn import functional as F

from common import compare, print_table, write_json
from convbert_edu import ConvBertConfig, ConvBertForMaskedLM, ConvBertForPreTraining
from convbert_edu.device import autocast, find_device
from convbert_edu.pretraining.objectives import ReplacedTokenObjective, generator_config
from convbert_edu.training.optimizer import make_optimizer

BATCH, LENGTH, MASKED_SHARE, RTD_WEIGHT = 32, 128, 0.15, 50.0
PRESETS = {"tiny": ConvBertConfig.tiny, "small": ConvBertConfig.small}


class TheirObjective(nn.Module):
    """Generator and discriminator made of transformers' modules, with the same objective."""

    def __init__(self, config: ConvBertConfig, sparing: bool) -> None:
        super().__init__()
        self.config, self.sparing = config, sparing
        narrow, wide = (their_config(each) for each in (generator_config(config), config))
        self.generator = transformers.ConvBertForMaskedLM(narrow)
        self.discriminator = transformers.ConvBertModel(wide)
        self.head = nn.Sequential(
            nn.Linear(wide.hidden_size, wide.hidden_size), nn.GELU(), nn.Linear(wide.hidden_size, 1)
        )
        ours, theirs = self.generator.convbert.embeddings, self.discriminator.embeddings
        for name in ("word_embeddings", "position_embeddings", "token_type_embeddings", "LayerNorm"):
            setattr(ours, name, getattr(theirs, name))
        self.generator.generator_lm_head.weight = theirs.word_embeddings.weight

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        original_ids: Tensor,
        masked_positions: Tensor,
        maskable: Tensor,
    ) -> Tensor:
        """Return the loss of one round."""
        targets = original_ids.flatten()[masked_positions]
        if self.sparing:
            vectors = self.generator.convbert(input_ids, attention_mask).last_hidden_state
            vectors_there = self.generator.generator_predictions(vectors.flatten(0, 1)[masked_positions])
            logits = self.generator.generator_lm_head(vectors_there)
        else:
            logits = self.generator(input_ids, attention_mask).logits.flatten(0, 1)[masked_positions]
        logits = logits.float()
        sampled = torch.multinomial(torch.softmax(logits.detach(), dim=-1), 1).squeeze(1)
        corrupted_ids = original_ids.flatten().scatter(0, masked_positions, sampled).view_as(original_ids)
        scores = self.head(self.discriminator(corrupted_ids, attention_mask).last_hidden_state).squeeze(-1)
        replaced = (corrupted_ids != original_ids).float()
        each = F.binary_cross_entropy_with_logits(scores.float(), replaced, reduction="none")
        return F.cross_entropy(logits, targets) + RTD_WEIGHT * (each * maskable).sum() / maskable.sum()


def their_config(config: ConvBertConfig) -> transformers.ConvBertConfig:
    """Return transformers' configuration of the same model."""
    return transformers.ConvBertConfig(**config.to_dict())


def made_up_batch(vocab_size: int, device: torch.device) -> dict[str, Tensor]:
    """Random tokens, a share of them masked; nothing is padded, so that neither side gains by leaving padding out."""
    original = torch.randint(5, vocab_size, (BATCH, LENGTH), device=device)
    masked_positions = torch.randperm(BATCH * LENGTH, device=device)[
        : int(MASKED_SHARE * BATCH * LENGTH)
    ].sort()
    masked = original.flatten().scatter(0, masked_positions.values, 4).view_as(original)
    return {
        "input_ids": masked,
        "attention_mask": torch.ones_like(original),
        "original_ids": original,
        "masked_positions": masked_positions.values,
        "maskable": torch.ones_like(original, dtype=torch.bool),
    }


def make_step(
    objective: nn.Module, loss: Callable[[], Tensor], precision: str, device: torch.device
) -> Callable:
    """Return a function that takes one step of training."""
    optimizer = make_optimizer(objective.to(device).train(), learning_rate=5e-4)
    parameters = list(objective.parameters())

    def step() -> None:
        with autocast(precision, device):
            value = loss()
        value.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()

    return step


@click.command()
@click.option("--repeats", default=9, help="Timed rounds.")
@click.option("--output", type=click.Path(dir_okay=False), help="Also write the figures to this JSON file.")
def main(repeats: int, output: str | None) -> None:
    """Time all three on both presets, in float32 and in bfloat16."""
    torch.manual_seed(0)
    device = find_device()
    results = {}
    for preset, make_config in PRESETS.items():
        config = make_config(pad_token_id=0)
        batch = made_up_batch(config.vocab_size, device)
        narrow = generator_config(config)
        ours = ReplacedTokenObjective(ConvBertForMaskedLM(narrow), ConvBertForPreTraining(config), RTD_WEIGHT)
        more = {
            "token_type_ids": torch.zeros_like(batch["input_ids"]),
            "uniform_samples": torch.rand(len(batch["masked_positions"]), device=device),
        }
        plain, sparing = TheirObjective(config, sparing=False), TheirObjective(config, sparing=True)
        for precision in ("float32", "bfloat16"):
            title = f"{preset}, {precision}, {BATCH} x {LENGTH} tokens"
            results[title] = compare(
                {
                    "transformers": make_step(plain, lambda: plain(**batch), precision, device),  # noqa: B023
                    "transformers, sparing": make_step(sparing, lambda: sparing(**batch), precision, device),  # noqa: B023
                    "convbert_edu": make_step(ours, lambda: ours(**batch, **more).loss, precision, device),  # noqa: B023
                },
                repeats,
            )
            print_table(title, results[title], baseline="transformers")
            times = {name: result["median"] for name, result in results[title].items()}
            for name in ("transformers", "transformers, sparing"):
                print(f"throughput: {times[name] / times['convbert_edu']:.2f} x {name}")
    if output:
        write_json(output, results)


if __name__ == "__main__":
    main()
