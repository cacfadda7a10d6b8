"""ConvBertConfig: every number that fixes the shape of a ConvBERT, with the published presets.

Lessons 01 to 05 meet the fields one by one, where the layer that they shape is built.
"""

import dataclasses
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from convbert_edu.checkpoints.folder import resolve_folder
from convbert_edu.config_checks import check_config
from convbert_edu.config_json import CONFIG_FILE, fields_from_json, settle_labels
from convbert_edu.files import atomic_write, file_inside, read_json_object


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
    # Before head_ratio, the paper's gamma, divides them.
    num_attention_heads: int = 12
    head_ratio: int = 2
    # k: tokens in the window of one convolution.
    conv_kernel_size: int = 9
    # Width inside the feed-forward part, and the groups it is cut into; 1 is the ordinary dense layer.
    intermediate_size: int = 3072
    num_groups: int = 1
    hidden_act: str = "gelu"
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    # None: the same as hidden_dropout_prob.
    classifier_dropout: float | None = None
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    pad_token_id: int | None = 1
    bos_token_id: int | None = 0
    eos_token_id: int | list[int] | None = 2
    tie_word_embeddings: bool = True
    is_decoder: bool = False
    add_cross_attention: bool = False

    # What the heads need to know.
    # None: as many as id2label has, or 2.
    num_labels: int | None = None
    id2label: dict[int, str] | None = None
    label2id: dict[str, int] | None = None
    problem_type: str | None = None
    # The token that multiple choice scores: the "last" one as in transformers, or the "first", [CLS].
    summary_type: str = "last"
    # What fine-tuning decided and the Predictor needs: by the task's name, the tokens of a row and the task's options.
    task_specific_params: dict[str, dict[str, Any]] | None = None
    output_attentions: bool = False
    output_hidden_states: bool = False

    # Where we go beyond transformers; off by default.
    # Padding never enters a convolution window.
    mask_convolution: bool = False
    # head_ratio as in the authors' code: each branch is hidden_size / gamma wide.
    gamma_bottleneck: bool = False
    # Every head is self-attention: BERT, to compare with.
    attention_only: bool = False
    # What a kernel is made from: the token and its "span" as in the paper (SDConv), the token alone ("dynamic",
    # DConv), or nothing ("fixed", LConv).
    convolution: str = "span"
    # The convolution takes the values of self-attention, one V for both branches, as in the paper's formula; the
    # published codes give it values of its own.
    shared_values: bool = False
    output_conv_kernels: bool = False

    # Fields of a config.json that this package does not know, and those that say nothing about the model
    # (config_json.METADATA_FIELDS).
    extra: dict[str, Any] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

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
        """Heads that stay self-attention; the convolution branch, if there is one, has as many."""
        if self.attention_only:
            return self.num_attention_heads
        return max(1, self.num_attention_heads // self.head_ratio)

    @property
    def head_size(self) -> int:
        """Channels of one head.

        transformers gives each branch half of hidden_size, whatever the ratio; the authors' code keeps the
        head size of plain BERT, so that each branch is hidden_size / gamma wide. Equal at gamma = 2.
        """
        if self.gamma_bottleneck or self.attention_only:
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
    def field_names(cls) -> set[str]:
        """Return the names of the fields that a model can be given: all but what came with a file."""
        return {field.name for field in dataclasses.fields(cls)} - {"extra", "notes"}

    @classmethod
    def from_dict(cls, values: dict[str, Any], **overrides: Any) -> Self:
        """Build a configuration from the fields of a config.json, ours or transformers'.

        Fields that this package does not know are kept in `extra`, with a warning, and written back by `to_dict`.
        Raises ValueError for values that cannot be built and TypeError for overrides that do not exist.
        """
        known = cls.field_names()
        unknown = sorted(set(overrides) - known)
        if unknown:
            raise TypeError(f"ConvBertConfig has no field {unknown}; the fields are {sorted(known)}")
        fields, notes, unknown = fields_from_json(values, overrides, known)
        return cls(**fields, notes=notes, extra=unknown)

    def to_dict(self) -> dict[str, Any]:
        """Return every field as plain JSON values, labels by name, unknown fields included, notes left out."""
        values = dataclasses.asdict(self)
        del values["notes"]
        values |= values.pop("extra")
        values["model_type"] = "convbert"
        # id2label says how many there are.
        del values["num_labels"]
        return values

    @classmethod
    def from_pretrained(
        cls, name_or_path: str | os.PathLike, revision: str | None = None, **overrides: Any
    ) -> Self:
        """Read `config.json` of a local folder, a bundled model or a repository on the hub.

        `revision` is a branch, tag or commit of a repository; `overrides` replace single fields.
        Raises FileNotFoundError without such a file and ValueError where it is not a JSON object.
        """
        path = file_inside(resolve_folder(name_or_path, "config", revision), CONFIG_FILE)
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
