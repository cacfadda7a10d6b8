"""Masked language modelling at the masked positions alone equals masked language modelling on all of them."""

import pytest
import torch
from torch.nn import functional as F

from convbert_edu import ConvBertForMaskedLM
from convbert_edu.pretraining.objectives import MaskedLMObjective
from helpers import tiny_config
from masked_batches import make_masked_batch
from tolerance import assert_same_numbers


@pytest.fixture
def generator() -> ConvBertForMaskedLM:
    torch.manual_seed(0)
    return ConvBertForMaskedLM(tiny_config(initializer_range=0.3))


def test_the_loss_is_the_mean_over_masked_tokens_of_the_model_with_labels(generator):
    batch = make_masked_batch()
    labels = torch.full_like(batch["original_ids"], -100)
    labels.view(-1)[batch["masked_positions"]] = batch["original_ids"].flatten()[batch["masked_positions"]]
    whole = generator(batch["input_ids"], batch["attention_mask"], batch["token_type_ids"], labels=labels)
    objective = MaskedLMObjective(generator)(**batch)
    assert_same_numbers(objective.loss, whole.loss)
    assert_same_numbers(objective.masked_lm_loss, whole.loss * len(batch["masked_positions"]))
    predicted = whole.logits.argmax(dim=-1).flatten()[batch["masked_positions"]]
    assert objective.num_correct == (predicted == labels.flatten()[batch["masked_positions"]]).sum()


def test_gradients_equal_those_of_the_model_with_labels(generator):
    batch = make_masked_batch()
    MaskedLMObjective(generator)(**batch).loss.backward()
    ours = [parameter.grad.clone() for parameter in generator.parameters()]
    generator.zero_grad()
    labels = torch.full_like(batch["original_ids"], -100)
    labels.view(-1)[batch["masked_positions"]] = batch["original_ids"].flatten()[batch["masked_positions"]]
    generator(
        batch["input_ids"], batch["attention_mask"], batch["token_type_ids"], labels=labels
    ).loss.backward()
    assert_same_numbers(ours, [parameter.grad for parameter in generator.parameters()])


def test_the_cls_loss_predicts_every_masked_token_from_cls(generator):
    batch = make_masked_batch()
    objective = MaskedLMObjective(generator, cls_mlm_weight=0.5)(**batch)
    logits = generator(batch["input_ids"], batch["attention_mask"], batch["token_type_ids"]).logits
    expected = torch.zeros(())
    width = batch["input_ids"].shape[1]
    for position in batch["masked_positions"].tolist():
        row, column = divmod(position, width)
        target = batch["original_ids"][row, column]
        expected = expected + F.cross_entropy(logits[row, 0], target)
    assert_same_numbers(objective.cls_mlm_loss, expected)
    count = len(batch["masked_positions"])
    assert_same_numbers(objective.loss, (objective.masked_lm_loss + 0.5 * expected) / count)


def test_a_step_of_several_batches_divides_by_all_masked_tokens(generator):
    batch = make_masked_batch()
    alone, shared = (
        MaskedLMObjective(generator)(**batch),
        MaskedLMObjective(generator)(**batch, masked_total=100.0),
    )
    assert_same_numbers(shared.loss * 100, alone.loss * len(batch["masked_positions"]))
