"""The feed-forward part of a layer (lesson 05): each token by itself, wider, through an activation, and back.

FeedForward(X) = activation(X W_1 + b_1) W_2 + b_2; ConvBERT-medium-small cuts both matrices into groups.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from convbert_edu.activations import ACTIVATIONS
from convbert_edu.config import ConvBertConfig


class GroupedLinear(nn.Module):
    """A linear layer cut into independent groups (the paper's grouped linear operator).

    Group g maps slice g of the input to slice g of the output, with num_groups times fewer weights than a dense layer.
    Groups mix only through the attention before and after.
    """

    def __init__(self, in_features: int, out_features: int, num_groups: int) -> None:
        super().__init__()
        self.num_groups = num_groups
        self.weight = nn.Parameter(
            torch.empty(num_groups, in_features // num_groups, out_features // num_groups)
        )
        # as nn.Linear initialises its weights, when it is made by itself
        bound = self.weight.shape[1] ** -0.5
        nn.init.uniform_(self.weight, -bound, bound)
        self.bias = nn.Parameter(torch.zeros(out_features))

    def forward(self, inputs: Float[Tensor, "batch seq inputs"]) -> Float[Tensor, "batch seq outputs"]:
        """Return each slice of `inputs` times the weight matrix of its own group, plus bias."""
        # out_g = X_g W_g for each group g               [B, n, g, in / g] x [g, in / g, out / g] -> [B, n, out]
        slices = inputs.unflatten(-1, (self.num_groups, -1))
        return torch.einsum("bsgi,gio->bsgo", slices, self.weight).flatten(2) + self.bias


class FeedForward(nn.Module):
    """expand -> activation -> contract: dense layers, or grouped ones where num_groups > 1."""

    def __init__(self, config: ConvBertConfig) -> None:
        super().__init__()
        narrow, wide, groups = config.hidden_size, config.intermediate_size, config.num_groups
        if groups == 1:
            self.expand, self.contract = nn.Linear(narrow, wide), nn.Linear(wide, narrow)
        else:
            self.expand = GroupedLinear(narrow, wide, groups)
            self.contract = GroupedLinear(wide, narrow, groups)
        self.activation = ACTIVATIONS[config.hidden_act]

    def forward(self, hidden_states: Float[Tensor, "batch seq hidden"]) -> Float[Tensor, "batch seq hidden"]:
        """Return the transformed vectors; no token sees another here."""
        wide = self.expand(hidden_states)
        if torch.is_grad_enabled() and wide.requires_grad and not torch.compiler.is_compiling():
            # The wide vectors take most of the memory of training. They are kept once, not before and after the
            # activation: the backward pass works the activation out again. (A compiler decides that by itself.)
            return checkpoint(
                self._activate_and_contract, wide, use_reentrant=False, preserve_rng_state=False
            )
        return self._activate_and_contract(wide)

    def _activate_and_contract(
        self, wide: Float[Tensor, "batch seq wide"]
    ) -> Float[Tensor, "batch seq hidden"]:
        return self.contract(self.activation(wide))
