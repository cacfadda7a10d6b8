"""What no model can take is refused before anything is computed: the message names argument, value, rule, remedy."""

from typing import Any

import pytest
import torch

from convbert_edu import (
    ConvBertForMaskedLM,
    ConvBertForMultipleChoice,
    ConvBertForQuestionAnswering,
    ConvBertModel,
)
from helpers import tiny_config
from models.refusal import refused

pytestmark = pytest.mark.usefixtures("as_a_user")

IDS = torch.tensor([[5, 6, 7], [8, 9, 3]])
CHOICES = torch.stack([IDS, IDS, IDS])  # 3 questions with 2 choices of 3 tokens
MASK_RULE = "one value per token: 1 for a real token, 0 for padding"


@pytest.mark.parametrize(
    ("inputs", "error", "message"),
    [
        ({}, ValueError, "got neither of input_ids and inputs_embeds; give exactly one of them"),
        (
            {"input_ids": IDS, "inputs_embeds": torch.zeros(2, 3, 16)},
            ValueError,
            "got both of input_ids and inputs_embeds; give exactly one of them",
        ),
        ({"input_ids": IDS + 93}, ValueError,
         "input_ids holds 102; with vocab_size = 99 the numbers must be 0 to 98"),
        ({"input_ids": IDS - 4}, ValueError,
         "input_ids holds -1; with vocab_size = 99 the numbers must be 0 to 98"),
        ({"input_ids": IDS.float()}, TypeError, "input_ids has dtype torch.float32; it must be torch.long (call "),
        ({"input_ids": IDS > 5}, TypeError, "input_ids has dtype torch.bool; it must be torch.long"),
        ({"input_ids": IDS.tolist()}, TypeError,
         'input_ids is a list; it must be a tensor (the tokenizer makes tensors with return_tensors="pt"'),
        ({"input_ids": IDS[0]}, ValueError,
         "input_ids has shape (3,); it must be [batch, seq] with at least one row and one token (for a single "
         "sentence add a batch axis: x.unsqueeze(0))"),
        ({"input_ids": torch.tensor(5)}, ValueError, "input_ids has shape (); it must be [batch, seq]"),
        ({"input_ids": CHOICES}, ValueError, "input_ids has shape (3, 2, 3); it must be [batch, seq]"),
        ({"input_ids": IDS[:0]}, ValueError, "input_ids has shape (0, 3); it must be [batch, seq] with at least one"),
        ({"input_ids": IDS[:, :0]}, ValueError, "input_ids has shape (2, 0); it must be [batch, seq] with at least"),
        ({"inputs_embeds": torch.zeros(2, 3, 32)}, ValueError,
         "inputs_embeds has shape (2, 3, 32); it must be [batch, seq, embedding_size = 16]"),
        ({"inputs_embeds": torch.zeros(3, 16)}, ValueError, "inputs_embeds has shape (3, 16); it must be [batch, seq"),
        ({"inputs_embeds": torch.zeros(0, 3, 16)}, ValueError, "inputs_embeds has shape (0, 3); it must be [batch, "),
        ({"inputs_embeds": torch.zeros(2, 3, 16).long()}, TypeError,
         "inputs_embeds has dtype torch.int64; it must be floating point (call .float())"),
        ({"input_ids": IDS.repeat(1, 14)}, ValueError,
         "the sequence has 42 tokens but max_position_embeddings is 40; shorten it (truncation=True, max_length=...) "
         "or split it into windows (stride=...)"),
        ({"inputs_embeds": torch.zeros(1, 41, 16)}, ValueError,
         "the sequence has 41 tokens but max_position_embeddings is 40"),
        ({"input_ids": IDS, "attention_mask": torch.ones(2, 4)}, ValueError,
         f"attention_mask has shape (2, 4); it must be (2, 3), {MASK_RULE}"),
        ({"input_ids": IDS, "attention_mask": torch.ones(1, 3)}, ValueError,
         f"attention_mask has shape (1, 3); it must be (2, 3), {MASK_RULE}"),
        ({"input_ids": IDS, "attention_mask": torch.ones(2, 1, 3, 3)}, ValueError,
         f"attention_mask has shape (2, 1, 3, 3); it must be (2, 3), {MASK_RULE}"),
        ({"input_ids": IDS, "attention_mask": [[1, 1, 1], [1, 1, 0]]}, TypeError, "attention_mask is a list; it must "),
        ({"input_ids": IDS, "token_type_ids": IDS}, ValueError,
         "token_type_ids holds 9; with type_vocab_size = 2 the numbers must be 0 to 1"),
        ({"input_ids": IDS, "token_type_ids": -IDS}, ValueError, "token_type_ids holds -9; with type_vocab_size = 2"),
        ({"input_ids": IDS, "token_type_ids": torch.zeros(2, 3)}, TypeError, "token_type_ids has dtype torch.float32"),
        ({"input_ids": IDS, "token_type_ids": torch.zeros(1, 3).long()}, ValueError,
         "token_type_ids has shape (1, 3); it must be (2, 3), to go with the inputs"),
        ({"input_ids": IDS, "position_ids": IDS + 32}, ValueError,
         "position_ids holds 41; with max_position_embeddings = 40 the numbers must be 0 to 39"),
        ({"input_ids": IDS, "position_ids": IDS - 4}, ValueError, "position_ids holds -1; with max_position_"),
        ({"input_ids": IDS, "position_ids": torch.arange(3)}, ValueError,
         "position_ids has shape (3,); it must be (2, 3) or (1, 3), to go with the inputs"),
        ({"input_ids": IDS, "position_ids": torch.zeros(2, 3)}, TypeError, "position_ids has dtype torch.float32"),
    ],
)  # fmt: skip
def test_inputs_of_every_model(inputs: dict[str, Any], error: type[Exception], message: str):
    refused(error, message, ConvBertModel, **inputs)
    refused(error, message, ConvBertForQuestionAnswering, **inputs)


@pytest.mark.parametrize(
    ("inputs", "error", "message"),
    [
        ({}, ValueError, "got neither of input_ids and inputs_embeds"),
        ({"input_ids": CHOICES, "inputs_embeds": torch.zeros(3, 2, 3, 16)}, ValueError, "got both of input_ids and"),
        ({"input_ids": IDS}, ValueError,
         "input_ids has shape (2, 3); multiple choice reads [batch, choices, seq], none of them empty "
         "(x.unsqueeze(0) adds a batch axis)"),
        ({"input_ids": CHOICES[:, :0]}, ValueError, "input_ids has shape (3, 0, 3); multiple choice reads"),
        ({"input_ids": CHOICES.tolist()}, TypeError, "input_ids is a list; it must be a tensor"),
        ({"inputs_embeds": torch.zeros(2, 3, 16)}, ValueError,
         "inputs_embeds has shape (2, 3, 16); multiple choice reads [batch, choices, seq, embedding_size]"),
        ({"input_ids": CHOICES, "attention_mask": torch.ones(2, 3, 3)}, ValueError,
         "attention_mask has shape (2, 3, 3); it must be (3, 2, 3)"),
        ({"input_ids": CHOICES, "attention_mask": torch.ones(6, 3)}, ValueError,
         "attention_mask has shape (6, 3); it must be (3, 2, 3)"),
        ({"input_ids": CHOICES, "token_type_ids": torch.zeros(2, 3, 3).long()}, ValueError,
         "token_type_ids has shape (2, 3, 3); it must be (3, 2, 3)"),
        ({"input_ids": CHOICES, "position_ids": torch.zeros(2, 3, 3).long()}, ValueError,
         "position_ids has shape (2, 3, 3); it must be (3, 2, 3)"),
        ({"input_ids": CHOICES * 20}, ValueError, "input_ids holds 180; with vocab_size = 99"),
        ({"input_ids": CHOICES, "labels": torch.tensor([0, 1, 2])}, ValueError,
         "labels holds 2; with number of labels = 2 the numbers must be 0 to 1"),
        ({"input_ids": CHOICES, "labels": torch.tensor([0, 1])}, ValueError, "labels has shape (2,); it must be (3,)"),
    ],
)  # fmt: skip
def test_inputs_of_multiple_choice(inputs: dict[str, Any], error: type[Exception], message: str):
    refused(error, message, ConvBertForMultipleChoice, **inputs)


def test_a_sentence_may_be_longer_than_the_model_if_it_brings_its_own_positions():
    ids = IDS.repeat(1, 14)
    positions = (torch.arange(42) % 40).unsqueeze(0)
    assert torch.isfinite(ConvBertModel(tiny_config())(ids, position_ids=positions).last_hidden_state).all()


def test_an_unknown_argument_is_refused():
    with pytest.raises(TypeError, match="encoder_hidden_states"):
        ConvBertForMaskedLM(tiny_config())(IDS, encoder_hidden_states=torch.zeros(2, 3, 32))
