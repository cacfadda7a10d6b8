"""The variants of paper_in_miniature.py, each a configuration of the same package, and the order in which they run.

All have the width and depth of convbert-tiny. Where a variant lacks a part, its feed-forward layers are so much wider
that all have nearly the same number of parameters: else a difference might come from the size alone. The exceptions
are groups and gamma, whose point is a smaller model.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from convbert_edu import ConvBertConfig


@dataclass(frozen=True)
class Variant:
    """What the table calls a variant, the fields of ConvBertConfig.tiny that it changes, and what they may cost."""

    title: str
    sizes: Mapping[str, Any]
    same_size: bool = True


VARIANTS: dict[str, Variant] = {
    # The published model: SDConv, kernel 9, one group, gamma 2, values of its own.
    "span": Variant("span-based (SDConv)", {}),
    "dynamic": Variant("dynamic (DConv)", {"convolution": "dynamic", "intermediate_size": 552}),
    "fixed": Variant("fixed (LConv)", {"convolution": "fixed", "intermediate_size": 552}),
    # BERT's block. Its four heads have as many channels as the two branches of the others together.
    "attention": Variant("attention only", {"attention_only": True, "intermediate_size": 488}),
    "kernel-5": Variant("span-based, kernel 5", {"conv_kernel_size": 5}),
    "kernel-17": Variant("span-based, kernel 17", {"conv_kernel_size": 17}),
    # The paper's formula: the convolution takes the values of self-attention.
    "shared-values": Variant("span-based, shared values", {"shared_values": True, "intermediate_size": 544}),
    "groups-2": Variant("span-based, 2 groups", {"num_groups": 2}, same_size=False),
    # Gamma in the paper's meaning: each branch is a quarter of the width.
    "gamma-4": Variant("span-based, gamma 4", {"head_ratio": 4, "gamma_bottleneck": True}, same_size=False),
}
KINDS, PAIR = ("span", "dynamic", "fixed", "attention"), ("span", "dynamic")
OTHERS = tuple(name for name in VARIANTS if name not in KINDS)

# First what the paper's claim rests on: the four kinds of heads with three seeds, and the pair of it with five. Then
# the other variants: each with one seed after 21 runs, and with three in the end.
ROUNDS = (((0, 1, 2), KINDS), ((3, 4), PAIR), ((0,), OTHERS), ((1, 2), OTHERS))
ORDER = [(name, seed) for seeds, names in ROUNDS for seed in seeds for name in names]

# Which variants are compared, seed by seed: the first one minus the second one.
COMPARED = [
    ("span", "dynamic"), ("span", "fixed"), ("span", "attention"), ("dynamic", "fixed"),
    *(("span", other) for other in OTHERS),
]  # fmt: skip


def config_of(name: str, **changes: Any) -> ConvBertConfig:
    """Return the configuration of a variant."""
    return ConvBertConfig.tiny(**{**VARIANTS[name].sizes, **changes})
