"""Parts of stage (c) about the training step itself: where it waits, changing lengths, the step of pretraining."""

from collections import Counter
from typing import Any

import torch

from convbert_edu import ConvBertConfig, ConvBertForMaskedLM, ConvBertForPreTraining
from convbert_edu import ConvBertForSequenceClassification as Classifier
from convbert_edu.data.batching import EncodedTexts
from convbert_edu.device import count_waits, seconds_of
from convbert_edu.pretraining.objectives import ReplacedTokenObjective, generator_config
from convbert_edu.training.settings import TrainingSettings
from convbert_edu.training.trainer import SupervisedTrainer
from gpu_stages.plan import Plan
from pretraining_step import RTD_WEIGHT, TheirObjective, made_up_batch, make_step


def _classifier(plan: Plan, rows: int) -> tuple[Classifier, EncodedTexts]:
    """Return a model on the device and made-up texts of changing lengths."""
    generator = torch.Generator().manual_seed(0)
    longest = 24 if plan.rehearse else 128
    lengths = torch.randint(8, longest + 1, (rows,), generator=generator).tolist()
    examples = EncodedTexts(
        input_ids=[torch.randint(5, 400, (length,), generator=generator).tolist() for length in lengths],
        token_type_ids=[[0] * length for length in lengths],
        pad_token_id=0,
        labels=torch.randint(2, (rows,), generator=generator),
    )
    config = ConvBertConfig.tiny(num_hidden_layers=1 if plan.rehearse else 4)
    return Classifier(config).to(plan.device), examples


def waits(plan: Plan) -> dict[str, Any]:
    """Return at which lines a step of fine-tuning lets the CPU wait for the device, and how often."""
    model, examples = _classifier(plan, rows=96)
    trainer = SupervisedTrainer(model, examples, TrainingSettings(epochs=1, batch_size=32, precision="auto"))
    batches = list(trainer.batches())
    trainer.training_step(*batches[0])
    with count_waits(plan.device) as places:
        trainer.training_step(*batches[1])
    return {"waits": len(places), "places": dict(Counter(places))}


def changing_lengths(plan: Plan) -> dict[str, Any]:
    """Return how long steps of a compiled model take when every batch has another length; it may not compile anew."""
    model, examples = _classifier(plan, rows=400)
    torch.compiler.reset()
    compiled = torch.compile(model, dynamic=True, backend="eager" if plan.rehearse else "inductor")
    sizes = [9, 17, 33, 70, 96, 120, 51] if not plan.rehearse else [9, 17, 21]
    batch = examples.batch(range(8), width=128)

    def step(width: int) -> None:
        given = {
            name: each[:, :width].contiguous() if each.dim() == 2 else each for name, each in batch.items()
        }
        compiled(**{name: each.to(plan.device) for name, each in given.items()}).loss.backward()
        model.zero_grad()

    for width in sizes[:2]:
        step(width)
    with torch.compiler.set_stance("fail_on_recompile"):
        seconds = {width: seconds_of(lambda width=width: step(width), plan.device) for width in sizes[2:]}
    return {"seconds_by_length": seconds}


def pretraining(plan: Plan) -> dict[str, Any]:
    """Return the seconds of a step of replaced-token detection, ours and the one built from transformers' modules."""
    from gpu_stages.speed import medians, small

    config = ConvBertConfig.small(pad_token_id=0)
    if plan.rehearse:
        config = small(ConvBertConfig.small(pad_token_id=0, num_hidden_layers=1))
    batch = made_up_batch(config.vocab_size, plan.device)
    if plan.rehearse:
        rows = {name: each[:2, :16] for name, each in batch.items() if each.dim() == 2}
        batch = {**rows, "masked_positions": torch.tensor([1, 5, 20])}
    more = {
        "token_type_ids": torch.zeros_like(batch["input_ids"]),
        "uniform_samples": torch.rand(len(batch["masked_positions"]), device=plan.device),
    }
    ours = ReplacedTokenObjective(
        ConvBertForMaskedLM(generator_config(config)), ConvBertForPreTraining(config), RTD_WEIGHT
    )
    theirs = TheirObjective(config, sparing=True)
    steps = {
        "transformers, sparing": make_step(theirs, lambda: theirs(**batch), "bfloat16", plan.device),
        "convbert_edu": make_step(ours, lambda: ours(**batch, **more).loss, "bfloat16", plan.device),
    }
    seconds = medians(steps, plan.device, rounds=2 if plan.rehearse else 15)
    return {"seconds": seconds, "batch": list(batch["input_ids"].shape)}
