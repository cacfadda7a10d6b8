"""config.convolution: each of the three kinds stands in a whole model, computes what its formula says, and learns."""

from pathlib import Path

import onnxruntime
import pytest
import torch
import transformers
from safetensors.torch import load_file

from convbert_edu import ConvBertConfig, ConvBertForMaskedLM, ConvBertForSequenceClassification, ConvBertModel
from convbert_edu.config_checks import CONVOLUTIONS
from convbert_edu.extras.conversion import convert
from convbert_edu.extras.onnx import export_onnx, exported_names
from convbert_edu.layers import DynamicConvolution, FixedConvolution, MixedAttention, SpanDynamicConvolution
from convbert_edu.models.initialisation import init_weights
from convbert_edu.pretraining.settings import PretrainSettings
from convbert_edu.pretraining.setup import make_objective
from convbert_edu.tokenizer import ConvBertTokenizer
from helpers import randomise, tiny_config
from models.cases import build, inputs_of_size
from tolerance import assert_same_numbers

KINDS = {"span": SpanDynamicConvolution, "dynamic": DynamicConvolution, "fixed": FixedConvolution}
OTHERS = ("dynamic", "fixed")
IDS = torch.arange(2, 20).view(2, 9)


def scores_by_hand(kind: str, weights: dict[str, torch.Tensor], query: torch.Tensor, inputs: torch.Tensor):
    """What softmax turns into kernels: [batch, seq, 2 heads, 5 weights], token by token."""
    scores = torch.zeros(*inputs.shape[:2], 2, 5)
    for t in range(inputs.shape[1]):
        if kind == "fixed":
            scores[:, t] = weights["kernel"]
            continue
        token = query[:, t]
        if kind == "span":
            filtered = torch.zeros_like(inputs[:, 0])
            for j in range(5):
                if 0 <= t + j - 2 < inputs.shape[1]:
                    filtered += inputs[:, t + j - 2] * weights["span_key.depthwise"][:, j]
            token = token * (filtered @ weights["span_key.pointwise.weight"].T + weights["span_key.bias"])
        scores[:, t] = (token @ weights["kernel.weight"].T + weights["kernel.bias"]).view(-1, 2, 5)
    return scores


def test_every_kind_that_a_configuration_may_name_is_tested_here():
    assert tuple(KINDS) == CONVOLUTIONS


@pytest.mark.parametrize("kind", KINDS)
def test_mixed_attention_computes_what_the_formulas_say(kind: str):
    attention = MixedAttention(tiny_config(convolution=kind))
    randomise(attention)
    assert type(attention.convolution) is KINDS[kind]
    inputs = torch.randn(2, 7, 32)
    with torch.no_grad():
        output, _, kernels = attention(inputs)
        query = inputs @ attention.query.weight.T + attention.query.bias
        far, _ = attention.self_attention(query, inputs)
    weights = {name: each.detach() for name, each in attention.convolution.named_parameters()}
    values = inputs @ weights["value.weight"].T + weights["value.bias"]
    expected = scores_by_hand(kind, weights, query.detach(), inputs).softmax(dim=-1)
    near = torch.zeros_like(values)
    for t in range(7):
        for j in range(5):
            for head in range(2):
                mine = slice(8 * head, 8 * head + 8)
                if 0 <= t + j - 2 < 7:
                    near[:, t, mine] += expected[:, t, head, j, None] * values[:, t + j - 2, mine]
    assert_same_numbers(kernels.transpose(1, 2), expected)
    mixed = torch.cat([far, near], dim=-1) @ attention.output.weight.T + attention.output.bias
    assert_same_numbers(output, mixed.detach())


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_of_training_reaches_every_weight(kind: str):
    model = ConvBertForMaskedLM(tiny_config(convolution=kind))
    randomise(model)
    model(IDS, labels=IDS).loss.backward()
    unreached = [name for name, each in model.named_parameters() if each.grad is None or not each.grad.any()]
    # The key's bias adds the same number to all scores of a row, which softmax takes away again.
    assert [name for name in unreached if not name.endswith("self_attention.key.bias")] == []


def test_the_kinds_differ_by_the_parts_that_they_lack():
    sizes = {kind: ConvBertModel(tiny_config(convolution=kind)).num_parameters() for kind in KINDS}
    # Per layer: filters 32 x 5, pointwise 32 x 16, bias 16; and W_f, 16 x 10 + 10, becomes 2 kernels of 5.
    assert sizes["span"] - sizes["dynamic"] == 2 * (32 * 5 + 32 * 16 + 16)
    assert sizes["dynamic"] - sizes["fixed"] == 2 * (16 * 10 + 10 - 2 * 5)


def test_fixed_kernels_are_initialised_like_other_weights():
    config = tiny_config(convolution="fixed", num_hidden_layers=4, conv_kernel_size=39)
    model = ConvBertModel(config)
    init_weights(model, std=3.0)
    kernels = torch.stack([layer.attention.convolution.kernel for layer in model.layers])
    # 312 numbers: their standard deviation is known to 4%.
    assert 2.4 < kernels.std().item() < 3.6


@pytest.mark.parametrize("kind", OTHERS)
def test_it_is_saved_and_loaded(kind: str, tmp_path: Path):
    model = build(ConvBertForSequenceClassification, convolution=kind)
    model.save_pretrained(tmp_path)
    assert ConvBertConfig.from_pretrained(tmp_path).convolution == kind
    loaded = ConvBertForSequenceClassification.from_pretrained(tmp_path)
    assert loaded.loading_report.newly_initialised == []
    assert loaded.loading_report.ignored == []
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, loaded.state_dict()[name]), name
    assert_same_numbers(loaded(IDS).logits, model(IDS).logits)


@pytest.mark.parametrize("kind", OTHERS)
def test_weights_of_another_kind_are_refused_and_missing_ones_named(kind: str, tmp_path: Path):
    build(ConvBertModel, convolution=kind).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"missing: .*convolution\.span_key\.depthwise"):
        ConvBertModel.from_pretrained(tmp_path, convolution="span")


@pytest.mark.parametrize("kind", OTHERS)
def test_transformers_lacks_the_kernels_and_the_conversion_says_so(kind: str, tmp_path: Path):
    build(ConvBertModel, convolution=kind).save_pretrained(tmp_path / "source")
    report = convert(tmp_path / "source", tmp_path / "target")
    (note,) = [note for note in report.notes if note.startswith("transformers cannot")]
    assert f"its convolution is '{kind}', and transformers knows only 'span'" in note
    _, found = transformers.ConvBertModel.from_pretrained(tmp_path / "target", output_loading_info=True)
    lacking = {name.split(".self.")[1].split(".")[0] for name in found["missing_keys"]}
    assert lacking == {"key_conv_attn_layer", "conv_kernel_layer"}
    names = load_file(tmp_path / "target" / "model.safetensors")
    kept = [name for name in names if ".convolution." in name]
    assert len(kept) == {"fixed": 2, "dynamic": 4}[kind]


@pytest.mark.parametrize("kind", OTHERS)
def test_it_runs_outside_this_package(kind: str, tmp_path: Path, as_a_user: None):
    model = build(ConvBertForSequenceClassification, convolution=kind, num_hidden_layers=1)
    export_onnx(model, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    for batch, seq in ((1, 1), (3, 40)):
        inputs = inputs_of_size(ConvBertForSequenceClassification, batch, seq)
        feed = {name: value.numpy() for name, value in inputs.items()}
        (found,) = session.run(exported_names(model), feed)
        with torch.no_grad():
            assert_same_numbers(torch.from_numpy(found), model(**inputs).logits)


@pytest.mark.parametrize("kind", OTHERS)
def test_pretraining_takes_it_as_a_setting_for_both_models(kind: str):
    tokenizer = ConvBertTokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b"])
    settings = PretrainSettings(sizes={"convolution": kind, "num_hidden_layers": 1})
    objective = make_objective(settings, tokenizer, max_length=8)
    for model in (objective.generator, objective.discriminator):
        assert type(model.encoder.layers[0].attention.convolution) is KINDS[kind]
