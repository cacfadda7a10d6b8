"""The game of generator and discriminator, rule by rule."""

import copy

import pytest
import torch

from convbert_edu import ConvBertConfig, ConvBertForMaskedLM, ConvBertForPreTraining
from convbert_edu.pretraining.objectives import (
    SHARED,
    ReplacedTokenDetection,
    copy_embeddings,
    draw_words,
    generator_config,
)
from helpers import tiny_config
from rounds import make_round


def make_game(seed: int = 0, **options) -> ReplacedTokenDetection:
    torch.manual_seed(seed)
    config = tiny_config(initializer_range=0.3)
    generator = ConvBertForMaskedLM(generator_config(config, 1 / 4))
    return ReplacedTokenDetection(generator, ConvBertForPreTraining(config), **options)


def replay(game: ReplacedTokenDetection, batch: dict) -> torch.Tensor:
    """What the discriminator is given: the guesses of the generator in place of the hidden words."""
    logits = game.generator(batch["input_ids"], batch["attention_mask"], batch["token_type_ids"]).logits
    forged = batch["original_ids"].clone()
    for place, draw in zip(batch["hidden_places"].tolist(), batch["draws"].tolist(), strict=True):
        ends = torch.softmax(logits.flatten(0, 1)[place].double(), dim=0).cumsum(0)
        forged.view(-1)[place] = int((ends <= draw * ends[-1]).sum())
    return forged


def test_the_loss_is_that_of_both_models_with_labels():
    game, batch = make_game(), make_round()
    output = game(**batch)
    forged = replay(game, batch)
    replaced = forged != batch["original_ids"]
    assert 0 < replaced.sum() <= len(batch["hidden_places"])
    assert torch.equal(output.replaced, replaced)
    labels = replaced.long().masked_fill(~batch["is_word"], -100)
    discriminator = game.discriminator(
        forged, batch["attention_mask"], batch["token_type_ids"], labels=labels
    )
    mlm_labels = torch.full_like(forged, -100)
    mlm_labels.view(-1)[batch["hidden_places"]] = batch["original_ids"].flatten()[batch["hidden_places"]]
    generator = game.generator(
        batch["input_ids"], batch["attention_mask"], batch["token_type_ids"], labels=mlm_labels
    )
    torch.testing.assert_close(output.loss, generator.loss + 50 * discriminator.loss)
    torch.testing.assert_close(output.detection_loss, discriminator.loss * batch["is_word"].sum())
    torch.testing.assert_close(output.scores, discriminator.logits)


def test_a_word_that_is_guessed_right_counts_as_original():
    game, batch = make_game(), make_round()
    with torch.no_grad():  # a generator that always says 7
        game.generator.masked_lm_head.decoder.bias[7] = 1e4
    batch["original_ids"].view(-1)[batch["hidden_places"][:2]] = 7
    output = game(**batch)
    expected = torch.zeros_like(batch["is_word"])
    expected.view(-1)[batch["hidden_places"][2:]] = True
    assert torch.equal(output.replaced, expected)
    assert output.guessed_right == 2


def test_special_tokens_and_padding_do_not_count():
    game, batch = make_game(), make_round()
    first = game(**batch)
    for place in ((0, 0), (1, -1), (2, -1)):  # [CLS], [SEP], padding: each would add to the loss
        changed = dict(batch, is_word=batch["is_word"].clone())
        assert not changed["is_word"][place]
        changed["is_word"][place] = True
        assert game(**changed).detection_loss > first.detection_loss


def test_the_generator_learns_nothing_from_the_discriminator_but_through_shared_embeddings():
    """With and without the discriminator's loss the generator's own gradients are the same to the last bit."""
    batch, gradients = make_round(), []
    for rtd_weight in (0.0, 50.0):
        game = make_game(rtd_weight=rtd_weight)
        game(**batch).loss.backward()
        gradients.append({name: p.grad for name, p in game.generator.named_parameters()})
    shared = {f"encoder.embeddings.{name}" for name in SHARED}
    for name, without in gradients[0].items():
        same = torch.equal(without, gradients[1][name])
        assert same == (name.rpartition(".")[0] not in shared), name
        assert without.abs().sum() > 0 or "key.bias" in name, name


def test_the_discriminator_learns_from_its_own_loss_only():
    game, batch = make_game(rtd_weight=0.0), make_round()
    game(**batch).loss.backward()
    own = [
        p.grad for n, p in game.discriminator.named_parameters() if not n.startswith("encoder.embeddings.")
    ]
    assert all(gradient is None or not gradient.any() for gradient in own)


def test_the_embedding_block_is_one_and_the_projections_are_two():
    game = make_game()
    ours, theirs = game.generator.encoder.embeddings, game.discriminator.encoder.embeddings
    for name in SHARED:
        assert getattr(ours, name) is getattr(theirs, name)
    assert game.generator.masked_lm_head.decoder.weight is theirs.word.weight
    assert ours.projection.weight.shape != theirs.projection.weight.shape


def test_a_frozen_generator_is_left_as_it_is():
    torch.manual_seed(0)
    config = tiny_config(hidden_dropout_prob=0.5, initializer_range=0.3)
    generator, discriminator = ConvBertForMaskedLM(config), ConvBertForPreTraining(config)
    before = copy.deepcopy(generator.state_dict())
    game = ReplacedTokenDetection(generator, discriminator, freeze_generator=True).train()
    assert not generator.training
    assert discriminator.training
    assert generator.encoder.embeddings.word is not discriminator.encoder.embeddings.word
    batch = make_round()
    output = game(**batch)
    output.loss.backward()
    torch.testing.assert_close(output.loss, 50 * output.detection_loss / batch["is_word"].sum())
    assert all(parameter.grad is None for parameter in generator.parameters())
    assert all(parameter.grad is not None for parameter in discriminator.parameters())
    assert torch.equal(game(**batch).replaced, output.replaced)  # no dropout in the guesses
    for name, tensor in generator.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_words_are_drawn_as_often_as_their_probability_says():
    probabilities = torch.tensor([0.0, 0.5, 0.25, 0.0, 0.2, 0.05])
    count = 10_000
    draws = (torch.arange(count) + 0.5) / count
    drawn = draw_words(probabilities.log().expand(count, -1), draws)
    assert torch.bincount(drawn, minlength=6).tolist() == [0, 5000, 2500, 0, 2000, 500]
    edges = draw_words(probabilities.log().expand(2, -1), torch.tensor([0.0, 1.0]))
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
        ReplacedTokenDetection(ConvBertForMaskedLM(other), ConvBertForPreTraining(config))


def test_embeddings_can_be_taken_over_before_sharing():
    config = tiny_config()
    generator, discriminator = ConvBertForMaskedLM(config), ConvBertForPreTraining(config)
    copy_embeddings(generator, discriminator)
    for name in SHARED:
        ours = getattr(generator.encoder.embeddings, name).weight
        assert torch.equal(ours, getattr(discriminator.encoder.embeddings, name).weight)
