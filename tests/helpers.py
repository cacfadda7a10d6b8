"""What tests of several parts of the package share."""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from convbert_edu.config import ConvBertConfig

ROOT = Path(__file__).parent.parent

# The lessons that exist, in reading order. A new lesson joins the tests by standing here.
LESSONS = (
    "00_start_here",
    "01_tokens_and_embeddings",
    "02_self_attention",
    "03_span_based_dynamic_convolution",
    "04_mixed_attention",
    "05_the_encoder",
    "06_pretrained_weights",
    "07_seeing_inside",
    "08_pretraining",
    "09_sequence_classification",
    "10_token_classification",
    "11_question_answering",
    "12_multiple_choice",
    "13_masked_language_modelling",
    "14_efficiency",
    "15_scaling_out",
    "16_from_bert_to_convbert",
    "18_dynamic_convolutions_today",
)


def tiny_config(**changes: Any) -> ConvBertConfig:
    """A configuration that runs in milliseconds and uses every part: two branches, groups, an embedding projection."""
    fields: dict[str, Any] = {
        "vocab_size": 99,
        "embedding_size": 16,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "head_ratio": 2,
        "conv_kernel_size": 5,
        "intermediate_size": 48,
        "num_groups": 2,
        "max_position_embeddings": 40,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
    }
    return ConvBertConfig(**(fields | changes))


def randomise(model: nn.Module, seed: int = 0) -> None:
    """Give every weight, bias and LayerNorm scale a number far from its start, so that no part can hide."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            centre = 1.0 if parameter.dim() == 1 and bool((parameter == 1).all()) else 0.0
            parameter.normal_(centre, 0.2)
