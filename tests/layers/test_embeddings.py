"""Embeddings are the sums that one can write by hand."""

import torch
from torch import nn

from convbert_edu.layers import Embeddings
from helpers import randomise, tiny_config
from tolerance import assert_same_numbers


def build(**changes: object) -> Embeddings:
    embeddings = Embeddings(tiny_config(**changes)).eval()
    randomise(embeddings)
    return embeddings


def by_hand(embeddings: Embeddings, words: torch.Tensor, positions: list, types: list) -> torch.Tensor:
    """Sum, LayerNorm and projection for one sentence, written out."""
    rows = []
    for word, position, token_type in zip(words, positions, types, strict=True):
        vector = word + embeddings.position.weight[position] + embeddings.token_type.weight[token_type]
        vector = (vector - vector.mean()) / torch.sqrt(vector.var(unbiased=False) + 1e-12)
        vector = vector * embeddings.layer_norm.weight + embeddings.layer_norm.bias
        if embeddings.projection is not None:
            vector = embeddings.projection.weight @ vector + embeddings.projection.bias
        rows.append(vector)
    return torch.stack(rows)


def test_word_position_and_type_are_added_normalised_and_projected():
    embeddings = build()
    ids, types, positions = [5, 7, 7], [0, 1, 1], [4, 0, 9]
    actual = embeddings(torch.tensor([ids]), torch.tensor([types]), torch.tensor([positions]))
    expected = by_hand(embeddings, embeddings.word.weight[ids], positions, types)
    assert_same_numbers(actual[0], expected)


def test_types_are_0_and_positions_count_from_0_unless_given():
    embeddings = build()
    actual = embeddings(torch.tensor([[5, 7, 7], [1, 2, 3]]))
    for row, ids in enumerate([[5, 7, 7], [1, 2, 3]]):
        expected = by_hand(embeddings, embeddings.word.weight[ids], [0, 1, 2], [0, 0, 0])
        assert_same_numbers(actual[row], expected)


def test_vectors_already_looked_up_give_the_same():
    embeddings, ids = build(), torch.tensor([[5, 7, 7]])
    vectors = embeddings.word.weight[ids]
    assert_same_numbers(embeddings(inputs_embeds=vectors), embeddings(ids))


def test_one_row_of_positions_serves_all_sentences():
    embeddings, ids = build(), torch.tensor([[5, 7, 7], [1, 2, 3]])
    positions = torch.tensor([[3, 4, 5]])
    both = embeddings(ids, position_ids=positions.expand(2, 3))
    assert_same_numbers(embeddings(ids, position_ids=positions), both)


def test_a_projection_stands_only_between_different_sizes():
    assert isinstance(build(embedding_size=16).projection, nn.Linear)
    assert isinstance(build(embedding_size=48).projection, nn.Linear)
    assert build(embedding_size=32).projection is None


def test_dropout_falls_in_training_only():
    embeddings = build(hidden_dropout_prob=0.5, embedding_size=32)
    ids = torch.tensor([[5, 7, 7]])
    assert_same_numbers(embeddings(ids), embeddings(ids))
    still, dropped = embeddings(ids), embeddings.train()(ids)
    kept = dropped != 0
    assert 0 < kept.sum() < kept.numel()
    assert_same_numbers(dropped[kept], 2 * still[kept])


def test_dropout_falls_before_the_projection():
    embeddings = build(hidden_dropout_prob=0.5, embedding_size=16).train()
    projected = []
    embeddings.projection.register_forward_hook(lambda _, given, out: projected.extend([given[0], out]))
    result = embeddings(torch.tensor([[5, 7, 7]]))
    given, out = projected
    assert 0.2 < (given == 0).float().mean() < 0.8
    assert torch.equal(result, out)


def test_the_row_of_the_padding_token_learns_nothing():
    embeddings = build(pad_token_id=3)
    embeddings(torch.tensor([[3, 4]])).square().sum().backward()
    assert not embeddings.word.weight.grad[3].any()
    assert embeddings.word.weight.grad[4].any()
