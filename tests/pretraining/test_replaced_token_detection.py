"""Replaced-token detection by generator and discriminator, rule by rule."""

import copy

import pytest
import torch

from convbert_edu import ConvBertConfig, ConvBertForMaskedLM, ConvBertForPreTraining
from convbert_edu.pretraining.objectives import (
    SHARED,
    ReplacedTokenObjective,
    copy_embeddings,
    generator_config,
    sample_tokens,
)
from helpers import tiny_config
from masked_batches import make_masked_batch
from tolerance import assert_same_numbers, largest, rounding


def make_objective(seed: int = 0, **options) -> ReplacedTokenObjective:
    torch.manual_seed(seed)
    config = tiny_config(initializer_range=0.3)
    generator = ConvBertForMaskedLM(generator_config(config, 1 / 4))
    return ReplacedTokenObjective(generator, ConvBertForPreTraining(config), **options)


def corrupt(objective: ReplacedTokenObjective, batch: dict) -> torch.Tensor:
    """What the discriminator is given: the tokens sampled from the generator in place of the masked ones."""
    logits = objective.generator(batch["input_ids"], batch["attention_mask"], batch["token_type_ids"]).logits
    corrupted_ids = batch["original_ids"].clone()
    for position, sample in zip(
        batch["masked_positions"].tolist(), batch["uniform_samples"].tolist(), strict=True
    ):
        ends = torch.softmax(logits.flatten(0, 1)[position].double(), dim=0).cumsum(0)
        corrupted_ids.view(-1)[position] = int((ends <= sample * ends[-1]).sum())
    return corrupted_ids


def test_the_loss_is_that_of_both_models_with_labels():
    objective, batch = make_objective(), make_masked_batch()
    output = objective(**batch)
    corrupted_ids = corrupt(objective, batch)
    replaced = corrupted_ids != batch["original_ids"]
    assert 0 < replaced.sum() <= len(batch["masked_positions"])
    assert torch.equal(output.replaced, replaced)
    labels = replaced.long().masked_fill(~batch["maskable"], -100)
    discriminator = objective.discriminator(
        corrupted_ids, batch["attention_mask"], batch["token_type_ids"], labels=labels
    )
    mlm_labels = torch.full_like(corrupted_ids, -100)
    mlm_labels.view(-1)[batch["masked_positions"]] = batch["original_ids"].flatten()[
        batch["masked_positions"]
    ]
    generator = objective.generator(
        batch["input_ids"], batch["attention_mask"], batch["token_type_ids"], labels=mlm_labels
    )
    assert_same_numbers(output.loss, generator.loss + 50 * discriminator.loss)
    assert_same_numbers(output.detection_loss, discriminator.loss * batch["maskable"].sum())
    assert_same_numbers(output.scores, discriminator.logits)


def test_an_objective_in_float64_is_not_rounded_to_float32():
    objective, batch = make_objective().double(), make_masked_batch()
    output = objective(**batch)
    assert {output.loss.dtype, output.masked_lm_loss.dtype, output.scores.dtype} == {torch.float64}
    assert not torch.equal(output.scores, output.scores.float().double())


def test_a_token_that_is_sampled_right_counts_as_original():
    objective, batch = make_objective(), make_masked_batch()
    with torch.no_grad():  # a generator that always predicts 7
        objective.generator.masked_lm_head.decoder.bias[7] = 1e4
    batch["original_ids"].view(-1)[batch["masked_positions"][:2]] = 7
    output = objective(**batch)
    expected = torch.zeros_like(batch["maskable"])
    expected.view(-1)[batch["masked_positions"][2:]] = True
    assert torch.equal(output.replaced, expected)
    assert output.num_correct == 2


def test_special_tokens_and_padding_do_not_count():
    objective, batch = make_objective(), make_masked_batch()
    first = objective(**batch)
    for position in ((0, 0), (1, -1), (2, -1)):  # [CLS], [SEP], padding: each would add to the loss
        changed = dict(batch, maskable=batch["maskable"].clone())
        assert not changed["maskable"][position]
        changed["maskable"][position] = True
        assert objective(**changed).detection_loss > first.detection_loss


def test_the_generator_learns_nothing_from_the_discriminator_but_through_shared_embeddings():
    """With and without the discriminator's loss the generator's own gradients are the same."""
    batch, gradients = make_masked_batch(), []
    for rtd_weight in (0.0, 50.0):
        objective = make_objective(rtd_weight=rtd_weight)
        objective(**batch).loss.backward()
        gradients.append({name: p.grad for name, p in objective.generator.named_parameters()})
    shared = {f"encoder.embeddings.{name}" for name in SHARED}
    for name, without in gradients[0].items():
        difference = (without - gradients[1][name]).abs().max()
        if name.rpartition(".")[0] in shared:
            assert difference > 1e-2, name
        else:
            assert difference < rounding(max(map(largest, gradients[0].values()))), name
        assert without.abs().sum() > 0 or "key.bias" in name, name


def test_the_discriminator_learns_from_its_own_loss_only():
    objective, batch = make_objective(rtd_weight=0.0), make_masked_batch()
    objective(**batch).loss.backward()
    own = [
        p.grad
        for n, p in objective.discriminator.named_parameters()
        if not n.startswith("encoder.embeddings.")
    ]
    assert all(gradient is None or not gradient.any() for gradient in own)


def test_the_embedding_block_is_one_and_the_projections_are_two():
    objective = make_objective()
    ours, theirs = objective.generator.encoder.embeddings, objective.discriminator.encoder.embeddings
    for name in SHARED:
        assert getattr(ours, name) is getattr(theirs, name)
    assert objective.generator.masked_lm_head.decoder.weight is theirs.word.weight
    assert ours.projection.weight.shape != theirs.projection.weight.shape


def test_a_frozen_generator_is_left_as_it_is():
    torch.manual_seed(0)
    config = tiny_config(hidden_dropout_prob=0.5, initializer_range=0.3)
    generator, discriminator = ConvBertForMaskedLM(config), ConvBertForPreTraining(config)
    before = copy.deepcopy(generator.state_dict())
    objective = ReplacedTokenObjective(generator, discriminator, freeze_generator=True).train()
    assert not generator.training
    assert discriminator.training
    assert generator.encoder.embeddings.word is not discriminator.encoder.embeddings.word
    batch = make_masked_batch()
    output = objective(**batch)
    output.loss.backward()
    assert_same_numbers(output.loss, 50 * output.detection_loss / batch["maskable"].sum())
    assert all(parameter.grad is None for parameter in generator.parameters())
    assert all(parameter.grad is not None for parameter in discriminator.parameters())
    assert torch.equal(objective(**batch).replaced, output.replaced)  # no dropout in the generator
    for name, tensor in generator.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_tokens_are_sampled_as_often_as_their_probability_says():
    probs = torch.tensor([0.0, 0.5, 0.25, 0.0, 0.2, 0.05])
    count = 10_000
    uniform_samples = (torch.arange(count) + 0.5) / count
    sampled = sample_tokens(probs.log().expand(count, -1), uniform_samples)
    assert torch.bincount(sampled, minlength=6).tolist() == [0, 5000, 2500, 0, 2000, 500]
    edges = sample_tokens(probs.log().expand(2, -1), torch.tensor([0.0, 1.0]))
    assert edges.tolist() == [1, 5]


def test_the_generator_is_as_deep_and_a_fraction_as_wide():
    small = generator_config(ConvBertConfig.small())
    assert (small.hidden_size, small.intermediate_size, small.num_attention_heads) == (64, 256, 1)
    assert (small.num_hidden_layers, small.embedding_size) == (12, 128)
    base = generator_config(ConvBertConfig.base(), 1 / 3)
    assert (base.hidden_size, base.intermediate_size, base.num_attention_heads) == (256, 1024, 4)
    assert generator_config(ConvBertConfig.tiny(), 1 / 4, num_hidden_layers=2).num_hidden_layers == 2
    with pytest.raises(ValueError, match=r"hidden_size 128 x fraction 0\.3 is 38\.4"):
        generator_config(ConvBertConfig.tiny(), 0.3)


@pytest.mark.parametrize(
    "field", ["vocab_size", "embedding_size", "max_position_embeddings", "type_vocab_size"]
)
def test_models_that_cannot_share_embeddings_are_refused(field: str):
    config = tiny_config()
    other = tiny_config(**{field: getattr(config, field) + 16})
    with pytest.raises(ValueError, match=f"the generator has {field} {getattr(other, field)}"):
        ReplacedTokenObjective(ConvBertForMaskedLM(other), ConvBertForPreTraining(config))


def test_embeddings_can_be_taken_over_before_sharing():
    config = tiny_config()
    generator, discriminator = ConvBertForMaskedLM(config), ConvBertForPreTraining(config)
    copy_embeddings(generator, discriminator)
    for name in SHARED:
        ours = getattr(generator.encoder.embeddings, name).weight
        assert torch.equal(ours, getattr(discriminator.encoder.embeddings, name).weight)
