"""Averages over sentences against the measures of each sentence alone; the script that compares models."""

import json

import pytest
import torch
from click.testing import CliRunner

import locality
from convbert_edu import ConvBertForMaskedLM, ConvBertModel, ConvBertTokenizer
from convbert_edu.analysis import attended_distance, kernels_as_map, mass_in_window, measure_locality
from helpers import randomise, tiny_config

TEXTS = ["a b c a b", "c a", "b b b a", "", "a c c", "c b a b c"]


@pytest.fixture
def tokenizer() -> ConvBertTokenizer:
    return ConvBertTokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "c"])


@pytest.fixture
def model() -> ConvBertForMaskedLM:
    model = ConvBertForMaskedLM(tiny_config()).eval()
    randomise(model)
    return model


@pytest.mark.parametrize("field", ["attentions", "conv_kernels"])
@pytest.mark.parametrize("words_only", [True, False])
def test_means_equal_those_of_single_sentences(model, tokenizer, field, words_only):
    found = measure_locality(model, tokenizer, TEXTS, field, windows=(3,), words_only=words_only)
    distances, masses = [], []
    for text in filter(None, TEXTS):
        ids = tokenizer(text, return_tensors="pt")["input_ids"]
        inside = model(ids, output_attentions=True, output_conv_kernels=True)
        maps = torch.cat(getattr(inside, field)).detach()  # [layers, heads, seq, ...]
        maps = kernels_as_map(maps) if field == "conv_kernels" else maps
        if words_only:
            maps = maps[..., 1:-1] / maps[..., 1:-1].sum(dim=-1, keepdim=True)
            maps = torch.nn.functional.pad(maps, (1, 1))
        distances.append(attended_distance(maps)[..., 1:-1].mean(dim=-1))
        masses.append(mass_in_window(maps, 3)[..., 1:-1].mean(dim=-1))
    assert found.sentences == 5
    torch.testing.assert_close(found.distance, torch.stack(distances).mean(dim=0))
    torch.testing.assert_close(found.mass[3], torch.stack(masses).mean(dim=0))
    error = 1.96 * torch.stack(distances).std(dim=0) / 5**0.5
    torch.testing.assert_close(found.distance_error, error)


def test_looking_everywhere_alike_is_counted_by_hand(model, tokenizer):
    found = measure_locality(model, tokenizer, ["a b c", "b c a"], windows=(3,))
    # Words 1, 2, 3: means of 0 1 2, 1 0 1, 2 1 0.
    assert found.even_distance == pytest.approx((1 + 2 / 3 + 1) / 3)
    assert found.even_mass[3] == pytest.approx((2 / 3 + 1 + 2 / 3) / 3)


def test_too_few_texts_are_refused(model, tokenizer):
    with pytest.raises(ValueError, match="1 of the texts have a word in them; at least 2 are needed"):
        measure_locality(model, tokenizer, ["a", ""])


def test_kernels_that_a_model_does_not_have_are_refused(tokenizer):
    bert = ConvBertModel(tiny_config(attention_only=True)).eval()
    with pytest.raises(ValueError, match=r"field is 'conv_kernels'; of this model choose one of attentions$"):
        measure_locality(bert, tokenizer, TEXTS, "conv_kernels")


def test_the_script_compares_models_with_and_without_convolution(model, tokenizer, tmp_path, monkeypatch):
    bert = ConvBertModel(tiny_config(attention_only=True)).eval()
    for name, each in (("convbert", model), ("run/generator", bert)):
        each.save_pretrained(tmp_path / name)
        tokenizer.save_pretrained(tmp_path / name)
    monkeypatch.setattr(locality, "held_out_texts", lambda: TEXTS)
    record = {"steps": 5, "tokens": 100, "held_out": {"masked_lm_accuracy": 0.5}}
    (tmp_path / "run" / "record.json").write_text(json.dumps(record | {"seconds": 1.0}))
    names = [f"--model=ours={tmp_path / 'convbert'}", f"--model=theirs={tmp_path / 'run/generator'}"]
    result = CliRunner().invoke(locality.main, [*names, f"--output={tmp_path / 'found.json'}"])
    assert result.exit_code == 0, result.output
    found = json.loads((tmp_path / "found.json").read_text())
    both = {"parameters", "attention", "attention_special_tokens_too"}
    assert found["ours"].keys() == both | {"convolution"}
    assert found["theirs"].keys() == both | {"pretraining"}
    assert found["theirs"]["parameters"] == sum(weights.numel() for weights in bert.parameters())
    assert found["theirs"]["pretraining"] == record
    assert len(found["theirs"]["attention"]["distance"][0]) == 4  # heads
    expected = measure_locality(model, tokenizer, TEXTS)
    torch.testing.assert_close(
        torch.tensor(found["ours"]["attention"]["distance"]), expected.distance, atol=1e-4, rtol=0
    )
    assert "looking everywhere alike" in result.output
