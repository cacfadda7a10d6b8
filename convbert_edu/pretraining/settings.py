"""Every setting of a run over a token file, and of pretraining, which is one (lessons 08 and 15).

FREE_TO_CHANGE says which of them may change when a run goes on.
"""

from dataclasses import dataclass, field
from typing import Any

from convbert_edu.config import ConvBertConfig
from convbert_edu.device import PRECISIONS
from convbert_edu.training import settings
from convbert_edu.training.settings import Settings, setting

OBJECTIVES = ("masked_lm", "replaced_token")
PRESETS = ("tiny", "small", "medium_small", "base")
FREE_TO_CHANGE = settings.FREE_TO_CHANGE | {"stop_after", "evaluate_every", "evaluate_sequences"}


@dataclass(kw_only=True)
class TokenFileSettings(Settings):
    """What pretraining and distillation have in common: masked tokens, steps, machine and record.

    The defaults are those of pretraining. Raises ValueError, naming the field, for values that cannot work.
    """

    # The masked tokens.
    mask_probability: float = setting(0.15, "share of the tokens that are masked")
    mask_share: float = setting(0.85, "share of the masked tokens that become [MASK]; the others stay")
    whole_word_masking: bool = setting(False, "mask all pieces of a word together")

    # The steps.
    steps: int = setting(10_000, "updates of the weights")
    stop_after: int | None = setting(
        None, "end at this step already; a later run may go on from there with --resume"
    )
    batch_size: int = setting(64, "sequences of one process in one micro-batch")
    gradient_accumulation_steps: int = setting(1, "micro-batches whose gradients are added up for one step")
    max_length: int | None = setting(None, "cut longer sequences to this; None: as they were packed")
    learning_rate: float = setting(5e-4, "the highest learning rate, reached after the warm-up")
    warmup_steps: int = setting(500, "steps over which the learning rate rises")
    beta1: float = setting(0.9, "Adam's memory of gradients")
    beta2: float = setting(0.999, "Adam's memory of squared gradients")
    weight_decay: float = setting(0.01, "pull of the weights towards 0; biases and LayerNorms are left alone")
    max_grad_norm: float = setting(1.0, "gradient norm above which gradients are scaled down to it")
    dropout: float = setting(
        0.1, "share of numbers set to zero at random; the saved configuration keeps its own for fine-tuning"
    )
    seed: int = setting(0, "of the random numbers: initialisation, order, masked and sampled tokens, dropout")

    # The machine.
    precision: str = setting("auto", "float32, bfloat16, or auto: bfloat16 where the hardware is fast at it")
    gradient_checkpointing: bool = setting(
        False, "less memory, more time: layers are computed again for their gradients"
    )
    threads: int | None = setting(None, "threads of the CPU; None: as many as PyTorch takes by itself")

    # The record.
    checkpoint_minutes: float = setting(10.0, "minutes between checkpoints")
    log_every: int = setting(50, "steps between lines of the log")
    evaluate_every: int = setting(1000, "steps between measurements on held-out text; 0: only at the end")
    evaluate_sequences: int = setting(1000, "held-out sequences that are measured")

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_one_of("precision", PRECISIONS)
        for name in ("steps", "batch_size", "gradient_accumulation_steps", "log_every", "evaluate_sequences"):
            self.require(name, lambda value: value >= 1, "at least 1")
        for name in ("weight_decay", "checkpoint_minutes", "evaluate_every"):
            self.require(name, lambda value: value >= 0, "at least 0")
        for name in ("learning_rate", "max_grad_norm"):
            self.require(name, lambda value: value > 0, "above 0")
        for name in ("dropout", "beta1", "beta2"):
            self.require(name, lambda value: 0 <= value < 1, "from 0 to below 1")
        for name in ("mask_probability", "mask_share"):
            self.require(name, lambda value: 0 < value <= 1, "above 0 and up to 1")
        self.require(
            "warmup_steps", lambda value: 0 <= value < self.steps, f"from 0 to below steps ({self.steps})"
        )
        for name in ("threads", "stop_after"):
            self.require(name, lambda value: value is None or value >= 1, "at least 1, or None")
        # [CLS] and [SEP] alone leave nothing to mask.
        self.require("max_length", lambda value: value is None or value >= 3, "at least 3, or None")


@dataclass(kw_only=True)
class PretrainSettings(TokenFileSettings):
    """The settings of a pretraining run. Raises ValueError, naming the field, for values that cannot work."""

    # What is trained.
    objective: str = setting("replaced_token", "or masked_lm: one model alone, which predicts masked tokens")
    preset: str = setting("tiny", "or small, medium_small, base: size of the model (of the discriminator)")
    sizes: dict[str, Any] = field(
        default_factory=dict, metadata={"meaning": "fields of ConvBertConfig that replace the preset's"}
    )
    generator_fraction: float = setting(0.25, "width of the generator as a share of the discriminator's")
    generator_sizes: dict[str, Any] = field(
        default_factory=dict, metadata={"meaning": "fields that replace the generator's"}
    )
    start_generator: str | None = setting(
        None, "folder of a masked language model to start from (its sizes count)"
    )
    start_discriminator: str | None = setting(
        None, "folder of a model whose encoder starts the discriminator"
    )
    freeze_generator: bool = setting(
        False, "leave the generator as it is: no loss of its own, nothing shared"
    )

    # The loss.
    rtd_weight: float = setting(50.0, "weight of replaced-token detection, beside the generator's loss")
    cls_mlm_weight: float = setting(
        0.0, "weight of predicting the masked tokens from [CLS] alone (masked_lm only)"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_one_of("objective", OBJECTIVES)
        self.require_one_of("preset", PRESETS)
        for name in ("sizes", "generator_sizes"):
            self.require_config_fields(name)
        for name in ("rtd_weight", "cls_mlm_weight"):
            self.require(name, lambda value: value >= 0, "at least 0")
        self.require("generator_fraction", lambda value: 0 < value <= 1, "above 0 and up to 1")
        if self.freeze_generator and (self.objective != "replaced_token" or self.start_generator is None):
            raise ValueError(
                "freeze_generator is true; that needs objective 'replaced_token' and a trained generator in "
                "start_generator"
            )
        if self.start_discriminator is not None and self.objective != "replaced_token":
            raise ValueError(
                f"start_discriminator is {self.start_discriminator!r}, but objective 'masked_lm' trains no "
                "discriminator; name the model to start from in start_generator"
            )
        if self.cls_mlm_weight and self.objective != "masked_lm":
            raise ValueError(
                f"cls_mlm_weight is {self.cls_mlm_weight}; it works with objective 'masked_lm' only"
            )

    def model_config(self, vocab_size: int, pad_token_id: int) -> ConvBertConfig:
        """Return the configuration that `preset` and `sizes` describe, for a vocabulary."""
        preset = getattr(ConvBertConfig, self.preset)
        return preset(**({"vocab_size": vocab_size, "pad_token_id": pad_token_id} | self.sizes))
