"""A BERT that is read as an attention-only model computes what transformers' BERT computes."""

import json
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from convbert_edu import ConvBertForMaskedLM, ConvBertModel
from convbert_edu.data.datasets import sources
from convbert_edu.extras.bert_checkpoint import find_bert, load_bert
from tiny_bert import padded_batch, save_tiny_bert
from wheel_index import build_wheel


def compare(ours: torch.Tensor, theirs: torch.Tensor, tolerance: float) -> None:
    real = padded_batch()["attention_mask"].bool()
    torch.testing.assert_close(ours[real], theirs[real], atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-9)])
def test_every_hidden_state_and_attention_map_equals_that_of_transformers(
    tmp_path: Path, dtype: torch.dtype, tolerance: float
):
    theirs = save_tiny_bert(tmp_path, attn_implementation="eager").to(dtype)
    ours = load_bert(tmp_path).to(dtype)
    assert isinstance(ours, ConvBertModel)
    inside = {"output_hidden_states": True, "output_attentions": True}
    with torch.no_grad():
        found, expected = ours(**padded_batch(), **inside), theirs(**padded_batch(), **inside)
    assert len(found.hidden_states) == len(expected.hidden_states) == 5
    for one, other in zip(found.hidden_states, expected.hidden_states, strict=True):
        compare(one, other, tolerance)
    for one, other in zip(found.attentions, expected.attentions, strict=True):
        compare(one.transpose(1, 2), other.transpose(1, 2), tolerance)


@pytest.mark.parametrize("kind", [transformers.BertForMaskedLM, transformers.BertForPreTraining])
def test_the_masked_lm_head_comes_along(tmp_path: Path, kind: type[transformers.PreTrainedModel]):
    theirs, ours = save_tiny_bert(tmp_path, kind), load_bert(tmp_path)
    assert isinstance(ours, ConvBertForMaskedLM)
    with torch.no_grad():
        found, expected = ours(**padded_batch()), theirs(**padded_batch())
    compare(
        found.logits, expected["prediction_logits" if "prediction_logits" in expected else "logits"], 1e-4
    )


def test_a_head_for_another_task_is_left_behind_and_named(tmp_path: Path):
    theirs, ours = save_tiny_bert(tmp_path, transformers.BertForSequenceClassification), load_bert(tmp_path)
    with torch.no_grad():
        compare(ours(**padded_batch()).last_hidden_state, theirs.bert(**padded_batch())[0], 1e-5)
    assert "classifier.weight" in ours.loading_report.ignored


def test_a_pickle_with_old_names_gives_the_same(tmp_path: Path):
    """As in google-bert/bert-base-uncased: prefix, gamma and beta, position_ids; here as a pickle of tensors."""
    theirs = save_tiny_bert(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    (tmp_path / "model.safetensors").unlink()
    old = {
        "bert."
        + name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): t
        for name, t in tensors.items()
    }
    assert any("gamma" in name for name in old)
    torch.save(old | {"bert.embeddings.position_ids": torch.arange(40)[None]}, tmp_path / "pytorch_model.bin")
    with torch.no_grad():
        compare(load_bert(tmp_path)(**padded_batch()).last_hidden_state, theirs(**padded_batch())[0], 1e-5)


def test_a_head_with_another_activation_than_ours_stays_behind(tmp_path: Path):
    save_tiny_bert(tmp_path, transformers.BertForMaskedLM, hidden_act="relu")
    assert isinstance(load_bert(tmp_path), ConvBertModel)


def test_a_model_in_a_wheel_is_unpacked_once_and_found_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("CONVBERT_EDU_CACHE", str(tmp_path))
    files = {"tiny_teacher/model/config.json": "{}", "tiny_teacher/model/deep/vocab.txt": "a\n"}
    path = tmp_path / "tiny_teacher-1.0-py3-none-any.whl"
    build_wheel(path, files)
    source = sources.Source(
        "teacher", "tiny-teacher", "1.0", sources.sha256_of(path), "tiny_teacher/model/", "", "", ""
    )
    monkeypatch.setitem(sources.MODEL_SOURCES, "teacher", source)
    folder = find_bert("teacher")
    found = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    assert found == {"config.json", "deep/vocab.txt"}
    path.unlink()
    assert find_bert("teacher") == folder
    with pytest.raises(ValueError, match="revision is 'v2', but 'teacher' is a model in a wheel"):
        find_bert("teacher", "v2")
    with pytest.raises(ValueError, match="no model 'another' in a wheel; choose one of minilm"):
        sources.unpack_model("another")


# Refusals ------------------------------------------------------------------------------------------------


def change_config(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("kind", "config", "what", "why"),
    [
        (transformers.RobertaModel, transformers.RobertaConfig, "'roberta'", "positions.*byte pairs"),
        (
            transformers.DistilBertModel,
            transformers.DistilBertConfig,
            "'distilbert'",
            "no embedding of token types",
        ),
        (
            transformers.GPT2Model,
            transformers.GPT2Config,
            "'gpt2'",
            "looks to the left only.*missing are embeddings",
        ),
    ],
)
def test_a_checkpoint_that_is_no_bert_is_named_with_what_is_missing(
    tmp_path: Path, kind: type, config: type, what: str, why: str
):
    sizes = dict(vocab_size=50, max_position_embeddings=20)
    if kind is transformers.RobertaModel:
        sizes |= dict(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)
    elif kind is transformers.DistilBertModel:
        sizes |= dict(dim=16, n_layers=1, n_heads=2, hidden_dim=16)
    else:
        sizes = dict(vocab_size=50, n_positions=20, n_embd=16, n_layer=1, n_head=2)
    kind(config(**sizes)).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=f"(?s)holds a {what}.*only a BERT.*{why}.*Take a BERT such as"):
        load_bert(tmp_path)


def test_a_config_that_says_bert_does_not_make_one(tmp_path: Path):
    save_tiny_bert(tmp_path)
    save_file({"something.weight": torch.zeros(2)}, tmp_path / "model.safetensors")
    with pytest.raises(
        ValueError, match=r"holds no BERT.*missing are embeddings.word_embeddings.weight, .* more"
    ):
        load_bert(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"position_embedding_type": "relative_key"},
            "position_embedding_type is 'relative_key'.*must be 'absolute'",
        ),
        ({"is_decoder": True}, "is_decoder is True.*must be false.*take a BERT that is an encoder"),
        ({"add_cross_attention": True}, "add_cross_attention is True.*must be false"),
        (
            {"num_attention_heads": 7},
            r"hidden_size is 48; it must be a multiple of num_attention_heads \(7\)",
        ),
    ],
)
def test_a_bert_that_convbert_cannot_follow_is_refused(tmp_path: Path, change: dict, message: str):
    save_tiny_bert(tmp_path)
    change_config(tmp_path, **change)
    with pytest.raises(ValueError, match=message):
        load_bert(tmp_path)


def test_a_folder_without_configuration_is_refused(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"config.json is missing"):
        load_bert(tmp_path)
