"""ConvBertModel: embeddings and a stack of layers, one vector per token as output (lesson 05)."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from convbert_edu.config import ConvBertConfig
from convbert_edu.layers import Embeddings, EncoderLayer
from convbert_edu.layers.self_attention import attention_bias_from_mask
from convbert_edu.models.base import PretrainedModel
from convbert_edu.models.checks import check_inputs, has_readable_values
from convbert_edu.models.outputs import EncoderOutput

Mask = Int[Tensor, "batch seq"] | Float[Tensor, "batch seq"] | Bool[Tensor, "batch seq"]


class ConvBertModel(PretrainedModel):
    """The encoder of the paper, without a head."""

    output_class = EncoderOutput
    # See set_gradient_checkpointing.
    gradient_checkpointing = False

    def __init__(self, config: ConvBertConfig) -> None:
        super().__init__(config)
        self.embeddings = Embeddings(config)
        self.layers = nn.ModuleList(EncoderLayer(config) for _ in range(config.num_hidden_layers))
        self.init_weights()

    def forward(
        self,
        input_ids: Int[Tensor, "batch seq"] | None = None,
        attention_mask: Mask | None = None,
        token_type_ids: Int[Tensor, "batch seq"] | None = None,
        position_ids: Int[Tensor, "#batch seq"] | None = None,
        inputs_embeds: Float[Tensor, "batch seq embedding"] | None = None,
        output_hidden_states: bool | None = None,
        output_attentions: bool | None = None,
        output_conv_kernels: bool | None = None,
    ) -> EncoderOutput:
        """Encode a batch of sentences.

        input_ids: token ids; or inputs_embeds: word embeddings already looked up
        attention_mask: 0 for padding, 1 (or any other number) for real tokens; all real if left out
        token_type_ids: 0 for the first segment, 1 for the second; all 0 if left out
        position_ids: positions in the sentence; 0, 1, 2, ... if left out
        output_*: the output flags, which ask for the internals (ModelOutput); as the configuration says if left out
        Raises ValueError or TypeError, before anything is computed, for inputs that do not fit the model.
        """
        config = self.config
        check_inputs(config, input_ids, attention_mask, token_type_ids, position_ids, inputs_embeds)
        keep_states = config.output_hidden_states if output_hidden_states is None else output_hidden_states
        keep_maps = config.output_attentions if output_attentions is None else output_attentions
        keep_kernels = config.output_conv_kernels if output_conv_kernels is None else output_conv_kernels
        keep_kernels = keep_kernels and not config.attention_only

        # X, the input of the first layer                                                     [B, n] -> [B, n, d]
        hidden_states = self.embeddings(input_ids, token_type_ids, position_ids, inputs_embeds)
        attention_bias = convolution_mask = None
        make_maps = keep_maps
        if attention_mask is not None:
            mask = (attention_mask != 0).to(hidden_states.dtype)
            # 0 for real tokens and a very negative number for padding, to add to the scores      [B, 1, 1, n]
            attention_bias = attention_bias_from_mask(mask, _attention_dtype(hidden_states))
            convolution_mask = mask if config.mask_convolution else None
            make_maps = keep_maps or _has_row_of_padding(attention_mask)

        # L layers, each [B, n, d] -> [B, n, d]
        states, maps, kernels = [], [], []
        for layer in self.layers:
            states += [hidden_states] * keep_states
            inputs = (hidden_states, attention_bias, convolution_mask, make_maps)
            if self.gradient_checkpointing and torch.is_grad_enabled():
                hidden_states, attention_map, layer_kernels = checkpoint(layer, *inputs, use_reentrant=False)
            else:
                hidden_states, attention_map, layer_kernels = layer(*inputs)
            maps += [attention_map] * keep_maps
            kernels += [layer_kernels] * keep_kernels
        return EncoderOutput(
            last_hidden_state=hidden_states,
            hidden_states=(*states, hidden_states) if keep_states else None,
            attentions=tuple(maps) if keep_maps else None,
            conv_kernels=tuple(kernels) if keep_kernels else None,
        )


def set_gradient_checkpointing(model: nn.Module, wanted: bool = True) -> None:
    """Let every encoder in `model` learn with less memory and more time (activation checkpointing).

    Between forward and backward pass only the inputs of the layers are kept; the backward pass computes each layer
    again. Losses and gradients stay the same.
    """
    for module in model.modules():
        if isinstance(module, ConvBertModel):
            module.gradient_checkpointing = wanted


def _attention_dtype(hidden_states: Tensor) -> torch.dtype:
    """Return the precision that attention scores will have: autocast lowers it."""
    kind = hidden_states.device.type
    if kind != "meta" and torch.is_autocast_enabled(kind):
        return torch.get_autocast_dtype(kind)
    return hidden_states.dtype


def _has_row_of_padding(attention_mask: Mask) -> bool:
    """Say whether some sentence is padding from end to end.

    Its scores vanish beside the bias, and PyTorch's fused attention then returns a wrong gradient: it needs maps.
    """
    return has_readable_values(attention_mask) and not bool(attention_mask.any(dim=1).all())
