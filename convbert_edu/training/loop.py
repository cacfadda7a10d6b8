"""The training loop: batch -> loss -> gradient -> step, and the loop's mirror image, prediction."""

import math
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor, nn
from tqdm import tqdm

from convbert_edu.data.batching import EncodedTexts, batches_by_length
from convbert_edu.device import autocast, find_device
from convbert_edu.training.optimizer import linear_schedule, make_optimizer


@dataclass(kw_only=True)
class TrainingSettings:
    """The numbers that steer a training run."""

    epochs: int = 4
    batch_size: int = 32
    learning_rate: float = 3e-4
    layer_decay: float = 1.0  # below 1: deeper layers learn more slowly (see make_optimizer)
    weight_decay: float = 0.01
    warmup_fraction: float = 0.1  # of all steps
    clip: float = 1.0  # longest gradient that a step may take
    precision: str = "float32"  # "auto": bfloat16 where the hardware is fast at it; or "bfloat16"
    seed: int = 0  # order of the batches, and dropout


@dataclass
class History:
    """What happened: the loss of every step."""

    losses: list[float] = field(default_factory=list)


def train(
    model: nn.Module,
    examples: EncodedTexts,
    settings: TrainingSettings | None = None,
    device: torch.device | None = None,
) -> History:
    """Train `model` in place on `examples` and return the losses; the model ends in eval mode on `device`.

    Seeds PyTorch's random numbers with `settings.seed`, so that a run on one machine can be repeated.
    Raises ArithmeticError, naming the step, when the loss is no longer a number.
    """
    settings = settings or TrainingSettings()
    device = device or find_device()
    torch.manual_seed(settings.seed)
    order = torch.Generator().manual_seed(settings.seed)

    model.to(device).train()
    steps = settings.epochs * math.ceil(len(examples) / settings.batch_size)
    optimizer = make_optimizer(model, settings.learning_rate, settings.weight_decay, settings.layer_decay)
    schedule = linear_schedule(optimizer, steps, int(settings.warmup_fraction * steps))
    lengths = [len(ids) for ids in examples.input_ids]
    history = History()

    with tqdm(total=steps, desc="training", unit="step") as progress:
        for _ in range(settings.epochs):
            for rows in batches_by_length(lengths, settings.batch_size, order):
                batch = {name: tensor.to(device) for name, tensor in examples.batch(rows).items()}
                with autocast(settings.precision, device):
                    loss = model(**batch).loss
                history.losses.append(loss.item())
                if not math.isfinite(history.losses[-1]):
                    raise ArithmeticError(
                        f"the loss is {history.losses[-1]} at step {len(history.losses)}; the weights are those before "
                        f"it. Try a learning_rate below {settings.learning_rate}, or look for broken examples"
                    )
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), settings.clip)
                optimizer.step()
                schedule.step()
                optimizer.zero_grad()
                progress.set_postfix(loss=f"{history.losses[-1]:.3f}", refresh=False)
                progress.update()
    model.eval()
    return history


@torch.inference_mode()
def predict(
    model: nn.Module, examples: EncodedTexts, batch_size: int = 64, device: torch.device | None = None
) -> Float[Tensor, "examples labels"]:
    """Return the model's scores for every example, in the order of the examples, on the CPU."""
    device = device or find_device()
    model.to(device).eval()
    order, scores = [], []
    for rows in batches_by_length([len(ids) for ids in examples.input_ids], batch_size):
        batch = {name: tensor.to(device) for name, tensor in examples.batch(rows).items() if name != "labels"}
        scores.append(model(**batch).logits.cpu())
        order += rows
    return torch.cat(scores)[torch.tensor(order).argsort()]


def accuracy(model: nn.Module, examples: EncodedTexts) -> float:
    """Return the share of examples whose label has the highest score."""
    from sklearn.metrics import accuracy_score

    return float(accuracy_score(examples.labels.numpy(), predict(model, examples).argmax(dim=-1).numpy()))
