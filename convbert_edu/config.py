"""ConvBertConfig: every number that fixes the shape of a ConvBERT, with the published presets."""

import dataclasses
import json
import os
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from convbert_edu.config_checks import check_config
from convbert_edu.config_labels import settle_labels, with_whole_number_keys
from convbert_edu.files import atomic_write

CONFIG_FILE = "config.json"

# Fields that transformers writes into every config.json. They say nothing about the model's arithmetic:
# they are kept and written back, without a word.
BOOKKEEPING = frozenset(
    "_name_or_path architectures attn_implementation chunk_size_feed_forward directionality dtype "
    "gradient_checkpointing is_encoder_decoder model_type return_dict tokenizer_class torch_dtype "
    "transformers_version use_cache xla_device".split()
)
LABEL_FIELDS = ("num_labels", "id2label", "label2id")


@dataclass(kw_only=True)
class ConvBertConfig:
    """Hyper-parameters of a ConvBERT; names and defaults are those of transformers' configuration.

    The defaults are the paper's base model. `small()`, `medium_small()`, `base()` are the three published
    sizes; `tiny()` is ours, for two CPU cores.
    Raises ValueError, naming field, value, rule and remedy, for every combination that cannot be built.
    """

    vocab_size: int = 30522
    embedding_size: int = 768
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12  # before head_ratio removes some
    head_ratio: int = 2  # the paper's gamma
    conv_kernel_size: int = 9  # words that one kernel weighs
    intermediate_size: int = 3072  # width inside the feed-forward part
    num_groups: int = 1  # groups of the feed-forward part; 1 is the ordinary dense layer
    hidden_act: str = "gelu"
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    classifier_dropout: float | None = None  # None: the same as hidden_dropout_prob
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    pad_token_id: int | None = 1
    bos_token_id: int | None = 0
    eos_token_id: int | list[int] | None = 2
    tie_word_embeddings: bool = True
    is_decoder: bool = False
    add_cross_attention: bool = False

    # What the heads need to know.
    num_labels: int | None = None  # None: as many as id2label has, or 2
    id2label: dict[int, str] | None = None
    label2id: dict[str, int] | None = None
    problem_type: str | None = None
    summary_type: str = "last"  # multiple choice: "last" token like transformers, or "first"
    output_attentions: bool = False
    output_hidden_states: bool = False

    # Where we go beyond transformers; off by default.
    mask_convolution: bool = False  # padding never enters a convolution window
    gamma_bottleneck: bool = (
        False  # head_ratio as in the authors' code: each branch is hidden_size / gamma wide
    )
    output_conv_kernels: bool = False

    extra: dict[str, Any] = field(default_factory=dict)  # unknown fields of a config.json, kept for saving

    def __post_init__(self) -> None:
        self.num_labels, self.id2label, self.label2id = settle_labels(
            self.num_labels, self.id2label, self.label2id
        )
        check_config(self)

    # The published sizes ---------------------------------------------------------------------------------

    @classmethod
    def small(cls, **overrides: Any) -> Self:
        """ConvBERT-small: 14M parameters."""
        sizes = dict(embedding_size=128, hidden_size=256, num_attention_heads=4, intermediate_size=1024)
        return cls(**(sizes | overrides))

    @classmethod
    def medium_small(cls, **overrides: Any) -> Self:
        """ConvBERT-medium-small: 17M parameters, feed-forward in two groups."""
        sizes = dict(
            embedding_size=128, hidden_size=384, num_attention_heads=8, intermediate_size=1536, num_groups=2
        )
        return cls(**(sizes | overrides))

    @classmethod
    def base(cls, **overrides: Any) -> Self:
        """ConvBERT-base: 106M parameters; the defaults of this class."""
        return cls(**overrides)

    @classmethod
    def tiny(cls, **overrides: Any) -> Self:
        """1.9 million parameters: small enough to train on two CPU cores while you wait."""
        sizes = dict(
            vocab_size=8000,
            embedding_size=128,
            hidden_size=128,
            num_hidden_layers=4,
            num_attention_heads=4,
            intermediate_size=512,
            pad_token_id=0,
        )
        return cls(**(sizes | overrides))

    # Sizes that follow from the fields -------------------------------------------------------------------

    @property
    def num_heads_per_branch(self) -> int:
        """Heads that stay self-attention; the convolution branch has as many."""
        return max(1, self.num_attention_heads // self.head_ratio)

    @property
    def head_size(self) -> int:
        """Channels of one head.

        transformers gives each branch half of hidden_size, whatever the ratio; the authors' code keeps the
        head size of plain BERT, so that each branch is hidden_size / gamma wide. Equal at gamma = 2.
        """
        if self.gamma_bottleneck:
            return self.hidden_size // self.num_attention_heads
        return self.hidden_size // self.num_heads_per_branch // 2

    @property
    def branch_size(self) -> int:
        """Channels of all heads of one branch together."""
        return self.num_heads_per_branch * self.head_size

    @property
    def head_dropout(self) -> float:
        """Dropout inside a classification head."""
        return self.hidden_dropout_prob if self.classifier_dropout is None else self.classifier_dropout

    # Files -----------------------------------------------------------------------------------------------

    @classmethod
    def from_dict(cls, values: dict[str, Any], **overrides: Any) -> Self:
        """Build a configuration from the fields of a config.json, ours or transformers'.

        Fields that nobody here knows are kept in `extra`, with a warning, and written back by `to_dict`.
        Raises ValueError for values that cannot be built and TypeError for overrides that do not exist.
        """
        known = {f.name for f in dataclasses.fields(cls)} - {"extra"}
        unknown = sorted(set(overrides) - known)
        if unknown:
            raise TypeError(f"ConvBertConfig has no field {unknown}; the fields are {sorted(known)}")
        extra = {name: value for name, value in values.items() if name not in known}
        strange = sorted(set(extra) - BOOKKEEPING)
        if strange:
            warnings.warn(
                f"configuration fields {strange} are unknown to convbert_edu: they have no effect here, "
                "and are kept when you save",
                stacklevel=2,
            )
        labels = with_whole_number_keys(values.get("id2label")) or {}
        if "id2label" in overrides or overrides.get("num_labels", len(labels)) != len(labels):
            # New labels replace all that the file says of the old ones.
            values = {name: value for name, value in values.items() if name not in LABEL_FIELDS}
        fields = {name: value for name, value in values.items() if name in known} | overrides
        fields["id2label"] = with_whole_number_keys(fields.get("id2label"))
        return cls(**fields, extra=extra)

    def to_dict(self) -> dict[str, Any]:
        """Return every field as plain JSON values, labels by name, unknown fields included."""
        values = dataclasses.asdict(self)
        values |= values.pop("extra")
        values["model_type"] = "convbert"
        del values["num_labels"]  # id2label says it
        return values

    @classmethod
    def from_pretrained(cls, name_or_path: str | os.PathLike, **overrides: Any) -> Self:
        """Read `config.json` of a model folder; `overrides` replace single fields.

        Raises FileNotFoundError without such a file and ValueError where it is not a JSON object.
        """
        from convbert_edu.checkpoints.folder import resolve_folder

        path = resolve_folder(name_or_path) / CONFIG_FILE
        if not path.is_file():
            raise FileNotFoundError(
                f"{path} is missing; a model folder holds {CONFIG_FILE} beside its weights"
            )
        return cls.from_dict(read_json_object(path), **overrides)

    def save_pretrained(self, folder: str | os.PathLike) -> None:
        """Write `config.json` into `folder`, in a form that transformers reads too."""
        with atomic_write(Path(folder) / CONFIG_FILE, "w") as file:
            json.dump(self.to_dict(), file, indent=2, sort_keys=True, allow_nan=False)
            file.write("\n")


def read_json_object(path: Path) -> dict[str, Any]:
    """Read a file that must hold one JSON object; raises ValueError naming the file and what is wrong."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not valid JSON ({error}); download or save it again") from error
    if not isinstance(values, dict):
        raise ValueError(
            f"{path} holds a JSON {type(values).__name__}, not an object {{...}} of named fields"
        )
    return values


def _refuse_constant(name: str) -> None:
    """Python reads NaN and Infinity in JSON, and nobody else does."""
    raise ValueError(f"{name} is not a JSON number")
