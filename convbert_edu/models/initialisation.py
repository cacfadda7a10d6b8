"""Initialisation: the weights of a model before it is trained, and of the parts that a file does not hold.

Normal with a small standard deviation and biases 0, as BERT does it; lessons 05 and 06 look at both cases.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from convbert_edu.layers import FixedConvolution, GroupedLinear, SpanAwareKey


def init_weights(model: nn.Module, std: float) -> None:
    """Initialise all weights: normal with `std`, biases 0.

    LayerNorms and the depthwise filters of span-aware keys were initialised when they were made.
    """
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Embedding | GroupedLinear | FixedConvolution):
            for name, parameter in module.named_parameters(recurse=False):
                _initialise(module, name, parameter, std)


def init_missing_weights(model: nn.Module, std: float) -> None:
    """Give memory and initial weights to the parameters that have none yet (device "meta"), and only to them."""
    for module in model.modules():
        for name, parameter in list(module.named_parameters(recurse=False)):
            if parameter.is_meta:
                parameter = nn.Parameter(torch.empty_like(parameter, device=torch.get_default_device()))
                setattr(module, name, parameter)
                _initialise(module, name, parameter, std)


def _initialise(module: nn.Module, name: str, parameter: nn.Parameter, std: float) -> None:
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
    """Inside this context modules are made without memory (device "meta") and are not initialised."""
    with torch.device("meta"), _WithoutInitialisation():
        yield


class _WithoutInitialisation(TorchFunctionMode):
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
