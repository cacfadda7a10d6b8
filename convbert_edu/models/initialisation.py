"""The numbers that a model starts from before it is trained."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from convbert_edu.layers import GroupedLinear, SpanAwareKey


def init_weights(model: nn.Module, std: float) -> None:
    """Draw all first weights: normal with `std`, biases 0.

    LayerNorms and the depthwise filters of span-aware keys have theirs since they were made.
    """
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Embedding | GroupedLinear):
            for name, parameter in module.named_parameters(recurse=False):
                _draw(module, name, parameter, std)


def init_missing_weights(model: nn.Module, std: float) -> None:
    """Give memory and first weights to the parameters that have none yet (device "meta"), and only to them."""
    for module in model.modules():
        for name, parameter in list(module.named_parameters(recurse=False)):
            if parameter.is_meta:
                parameter = nn.Parameter(torch.empty_like(parameter, device=torch.get_default_device()))
                setattr(module, name, parameter)
                _draw(module, name, parameter, std)


def _draw(module: nn.Module, name: str, parameter: nn.Parameter, std: float) -> None:
    if name == "bias":
        nn.init.zeros_(parameter)
    elif isinstance(module, nn.LayerNorm):
        nn.init.ones_(parameter)
    elif isinstance(module, SpanAwareKey):
        module.reset_parameters()
    else:
        nn.init.normal_(parameter, std=std)
    if isinstance(module, nn.Embedding) and module.padding_idx is not None:
        nn.init.zeros_(parameter[module.padding_idx])


@contextmanager
def init_empty_weights() -> Iterator[None]:
    """Inside this context modules are made without memory (device "meta"), and no numbers are drawn for them."""
    with torch.device("meta"), _WithoutDrawing():
        yield


class _WithoutDrawing(TorchFunctionMode):
    """Leave out the functions of nn.init. On device "meta" they would do nothing, but first import half of PyTorch."""

    def __torch_function__(
        self,
        func: Callable,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__module__", None) == nn.init.__name__:
            return kwargs["tensor"] if "tensor" in kwargs else args[0]
        return func(*args, **kwargs)
