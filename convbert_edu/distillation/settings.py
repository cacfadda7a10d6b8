"""Every number that steers a distillation, and which of them may change when a run goes on."""

import dataclasses
from dataclasses import dataclass

from convbert_edu.training import settings
from convbert_edu.training.settings import Settings, setting

CHOICES = {
    "inputs": ("masked", "student_masked", "original"),
    "precision": ("auto", "float32", "bfloat16"),
}
# Student and teacher are known by the hashes of their weights, wherever they lie.
FREE_TO_CHANGE = settings.FREE_TO_CHANGE | {
    "stop_after", "evaluate_every", "evaluate_sequences", "student", "teacher"
}  # fmt: skip


@dataclass(kw_only=True)
class DistillationSettings(Settings):
    """The settings of a distillation. Raises ValueError, naming the field, for values that cannot work."""

    # Who learns from whom.
    student: str = dataclasses.field(
        metadata={
            "meaning": "folder of the ConvBERT to start from, as `convbert-edu convert --from-bert` writes it"
        }
    )
    teacher: str = setting("minilm", "a BERT: a folder, OWNER/NAME on the hub, or minilm")
    layers: list | None = setting(
        None,
        "which layer of the teacher each layer of the student is compared with; null: evenly spread, last with last",
    )

    # The loss: a weighted sum.
    hidden_weight: float = setting(
        1.0, "weight of the squared difference between hidden states, over the teacher's variance"
    )
    attention_weight: float = setting(
        0.0, "weight of the divergence between attention maps, for heads that stayed self-attention"
    )
    masked_lm_weight: float = setting(
        0.0, "weight of masked language modelling; 0: the student has no such head"
    )
    rtd_weight: float = setting(
        0.0, "weight of replaced-token detection with the student's own samples; 0: no such head"
    )

    # What is read.
    inputs: str = setting(
        "masked",
        "masked: both read masked text; student_masked: the teacher reads the original; original: both read it",
    )
    mask_probability: float = setting(0.15, "share of the tokens that are masked")
    mask_share: float = setting(0.85, "share of the masked tokens that become [MASK]; the others stay")
    whole_word_masking: bool = setting(False, "mask all pieces of a word together")

    # The steps.
    steps: int = setting(10_000, "updates of the weights")
    stop_after: int | None = setting(
        None, "end at this step already; a later run may go on from there with --resume"
    )
    batch_size: int = setting(16, "sequences of one process in one micro-batch")
    gradient_accumulation_steps: int = setting(1, "micro-batches whose gradients are added up for one step")
    max_length: int | None = setting(None, "cut longer sequences to this; null: as they were packed")
    learning_rate: float = setting(3e-4, "the highest learning rate of weights that come from the teacher")
    new_learning_rate: float = setting(
        2e-3, "the same for weights that start anew: span-aware keys, kernels, projection and heads"
    )
    warmup_steps: int = setting(100, "steps over which the learning rate rises")
    beta1: float = setting(0.9, "Adam's memory of gradients")
    beta2: float = setting(0.98, "Adam's memory of squared gradients")
    weight_decay: float = setting(0.01, "pull of the weights towards 0; biases and LayerNorms are left alone")
    max_grad_norm: float = setting(1.0, "norm to which a longer gradient is cut")
    dropout: float = setting(0.0, "in training; the saved configuration keeps its own for fine-tuning")
    seed: int = setting(0, "of new weights, order, masked tokens, sampled tokens and dropout")

    # The machine.
    precision: str = setting("auto", "auto: bfloat16 where the hardware has it; or float32, bfloat16")
    gradient_checkpointing: bool = setting(
        False, "less memory, more time: layers are computed again for their gradients"
    )
    threads: int | None = setting(None, "of the CPU; null: as many as PyTorch takes by itself")

    # The record.
    checkpoint_minutes: float = setting(10.0, "between checkpoints")
    log_every: int = setting(50, "steps between lines of the log")
    evaluate_every: int = setting(1000, "steps between measurements on held-out text; 0: only at the end")
    evaluate_sequences: int = setting(500, "held-out sequences that are measured")

    def __post_init__(self) -> None:
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} is {getattr(self, name)!r}; choose one of {', '.join(allowed)}")
        for name in ("steps", "batch_size", "gradient_accumulation_steps", "log_every", "evaluate_sequences"):
            self.require(name, lambda value: value >= 1, "at least 1")
        weights = ("hidden_weight", "attention_weight", "masked_lm_weight", "rtd_weight")
        for name in (*weights, "weight_decay", "checkpoint_minutes", "evaluate_every"):
            self.require(name, lambda value: value >= 0, "at least 0")
        for name in ("learning_rate", "new_learning_rate", "max_grad_norm"):
            self.require(name, lambda value: value > 0, "above 0")
        for name in ("dropout", "beta1", "beta2"):
            self.require(name, lambda value: 0 <= value < 1, "from 0 to below 1")
        for name in ("mask_probability", "mask_share"):
            self.require(name, lambda value: 0 < value <= 1, "above 0 and up to 1")
        self.require(
            "warmup_steps", lambda value: 0 <= value < self.steps, f"from 0 to below steps ({self.steps})"
        )
        for name in ("threads", "max_length", "stop_after"):
            self.require(name, lambda value: value is None or value >= 1, "at least 1, or None")
        if not any(getattr(self, name) for name in weights):
            raise ValueError(f"{', '.join(weights)} are all 0, so there is nothing to learn; set one above 0")
        if self.rtd_weight and not self.masked_lm_weight:
            raise ValueError(
                f"rtd_weight is {self.rtd_weight} but masked_lm_weight is 0; the replacements are the student's own "
                "guesses at masked tokens, so set masked_lm_weight above 0 as well"
            )
