"""Exercise 05.4: the initial values of a model, which lesson 05 sets in section 4."""

import torch
from torch import nn

from convbert_edu import ConvBertConfig, nano
from convbert_edu.exercises.definition import Case, Exercise, Mistake
from convbert_edu.nano import GroupedLinear, SpanAwareKey


class SmallModel(nn.Module):
    """A model with one of each kind of parameter. All begin at 7, except for the factors of LayerNorm."""

    def __init__(self):
        super().__init__()
        self.word = nn.Embedding(60, 40)
        self.layer_norm = nn.LayerNorm(40)
        self.dense = nn.Linear(40, 50)
        self.grouped = GroupedLinear(50, 40, 2)
        self.span_key = SpanAwareKey(ConvBertConfig.tiny(hidden_size=40, conv_kernel_size=5))
        for name, parameter in self.named_parameters():
            if name != "layer_norm.weight":
                nn.init.constant_(parameter, 7.0)


def by_modules(network, spread):
    """Look at the kind of each module and not at the names of its parameters."""
    for module in network.modules():
        for name, tensor in module.named_parameters(recurse=False):
            if isinstance(module, nn.LayerNorm) and name == "weight":
                continue
            if name == "bias":
                tensor.data.zero_()
            elif name != "depthwise":
                tensor.data = torch.randn(tensor.shape) * spread


@torch.no_grad()
def by_copying(model, std):
    """Draw every value first, then copy it into place."""
    for name, parameter in model.named_parameters():
        last = name.split(".")[-1]
        if last == "bias":
            parameter.copy_(torch.zeros(parameter.shape))
        elif last != "depthwise" and len(parameter.shape) >= 2:
            parameter.copy_(torch.normal(0.0, std, parameter.shape))


def by_apply(model, std):
    """Hand a function to nn.Module.apply, which calls it for each module."""

    def fill(module):
        parameters = dict(module.named_parameters(recurse=False))
        if "bias" in parameters:
            nn.init.constant_(parameters["bias"], 0)
        for name in ("weight",):
            if name in parameters and not isinstance(module, nn.LayerNorm):
                nn.init.normal_(parameters[name], mean=0, std=std)

    model.apply(fill)


def look(answer, model, std):
    """Say of each parameter how it was filled."""
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    answer(model, std)
    seen = {}
    for name, parameter in model.named_parameters():
        values = parameter.detach().flatten()
        if torch.equal(values, before[name].flatten()):
            seen[name] = "as it was"
        elif not values.any():
            seen[name] = "all 0"
        else:
            far = (values.abs() > 2 * values.std()).double().mean()
            if not values.std() > 0:
                seen[name] = "all the same number"
            elif values.mean().abs() > 0.2 * values.std():
                seen[name] = f"random around {values.mean():.1g}"
            elif not 0.02 < far < 0.08:
                # Of a normal distribution, 4.6% lie further from the mean than two standard deviations.
                seen[name] = "random, but not normal"
            else:
                ratio = float(values.std()) / std
                seen[name] = (
                    "normal with std" if 0.85 < ratio < 1.15 else f"normal with {ratio:.1g} times std"
                )
    return seen


def cases():
    """Two standard deviations."""
    for std in (0.02, 0.5):
        yield Case(f"std = {std}", (SmallModel(), std))


def shown(init_weights):
    """Look at one layer and one LayerNorm."""
    model = nn.Sequential(nn.Linear(100, 100), nn.LayerNorm(100))
    init_weights(model, 0.02)
    assert abs(model[0].weight.std().item() - 0.02) < 0.002
    assert not model[0].bias.any()
    assert (model[1].weight == 1).all(), "the factors of LayerNorm stay 1"


EXERCISE = Exercise(
    number="05.4",
    title="Initial values",
    difficulty="easy",
    minutes=10,
    task=r"""
Write `init_weights(model, std)`, which changes the parameters of any model in place, as BERT begins:

1. Every parameter called `bias` becomes 0.
2. Every other parameter with two or more axes is drawn from a normal distribution with mean 0 and standard
   deviation `std`.
3. The factors of LayerNorm stay as they are. So does the filter `depthwise` of `SpanAwareKey`, which has a scale
   of its own.
""",
    solution=nano.init_weights,
    cases=cases,
    shown=shown,
    observe=look,
    hints=[
        "model.named_parameters() gives every parameter with its name, also those inside of other modules.",
        "A name such as layers.0.attention.query.bias ends with what the parameter is called in its own "
        "module.",
        "The factors of LayerNorm have one axis, all matrices have two or more: parameter.dim() tells them "
        "apart.",
    ],
    mistakes=[
        Mistake(
            "the factors of LayerNorm are drawn, too",
            [('parameter.dim() > 1 and "depthwise" not in name', '"depthwise" not in name')],
            "LayerNorm's factors begin at 1, so that it changes nothing but mean and spread. Yours are "
            "random now.",
        ),
        Mistake(
            "the depthwise filter is drawn, too",
            [(' and "depthwise" not in name', "")],
            "One parameter keeps its own scale: the filter of the span-aware key.",
        ),
        Mistake(
            "the biases stay as they were",
            [("nn.init.zeros_(parameter)", "pass")],
            "What should a bias be at the beginning?",
        ),
        Mistake(
            "the biases are drawn, too",
            [("nn.init.zeros_(parameter)", "nn.init.normal_(parameter, std=std)")],
            "Your biases are random. BERT begins without any.",
        ),
        Mistake(
            "the standard deviation is fixed",
            [("std=std", "std=0.02")],
            "Which standard deviation was asked for? Yours is always 0.02.",
        ),
        Mistake(
            "the standard deviation is 1",
            [("nn.init.normal_(parameter, std=std)", "nn.init.normal_(parameter)")],
            "Your matrices have standard deviation 1. What is the second argument for?",
        ),
        Mistake(
            "the variance and not the standard deviation",
            [("std=std", "std=std**0.5")],
            "std is the standard deviation itself; no root has to be taken.",
        ),
        Mistake(
            "an even distribution",
            [
                (
                    "nn.init.normal_(parameter, std=std)",
                    "nn.init.uniform_(parameter, -std * 3**0.5, std * 3**0.5)",
                )
            ],
            "Your numbers have the right spread but lie evenly between two ends. A normal distribution was "
            "asked for.",
        ),
        Mistake(
            "std is taken for the mean",
            [("nn.init.normal_(parameter, std=std)", "nn.init.normal_(parameter, std, std)")],
            "Around which number do your matrices lie? Their mean should be 0.",
        ),
        Mistake(
            "only dense layers are filled",
            [("parameter.dim() > 1 and", "parameter.dim() == 2 and")],
            "Some matrices stand together in a parameter with three axes. Are they filled, too?",
        ),
        Mistake(
            "a constant",
            [("nn.init.normal_(parameter, std=std)", "nn.init.constant_(parameter, std)")],
            "All numbers of a matrix are equal in your model, so all neurons would learn the same.",
        ),
    ],
    other_ways=[by_modules, by_copying, by_apply],
)
