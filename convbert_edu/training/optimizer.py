"""AdamW with the paper's parameter groups, and its learning-rate schedule (lessons 08 and 09)."""

import torch
from torch import nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR

from convbert_edu.checkpoints.parameter_names import OUR_PREFIX


def make_optimizer(
    model: nn.Module,
    learning_rate: float,
    weight_decay: float = 0.01,
    layer_decay: float = 1.0,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-6,
) -> AdamW:
    """Return AdamW over the parameters of `model` as the authors set it up.

    Biases and LayerNorms (every one-dimensional parameter) are not decayed. With `layer_decay` below 1 a layer
    learns more slowly the further it is from the head: with n layers the head has `learning_rate`, layer i that
    times layer_decay^(n + 1 - i), the embeddings times layer_decay^(n + 2) (the authors' fine-tuning uses 0.8).
    """
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            rate = learning_rate * layer_decay ** _steps_below_head(name, model.config.num_hidden_layers)
            decay = 0.0 if parameter.ndim == 1 else weight_decay
            groups.setdefault((rate, decay), []).append(parameter)
    return AdamW(
        [{"params": group, "lr": rate, "weight_decay": decay} for (rate, decay), group in groups.items()],
        lr=learning_rate,
        betas=betas,
        eps=eps,
        fused=None if any(p.is_meta for p in model.parameters()) else True,
    )


def _steps_below_head(name: str, num_layers: int) -> int:
    """How many steps of layer-wise decay a parameter is away from the head."""
    inside = name.removeprefix(OUR_PREFIX)
    if inside.startswith("embeddings."):
        return num_layers + 2
    if inside.startswith("layers."):
        return num_layers + 1 - int(inside.split(".")[1])
    return 0


def linear_schedule(optimizer: torch.optim.Optimizer, total_steps: int, warmup_steps: int) -> LambdaLR:
    """Raise the learning rate in a straight line for `warmup_steps`, then lower it in one to 0 at `total_steps`.

    Raises ValueError when the warm-up is as long as the training.
    """
    if not 0 <= warmup_steps < total_steps:
        raise ValueError(
            f"warmup_steps is {warmup_steps}; it must be from 0 to below total_steps ({total_steps}): "
            "train longer or warm up for less"
        )

    def fraction(step: int) -> float:
        if step < warmup_steps:
            return (step + 1) / (warmup_steps + 1)
        return (total_steps - step) / (total_steps - warmup_steps)

    return LambdaLR(optimizer, fraction)
