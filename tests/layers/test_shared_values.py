"""config.shared_values: one V for both branches, as in the paper's formula.

transformers computes the same where its two value layers hold the same numbers: that is what ours is compared with.
"""

from pathlib import Path

import onnxruntime
import pytest
import torch
import transformers

from convbert_edu import ConvBertConfig, ConvBertForMaskedLM, ConvBertForSequenceClassification, ConvBertModel
from convbert_edu.checkpoints.loading import to_transformers_names
from convbert_edu.config_checks import CONVOLUTIONS
from convbert_edu.extras.conversion import convert
from convbert_edu.extras.onnx import export_onnx, exported_names
from convbert_edu.layers import SpanDynamicConvolution
from convbert_edu.pretraining.settings import PretrainSettings
from convbert_edu.pretraining.setup import make_objective
from convbert_edu.tokenizer import ConvBertTokenizer
from helpers import randomise, tiny_config
from models.cases import build, inputs_of_size
from tolerance import assert_same_numbers

IDS = torch.arange(2, 20).view(2, 9)
VALUE = "encoder.layer.{}.attention.self.value"
THEIR_SECOND = "encoder.layer.{}.attention.self.conv_out_layer"


def test_it_equals_transformers_with_two_equal_value_layers_gradients_too():
    config = tiny_config(shared_values=True)
    ours = ConvBertModel(config).double().eval()
    randomise(ours)
    named = to_transformers_names(ours)
    for layer in range(2):
        for part in ("weight", "bias"):
            named[f"{THEIR_SECOND.format(layer)}.{part}"] = named[f"{VALUE.format(layer)}.{part}"]
    theirs = transformers.ConvBertModel(transformers.ConvBertConfig(**config.to_dict())).double().eval()
    assert theirs.load_state_dict(named, strict=False).unexpected_keys == []

    mask = torch.ones_like(IDS)
    mask[1, 6:] = 0
    mine, reference = (model(IDS, mask).last_hidden_state for model in (ours, theirs))
    assert_same_numbers(mine, reference)

    for states in (mine, reference):
        states[mask == 1].square().sum().backward()
    for number, layer in enumerate(ours.layers):
        # V feeds both branches, so its gradient is the sum of what the two layers get there.
        both = [theirs.get_parameter(f"{name.format(number)}.weight").grad for name in (VALUE, THEIR_SECOND)]
        assert_same_numbers(layer.attention.self_attention.value.weight.grad, both[0] + both[1])


@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_every_kind_of_convolution_can_share_and_lacks_one_matrix(kind: str):
    shared, own = (
        ConvBertModel(tiny_config(convolution=kind, shared_values=sharing)) for sharing in (True, False)
    )
    # Per layer one matrix, 32 x 16, and a bias of 16.
    assert own.num_parameters() - shared.num_parameters() == 2 * (32 * 16 + 16)
    assert not any("convolution.value" in name for name in shared.state_dict())


@pytest.mark.parametrize("changes", [{}, {"head_ratio": 4}, {"head_ratio": 4, "gamma_bottleneck": True}])
def test_sizes_of_the_branches_agree_for_every_gamma(changes: dict):
    model = build(ConvBertModel, shared_values=True, **changes)
    assert model(IDS).last_hidden_state.shape == (2, 9, 32)


def test_with_mask_convolution_padding_changes_nothing():
    model = build(ConvBertModel, shared_values=True, mask_convolution=True)
    padded = torch.cat([IDS, torch.full((2, 5), 7)], dim=1)
    mask = (torch.arange(14) < 9).long().expand(2, -1)
    with torch.no_grad():
        assert_same_numbers(model(padded, mask).last_hidden_state[:, :9], model(IDS).last_hidden_state)


def test_a_layer_by_itself_asks_for_the_values(as_a_user: None):
    convolution = SpanDynamicConvolution(tiny_config(shared_values=True))
    with pytest.raises(ValueError, match=r"shared_values is true.*give it those of self-attention"):
        convolution(torch.zeros(1, 3, 16), torch.zeros(1, 3, 32))


def test_it_is_saved_and_loaded(tmp_path: Path):
    model = build(ConvBertForSequenceClassification, shared_values=True)
    model.save_pretrained(tmp_path)
    assert ConvBertConfig.from_pretrained(tmp_path).shared_values
    loaded = ConvBertForSequenceClassification.from_pretrained(tmp_path)
    assert loaded.loading_report.newly_initialised == []
    assert loaded.loading_report.ignored == []
    assert_same_numbers(loaded(IDS).logits, model(IDS).logits)
    with pytest.raises(ValueError, match=r"missing: .*convolution\.value\.weight"):
        ConvBertModel.from_pretrained(tmp_path, shared_values=False)


def test_transformers_lacks_the_second_values_and_the_conversion_says_so(tmp_path: Path):
    build(ConvBertModel, shared_values=True).save_pretrained(tmp_path / "source")
    report = convert(tmp_path / "source", tmp_path / "target")
    (note,) = [note for note in report.notes if note.startswith("transformers cannot")]
    assert "takes the values of self-attention (shared_values)" in note
    _, found = transformers.ConvBertModel.from_pretrained(tmp_path / "target", output_loading_info=True)
    assert {name.split(".self.")[1].split(".")[0] for name in found["missing_keys"]} == {"conv_out_layer"}


def test_it_runs_outside_this_package(tmp_path: Path, as_a_user: None):
    model = build(ConvBertForSequenceClassification, shared_values=True, num_hidden_layers=1)
    export_onnx(model, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    inputs = inputs_of_size(ConvBertForSequenceClassification, 3, 12)
    feed = {name: value.numpy() for name, value in inputs.items()}
    (found,) = session.run(exported_names(model), feed)
    with torch.no_grad():
        assert_same_numbers(torch.from_numpy(found), model(**inputs).logits)


def test_pretraining_takes_it_as_a_setting_for_both_models():
    tokenizer = ConvBertTokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b"])
    settings = PretrainSettings(sizes={"shared_values": True, "num_hidden_layers": 1})
    objective = make_objective(settings, tokenizer, max_length=8)
    for model in (objective.generator, objective.discriminator):
        assert model.encoder.layers[0].attention.convolution.value is None


def test_a_step_of_training_reaches_every_weight():
    model = ConvBertForMaskedLM(tiny_config(shared_values=True))
    randomise(model)
    model(IDS, labels=IDS).loss.backward()
    unreached = [name for name, each in model.named_parameters() if each.grad is None or not each.grad.any()]
    # The key's bias adds the same number to all scores of a row, which softmax takes away again.
    assert [name for name in unreached if not name.endswith("self_attention.key.bias")] == []
