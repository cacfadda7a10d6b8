"""What the comparison with transformers cannot show: the discriminator, pooling, ties, and which loss is chosen."""

import math

import pytest
import torch
from torch.nn import functional as F

from convbert_edu import (
    ConvBertForMaskedLM,
    ConvBertForMultipleChoice,
    ConvBertForPreTraining,
    ConvBertForQuestionAnswering,
    ConvBertForSequenceClassification,
    ConvBertForTokenClassification,
)
from convbert_edu.models.base import PretrainedModel
from models.cases import EVERY_MODEL, build, inputs_for, labels_for
from tolerance import assert_same_numbers


def test_the_discriminator_scores_each_token():
    model, inputs = build(ConvBertForPreTraining), inputs_for(ConvBertForPreTraining)
    head, states = model.replaced_token_head, model.encoder(**inputs).last_hidden_state
    bent = F.gelu(states @ head.dense.weight.T + head.dense.bias)
    expected = (bent @ head.output.weight.T + head.output.bias)[..., 0]
    assert_same_numbers(model(**inputs).logits, expected)


def test_the_discriminators_loss_counts_real_tokens_with_a_label():
    model, inputs = build(ConvBertForPreTraining), inputs_for(ConvBertForPreTraining)
    labels = torch.randint(2, (2, 7))
    labels[1, 0] = -100
    output = model(**inputs, labels=labels)
    losses = []
    for row, scores in enumerate(output.logits.tolist()):
        for t, score in enumerate(scores):
            if inputs["attention_mask"][row, t] and labels[row, t] != -100:
                chance = 1 / (1 + math.exp(-score))
                losses.append(-math.log(chance if labels[row, t] else 1 - chance))
    assert len(losses) == 11
    assert output.loss.item() == pytest.approx(sum(losses) / 11, rel=1e-5)


def test_the_discriminators_loss_is_0_where_nothing_counts():
    model, inputs = build(ConvBertForPreTraining), inputs_for(ConvBertForPreTraining)
    assert model(**inputs, labels=torch.full((2, 7), -100)).loss == 0


def test_masked_positions_alone_get_the_scores_loss_and_gradients_that_all_tokens_would():
    model, inputs = build(ConvBertForMaskedLM).double(), inputs_for(ConvBertForMaskedLM)
    labels = torch.full((2, 7), -100)
    labels[0, 3], labels[1, 1], labels[1, 2] = 7, 9, 5
    positions = torch.tensor([3, 7 + 1, 7 + 2])

    def gradients_of(loss: torch.Tensor) -> list[torch.Tensor]:
        return list(torch.autograd.grad(loss, list(model.parameters())))

    everywhere, there = (
        model(**inputs, labels=labels, masked_positions=chosen) for chosen in (None, positions)
    )
    assert there.logits.shape == (3, model.config.vocab_size)
    assert_same_numbers(
        there.logits, torch.stack([everywhere.logits[row, at] for row, at in ((0, 3), (1, 1), (1, 2))])
    )
    assert_same_numbers(there.loss, everywhere.loss)
    for ours, expected in zip(gradients_of(there.loss), gradients_of(everywhere.loss), strict=True):
        torch.testing.assert_close(ours, expected, atol=1e-12, rtol=1e-10)
    # Of other labels none counts.
    labels[0, 0] = 3
    assert_same_numbers(model(**inputs, labels=labels, masked_positions=positions).loss, there.loss)


@pytest.mark.parametrize(("summary_type", "position"), [("last", -1), ("first", 0)])
def test_multiple_choice_reads_one_token_of_each_choice(summary_type: str, position: int):
    model, inputs = (
        build(ConvBertForMultipleChoice, summary_type=summary_type),
        inputs_for(ConvBertForMultipleChoice),
    )
    logits = model(**inputs).logits
    for row in range(2):
        for choice in range(3):
            alone = {name: tensor[row, choice].unsqueeze(0) for name, tensor in inputs.items()}
            vector = model.encoder(**alone).last_hidden_state[0, position]
            score = vector @ model.choice_scorer.weight[0] + model.choice_scorer.bias[0]
            assert_same_numbers(logits[row, choice], score)


def test_the_vocabulary_is_scored_with_the_embedding_matrix_itself():
    tied = build(ConvBertForMaskedLM)
    assert tied.masked_lm_head.decoder.weight is tied.encoder.embeddings.word.weight
    loose = build(ConvBertForMaskedLM, tie_word_embeddings=False)
    assert loose.masked_lm_head.decoder.weight is not loose.encoder.embeddings.word.weight
    assert loose.num_parameters() - tied.num_parameters() == 99 * 16
    assert "masked_lm_head.decoder.weight" not in dict(tied.named_parameters())


def test_the_masked_lm_head_bends_with_gelu_whatever_the_layers_use():
    inputs = inputs_for(ConvBertForMaskedLM)
    model = build(ConvBertForMaskedLM, hidden_act="relu")
    head, states = model.masked_lm_head, model.encoder(**inputs).last_hidden_state
    expected = head.decoder(head.layer_norm(F.gelu(head.dense(states))))
    assert_same_numbers(model(**inputs).logits, expected)


@pytest.mark.parametrize(
    ("num_labels", "labels", "problem_type"),
    [
        (1, torch.tensor([0.5, 2.0]), "regression"),
        (1, torch.tensor([[0.5], [2.0]]), "regression"),
        (3, torch.tensor([2, 0]), "single_label_classification"),
        (3, torch.tensor([2, 0], dtype=torch.int32), "single_label_classification"),
        (3, torch.tensor([[0.0, 1, 1], [1, 0, 0]]), "multi_label_classification"),
    ],
)
def test_the_loss_follows_from_the_labels(num_labels: int, labels: torch.Tensor, problem_type: str):
    inputs = inputs_for(ConvBertForSequenceClassification)
    output = build(ConvBertForSequenceClassification, num_labels=num_labels)(**inputs, labels=labels)
    said = build(ConvBertForSequenceClassification, num_labels=num_labels, problem_type=problem_type)
    assert_same_numbers(output.loss, said(**inputs, labels=labels).loss)
    logits = output.logits.detach()
    by_hand = {
        "regression": lambda: ((logits[:, 0] - labels.flatten()) ** 2).mean(),
        "single_label_classification": lambda: (
            -torch.stack([logits[row].log_softmax(0)[labels[row]] for row in range(2)]).mean()
        ),
        "multi_label_classification": lambda: (
            -(labels * logits.sigmoid().log() + (1 - labels) * (1 - logits.sigmoid()).log()).mean()
        ),
    }
    assert_same_numbers(output.loss.detach(), by_hand[problem_type]())


def test_a_floating_target_for_one_of_several_labels_needs_regression_to_be_said():
    inputs, targets = inputs_for(ConvBertForSequenceClassification), torch.tensor([[0.0, 1, 5], [1, 0, -3]])
    model = build(ConvBertForSequenceClassification, num_labels=3, problem_type="regression")
    output = model(**inputs, labels=targets)
    assert_same_numbers(output.loss, ((output.logits - targets) ** 2).mean())


def test_an_answer_that_was_cut_off_takes_no_part_in_the_loss():
    model, inputs = build(ConvBertForQuestionAnswering), inputs_for(ConvBertForQuestionAnswering)
    first_row = {name: tensor[:1] for name, tensor in inputs.items()}
    first_alone = model(**first_row, start_positions=torch.tensor([1]), end_positions=torch.tensor([4])).loss
    for outside in (7, 8, 500):
        both = {"start_positions": torch.tensor([1, outside]), "end_positions": torch.tensor([4, outside])}
        assert_same_numbers(model(**inputs, **both).loss, first_alone)
    with_one = model(**inputs, start_positions=torch.tensor([1, 2]))
    assert with_one.loss is None, "one end of the answer is not enough"


@pytest.mark.parametrize(
    ("model", "layers"),
    [
        (ConvBertForSequenceClassification, ["classification_head.dense", "classification_head.output"]),
        (ConvBertForTokenClassification, ["token_classifier"]),
    ],
)
def test_classifiers_drop_what_goes_into_each_of_their_layers(
    model: type[PretrainedModel], layers: list[str]
):
    built, inputs = build(model, classifier_dropout=0.5), inputs_for(model)
    seen = []
    for name in layers:
        built.get_submodule(name).register_forward_hook(lambda _, given, out: seen.append(given[0]))
    built(**inputs)
    assert [bool((vectors == 0).any()) for vectors in seen] == [False] * len(layers)
    seen.clear()
    built.train()(**inputs)
    assert all(0.3 < (vectors == 0).float().mean() < 0.7 for vectors in seen)


@pytest.mark.parametrize("model", [model for model in EVERY_MODEL if labels_for(model)])
def test_a_few_steps_of_training_lower_the_loss_and_reach_every_weight(model: type[PretrainedModel]):
    built, inputs, labels = build(model).train(), inputs_for(model), labels_for(model)
    optimizer = torch.optim.SGD(built.parameters(), lr=0.02)
    losses = []
    for _ in range(5):
        loss = built(**inputs, **labels).loss
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < losses[0]
    assert [name for name, parameter in built.named_parameters() if parameter.grad is None] == []
