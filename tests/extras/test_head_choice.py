"""Measuring and choosing heads, against plain loops over transformers' attention maps."""

from pathlib import Path

import pytest
import torch

from convbert_edu.extras.bert_checkpoint import load_bert
from convbert_edu.extras.head_choice import choose_heads, measure_heads
from tiny_bert import TEXTS, save_tiny_bert, tiny_tokenizer


def measured_by_loops(bert: torch.nn.Module, reach: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean attention mass within `reach` and at each offset, over the words of each text, then over texts."""
    mass, profile = torch.zeros(4, 6), torch.zeros(4, 6, 2 * reach + 1)
    for text in TEXTS:
        ids = tiny_tokenizer()(text)["input_ids"]
        with torch.no_grad():
            maps = bert(torch.tensor([ids]), output_attentions=True).attentions
        words = range(1, len(ids) - 1)
        for layer in range(4):
            for head in range(6):
                for here in words:
                    for offset in range(-reach, reach + 1):
                        if 0 <= here + offset < len(ids):
                            weight = maps[layer][0, head, here, here + offset] / len(words) / len(TEXTS)
                            mass[layer, head] += weight
                            profile[layer, head, offset + reach] += weight
    return mass, profile


@pytest.mark.parametrize("kernel_size", [3, 5])
def test_mass_and_profile_equal_a_loop_over_transformers_maps(tmp_path: Path, kernel_size: int):
    bert = save_tiny_bert(tmp_path, attn_implementation="eager")
    found = measure_heads(load_bert(tmp_path), tiny_tokenizer(), TEXTS, kernel_size)
    mass, profile = measured_by_loops(bert, kernel_size // 2)
    assert found.num_texts == len(TEXTS)
    torch.testing.assert_close(found.mass, mass, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(found.profile, profile, atol=1e-5, rtol=1e-4)
    assert mass.std() > 0.01, "all heads look alike, so that this shows little"


def test_the_most_local_and_the_most_global_halves():
    mass = torch.tensor([[0.1, 0.9, 0.5, 0.3], [0.8, 0.2, 0.7, 0.6]])
    assert choose_heads(mass, "local") == [[1, 2], [0, 2]]
    assert choose_heads(mass, "global") == [[0, 3], [1, 3]]


def test_random_heads_follow_from_the_seed_and_differ_between_layers():
    mass = torch.zeros(20, 12)
    chosen = choose_heads(mass, "random", seed=1)
    assert chosen == choose_heads(mass, "random", seed=1)
    assert chosen != choose_heads(mass, "random", seed=2)
    assert len({tuple(heads) for heads in chosen}) > 10
    assert all(len(set(heads)) == 6 and heads == sorted(heads) for heads in chosen)


def test_a_given_list_is_taken_in_ascending_order():
    assert choose_heads(torch.zeros(2, 4), [[3, 0], [1, 2]]) == [[0, 3], [1, 2]]


@pytest.mark.parametrize(
    ("heads", "message"),
    [
        ("nearest", "heads is 'nearest'; choose one of local, global, random"),
        ([[0, 1]], "heads has 1 lists; it must have one for each of the 2 layers"),
        ([[0, 1], [2]], r"heads\[1\] is \[2\]; it must name 2 different heads, half of the 4"),
        ([[0, 1], [2, 2]], r"heads\[1\] is \[2, 2\]; it must name 2 different heads"),
        ([[0, 4], [2, 3]], r"heads\[0\] is \[0, 4\].*0 to 3"),
        ([[-1, 1], [2, 3]], r"heads\[0\] is \[-1, 1\]"),
        ([[0, 1], [2, 1.5]], r"heads\[1\] is \[2, 1.5\]; it must be a list of whole numbers"),
        ([0, 1], r"heads\[0\] is 0; it must be a list of whole numbers"),
    ],
)
@pytest.mark.usefixtures("as_a_user")
def test_lists_that_are_no_choice_are_refused(heads: object, message: str):
    with pytest.raises(ValueError, match=message):
        choose_heads(torch.zeros(2, 4), heads)


def test_an_odd_number_of_heads_is_refused():
    with pytest.raises(
        ValueError, match=r"num_attention_heads is 3; it must be even.*take a BERT with an even"
    ):
        choose_heads(torch.zeros(2, 3))


def test_text_without_a_word_is_refused(tmp_path: Path):
    save_tiny_bert(tmp_path)
    with pytest.raises(ValueError, match="none of the 2 texts has a word"):
        measure_heads(load_bert(tmp_path), tiny_tokenizer(), ["", " "])
