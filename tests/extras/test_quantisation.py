"""int8 files: a third of the size, with vectors that point nearly the same way."""

import onnxruntime
import pytest
import torch
from torch.nn import functional as F

from convbert_edu import ConvBertModel, ConvBertTokenizer
from convbert_edu.extras.onnx import export_onnx, quantise_onnx

TEXTS = ["A fine film that nobody will forget.", "Two hours of my life, gone; the tin was rusty.", "Dull!"]


def test_int8_vectors_are_near_the_models_and_the_file_is_small(as_a_user, tmp_path):
    model = ConvBertModel.from_pretrained("convbert-tiny")
    exact, rounded = tmp_path / "exact.onnx", tmp_path / "int8.onnx"
    export_onnx(model, exact)
    quantise_onnx(exact, rounded)
    assert rounded.stat().st_size < 0.4 * exact.stat().st_size
    batch = ConvBertTokenizer.from_pretrained("convbert-tiny")(TEXTS, padding=True, return_tensors="pt")
    found = onnxruntime.InferenceSession(rounded).run(
        None, {name: ids.numpy() for name, ids in batch.items()}
    )[0]
    with torch.no_grad():
        expected = model(**batch).last_hidden_state
    real = batch["attention_mask"].bool()
    likeness = F.cosine_similarity(torch.from_numpy(found)[real], expected[real], dim=-1)
    assert likeness.min() > 0.98
    assert likeness.mean() > 0.99


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.onnx is not a file; write it first"):
        quantise_onnx(tmp_path / "nothing.onnx", tmp_path / "int8.onnx")
    assert list(tmp_path.iterdir()) == []
