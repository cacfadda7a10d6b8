"""`convbert-edu convert` with checkpoints of the authors' TensorFlow 1 code, read from their files."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

from convbert_edu import ConvBertForMaskedLM, ConvBertTokenizer
from helpers import randomise
from tensorflow_checkpoints import (
    CHECKPOINTS,
    FIXTURES,
    VOCABULARY,
    assert_authors_outputs,
    convert,
    variables_of,
    write_checkpoint,
)
from tolerance import assert_same_numbers

pytestmark = pytest.mark.tensorflow


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_a_converted_checkpoint_gives_the_authors_outputs(name: str, tmp_path: Path):
    result = convert(FIXTURES / name / "model.ckpt-7", tmp_path / "ours")
    assert result.exit_code == 0, result.output
    assert f"wrote {tmp_path / 'ours'}: ConvBertForPreTraining" in result.output
    assert "has no vocab.txt, so no tokenizer was written" in result.output
    assert_authors_outputs(tmp_path / "ours", name)
    assert sorted(path.name for path in (tmp_path / "ours").iterdir()) == ["config.json", "model.safetensors"]


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_transformers_opens_what_it_can_and_the_rest_is_announced(name: str, tmp_path: Path):
    result = convert(FIXTURES / name / "model.ckpt-7", tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["gamma_bottleneck"] == (name == "gamma4")
    if name == "gamma4":
        assert "transformers cannot open" in result.output
        assert "with head_ratio 4 its heads are 32 channels wide together" in result.output
        return
    assert "it opens" in result.output
    expected = {
        key: torch.from_numpy(value) for key, value in np.load(FIXTURES / name / "expected.npz").items()
    }
    theirs = transformers.AutoModel.from_pretrained(tmp_path)
    with torch.no_grad():
        states = theirs(expected["input_ids"], expected["input_mask"], expected["segment_ids"])
    assert_same_numbers(states.last_hidden_state, expected["sequence_output"])


def in_tensorflow(model: transformers.ConvBertForMaskedLM) -> dict[str, np.ndarray]:
    """A generator of transformers as the authors' variables; written without this package's table of names."""
    table = {
        r"^convbert\.embeddings\.(\w+_embeddings)\.weight$": r"electra/embeddings/\1",
        r"^convbert\.embeddings\.": "electra/embeddings/",
        r"^convbert\.embeddings_project\.": "generator/embeddings_project/",
        r"^convbert\.encoder\.layer\.": "generator/encoder/layer_",
        r"^generator_lm_head\.bias$": "generator_predictions/output_bias",
        r"key_conv_attn_layer\.(\w+wise)\.weight": r"conv_attn_key/\1_kernel",
        r"key_conv_attn_layer": "conv_attn_key",
        r"conv_kernel_layer": "conv_attn_kernel",
        r"conv_out_layer": "conv_attn_point",
        r"LayerNorm\.weight": "LayerNorm/gamma",
        r"LayerNorm\.bias": "LayerNorm/beta",
        r"[./]weight$": "/kernel",
        r"\.": "/",
    }
    variables = {}
    for name, parameter in model.named_parameters():
        array = parameter.detach().numpy()
        if name.endswith("conv_attn_layer.bias"):
            array = array[:, 0]
        elif "wise" in name:
            array = array.transpose(2, 0, 1) if "depthwise" in name else array.transpose(2, 1, 0)
        elif array.ndim == 2 and "_embeddings" not in name:
            array = array.T
        for pattern, replacement in table.items():
            name = re.sub(pattern, replacement, name)
        variables[name] = array
    return variables


def test_a_generator_is_converted_too_with_sizes_of_its_own(tmp_path: Path):
    config = transformers.ConvBertConfig(
        vocab_size=97, embedding_size=16, hidden_size=24, num_hidden_layers=3, num_attention_heads=2,
        intermediate_size=40, max_position_embeddings=40, conv_kernel_size=9, pad_token_id=0,
    )  # fmt: skip
    theirs = transformers.ConvBertForMaskedLM(config).eval()
    randomise(theirs)
    variables = variables_of("small_like")
    shared = {  # the generator has the discriminator's embeddings
        "word_embeddings.weight": "word_embeddings",
        "position_embeddings.weight": "position_embeddings",
        "token_type_embeddings.weight": "token_type_embeddings",
        "LayerNorm.weight": "LayerNorm/gamma",
        "LayerNorm.bias": "LayerNorm/beta",
    }
    theirs.convbert.embeddings.load_state_dict(
        {name: torch.from_numpy(variables[f"electra/embeddings/{tail}"]) for name, tail in shared.items()},
        strict=False,
    )
    variables |= in_tensorflow(theirs)
    variables |= {f"{name}/adam_m": np.zeros_like(array) for name, array in variables.items()}
    write_checkpoint(tmp_path / "model.ckpt-9", variables)
    shutil.copy(FIXTURES / "small_like" / "config.json", tmp_path)
    (tmp_path / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n")

    result = convert(tmp_path / "model.ckpt-9", tmp_path / "ours")
    assert result.exit_code == 0, result.output
    assert f"wrote {tmp_path / 'ours' / 'generator'}: ConvBertForMaskedLM" in result.output
    assert_authors_outputs(tmp_path / "ours", "small_like")
    ours = ConvBertForMaskedLM.from_pretrained(tmp_path / "ours" / "generator")
    assert not ours.config.gamma_bottleneck
    inputs = {
        "input_ids": torch.randint(97, (2, 12)),
        "attention_mask": torch.tensor([[1] * 12, [1] * 7 + [0] * 5]),
    }
    with torch.no_grad():
        assert_same_numbers(ours(**inputs).logits, theirs(**inputs).logits)
    for folder in (tmp_path / "ours", tmp_path / "ours" / "generator"):
        assert ConvBertTokenizer.from_pretrained(folder).tokenize("naively") == ["naive", "##ly"]


def test_the_small_models_generator_is_wider_inside_than_transformers_has_it(tmp_path: Path):
    """One head: the authors' is as wide as the model, in each branch; transformers' is half as wide."""
    rng = np.random.default_rng(0)
    hidden, kernel = 16, 9
    shapes = {
        "attention/self/query/kernel": (hidden, hidden), "attention/self/query/bias": (hidden,),
        "attention/self/key/kernel": (hidden, hidden), "attention/self/key/bias": (hidden,),
        "attention/self/value/kernel": (hidden, hidden), "attention/self/value/bias": (hidden,),
        "attention/self/conv_attn_point/kernel": (hidden, hidden), "attention/self/conv_attn_point/bias": (hidden,),
        "attention/self/conv_attn_kernel/kernel": (hidden, kernel), "attention/self/conv_attn_kernel/bias": (kernel,),
        "attention/self/conv_attn_key/depthwise_kernel": (kernel, hidden, 1),
        "attention/self/conv_attn_key/pointwise_kernel": (1, hidden, hidden),
        "attention/self/conv_attn_key/bias": (hidden,),
        "attention/output/dense/kernel": (2 * hidden, hidden), "attention/output/dense/bias": (hidden,),
        "attention/output/LayerNorm/gamma": (hidden,), "attention/output/LayerNorm/beta": (hidden,),
        "intermediate/dense/kernel": (hidden, 32), "intermediate/dense/bias": (32,),
        "output/dense/kernel": (32, hidden), "output/dense/bias": (hidden,),
        "output/LayerNorm/gamma": (hidden,), "output/LayerNorm/beta": (hidden,),
    }  # fmt: skip
    shapes = {f"generator/encoder/layer_0/{name}": shape for name, shape in shapes.items()}
    for name, shape in {"dense/kernel": (hidden, 16), "dense/bias": (16,), "output_bias": (97,)}.items():
        shapes[f"generator_predictions/{name}"] = shape
    shapes |= dict.fromkeys([f"generator_predictions/LayerNorm/{name}" for name in ("gamma", "beta")], (16,))
    generator = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    write_checkpoint(tmp_path / "model.ckpt-9", variables_of("small_like") | generator)
    shutil.copy(FIXTURES / "small_like" / "config.json", tmp_path)
    result = convert(tmp_path / "model.ckpt-9", tmp_path / "ours")
    assert result.exit_code == 0, result.output
    assert f"transformers cannot open {tmp_path / 'ours' / 'generator'}: with head_ratio 2" in result.output
    config = ConvBertForMaskedLM.from_pretrained(tmp_path / "ours" / "generator").config
    assert (config.num_attention_heads, config.branch_size, config.gamma_bottleneck) == (1, 16, True)


@pytest.mark.parametrize("ending", [".index", ".data-00000-of-00001"])
def test_one_of_the_files_names_the_checkpoint_too(ending: str, tmp_path: Path):
    assert convert(FIXTURES / "small_like" / f"model.ckpt-7{ending}", tmp_path / "ours").exit_code == 0
    assert_authors_outputs(tmp_path / "ours", "small_like")


@pytest.mark.parametrize("kind", ["ours", "transformers"])
def test_the_configuration_may_be_in_other_names(kind: str, tmp_path: Path):
    checkpoint = tmp_path / "theirs" / "model.ckpt-7"
    shutil.copytree(FIXTURES / "small_like", checkpoint.parent)
    config = {"hidden_size": 48, "embedding_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4,
              "intermediate_size": 96, "vocab_size": 97, "max_position_embeddings": 40}  # fmt: skip
    named = {
        "ours": {"gamma_bottleneck": False},
        "transformers": {"model_type": "convbert", "pad_token_id": 1},
    }
    (checkpoint.parent / "config.json").write_text(json.dumps(config | named[kind]))
    assert convert(checkpoint, tmp_path / "ours").exit_code == 0
    assert_authors_outputs(tmp_path / "ours", "small_like")
    written = json.loads((tmp_path / "ours" / "config.json").read_text())
    assert written["pad_token_id"] == named[kind].get("pad_token_id", 0)
