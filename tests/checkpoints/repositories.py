"""Repositories with small random weights, each with something that a loader of published models may trip over."""

import io
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors.torch import save
from torch import Tensor, nn

from helpers import randomise, tiny_config
from models.cases import EVERY_MODEL

Files = dict[str, bytes]
CLASSES = tuple(model.__name__ for model in EVERY_MODEL if hasattr(transformers, model.__name__))
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"word{number}" for number in range(94))]
VOCABULARY = "".join(f"{word}\n" for word in WORDS).encode()


def theirs(class_name: str, **changes: Any) -> transformers.PreTrainedModel:
    """A model of transformers with weights far from their start."""
    fields = tiny_config(**changes).to_dict()
    model = getattr(transformers, class_name)(transformers.ConvBertConfig(**fields))
    randomise(model)
    return model.eval()


def config_of(model: transformers.PreTrainedModel, **changes: Any) -> bytes:
    """The model's config.json with some fields changed; None leaves a field out."""
    fields = {**model.config.to_diff_dict(), "architectures": [type(model).__name__], **changes}
    return json.dumps({name: value for name, value in fields.items() if value is not None}).encode()


def tensors_of(model: transformers.PreTrainedModel) -> dict[str, Tensor]:
    """The tensors that a file of this model holds: a tied weight is left out."""
    tensors = {name: tensor.detach().clone() for name, tensor in model.named_parameters()}
    return {name: tensor for name, tensor in tensors.items() if name != "generator_lm_head.weight"}


def pickled(tensors: dict[str, Tensor], **options: Any) -> bytes:
    """The bytes of a pytorch_model.bin."""
    buffer = io.BytesIO()
    torch.save(tensors, buffer, **options)
    return buffer.getvalue()


def plain(class_name: str, **changes: Any) -> Files:
    """A repository without anything special: what transformers saves."""
    model = theirs(class_name, **changes)
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        files = {path.name: path.read_bytes() for path in Path(folder).iterdir()}
    return files | {"vocab.txt": VOCABULARY}


def same_weights(first: nn.Module, second: nn.Module) -> bool:
    """Say whether two models hold the same numbers."""
    one, other = first.state_dict(), second.state_dict()
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def _with_pickle(
    class_name: str, change: Callable[[dict[str, Tensor]], dict] = dict, **options: Any
) -> Files:
    model = theirs(class_name)
    return {
        "config.json": config_of(model),
        "pytorch_model.bin": pickled(change(tensors_of(model)), **options),
    }


def _without_prefix(class_name: str) -> Files:
    return _with_pickle(
        class_name,
        lambda tensors: {name.removeprefix("convbert."): tensor for name, tensor in tensors.items()},
    )


def _with_prefix(class_name: str) -> Files:
    def prefixed(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        return {
            f"convbert.{name}" if name.startswith(("embeddings", "encoder.")) else name: tensor
            for name, tensor in tensors.items()
        }

    return _with_pickle(class_name, prefixed)


def _with_buffers(class_name: str) -> Files:
    numbers = torch.arange(40).unsqueeze(0)
    prefix = "" if class_name == "ConvBertModel" else "convbert."
    buffers = {f"{prefix}embeddings.{name}": numbers for name in ("position_ids", "token_type_ids")}
    return _with_pickle(class_name, lambda tensors: buffers | tensors)


def _with_more_heads(class_name: str) -> Files:
    def more(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        others = {
            "generator_predictions.dense.weight": torch.ones(16, 32),
            "generator_lm_head.bias": torch.ones(99),
            "discriminator_predictions.dense.weight": torch.ones(32, 32),
            "qa_outputs.weight": torch.ones(2, 32),
            "pooler.dense.bias": torch.ones(7),
        }
        return others | tensors

    return _with_pickle(class_name, more)


def _first_revision(class_name: str) -> Files:
    model = theirs(class_name)
    config = config_of(
        model, model_type="conv_bert", architectures=["ConvBertForPreTraining"], directionality="bidi", xla_device=True,
        pad_token_id=None, type_vocab_size=None,
    )  # fmt: skip
    return {"config.json": config, "pytorch_model.bin": pickled(tensors_of(model)), "vocab.txt": VOCABULARY}


def sharded(class_name: str, ending: str) -> Files:
    """A repository whose weights lie in three files with an index."""
    model, tensors = theirs(class_name), tensors_of(theirs(class_name))
    main = {"safetensors": "model.safetensors", "bin": "pytorch_model.bin"}[ending]
    weight_map, files = {}, {"config.json": config_of(model)}
    for number in range(3):
        part = dict(list(tensors.items())[number::3])
        name = main.replace(".", f"-0000{number + 1}-of-00003.")
        files[name] = save(part, metadata={"format": "pt"}) if ending == "safetensors" else pickled(part)
        weight_map |= dict.fromkeys(part, name)
    index = {"metadata": {"total_size": 1}, "weight_map": weight_map}
    files[f"{main}.index.json"] = json.dumps(index).encode()
    return files


QUIRKS: dict[str, Callable[[str], Files]] = {
    "safetensors": plain,
    "pickle": _with_pickle,
    "pickle from before 2020": lambda name: _with_pickle(name, _use_new_zipfile_serialization=False),
    "no prefix": _without_prefix,
    "prefix": _with_prefix,
    "buffers": _with_buffers,
    "more heads": _with_more_heads,
    "first revision": _first_revision,
    "half precision": lambda name: _with_pickle(
        name, lambda tensors: {key: tensor.half() for key, tensor in tensors.items()}
    ),
    "sharded safetensors": lambda name: sharded(name, "safetensors"),
    "sharded pickle": lambda name: sharded(name, "bin"),
    "6 heads, 1 group": lambda name: plain(name, num_attention_heads=6, hidden_size=36, num_groups=1),
    "embedding wider than hidden": lambda name: plain(
        name, embedding_size=48, hidden_size=24, max_position_embeddings=26
    ),
}
