"""Every number that steers a distillation, and which of them may change when a run goes on."""

from dataclasses import dataclass

from convbert_edu.training import settings
from convbert_edu.training.settings import Settings

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
    # Folder of the ConvBERT to start from, such as `convbert-edu convert --from-bert` writes.
    student: str
    # A BERT: a folder, OWNER/NAME on the hub, or "minilm".
    teacher: str = "minilm"
    # Which layer of the teacher each layer of the student is compared with; None: evenly spread, last with last.
    layers: list | None = None

    # The loss: a weighted sum.
    # Of the squared difference between hidden states, over the variance of the teacher's, mean over layers.
    hidden_weight: float = 1.0
    # Of the difference (Kullback-Leibler) between attention maps, for the heads that stayed self-attention.
    attention_weight: float = 0.0
    # Of masked language modelling; 0: the student has no such head.
    masked_lm_weight: float = 0.0
    # Of replaced-token detection, the student's own guesses being the replacements; 0: no such head.
    rtd_weight: float = 0.0

    # What is read.
    # "masked": student and teacher read the same masked text. "student_masked": the teacher reads the original.
    # "original": both read the original, and the student reads the masked text once more for its guesses.
    inputs: str = "masked"
    mask_probability: float = 0.15
    # Share of the masked tokens that become [MASK]; the others stay as they are.
    mask_share: float = 0.85
    whole_word_masking: bool = False

    # The steps.
    steps: int = 10_000
    # End at this step already; a later run may go on from there with --resume.
    stop_after: int | None = None
    # Sequences of one process in one micro-batch.
    batch_size: int = 16
    gradient_accumulation_steps: int = 1
    # Cut longer sequences to this; None: as they were packed.
    max_length: int | None = None
    # The highest, reached after the warm-up, of the weights that come from the teacher.
    learning_rate: float = 3e-4
    # The same for the weights that start anew: span-aware keys, kernels, projection and heads.
    new_learning_rate: float = 2e-3
    warmup_steps: int = 100
    beta1: float = 0.9
    beta2: float = 0.98
    # Not applied to biases and LayerNorms.
    weight_decay: float = 0.01
    max_grad_norm: float = 1.0
    # In training; the saved configuration keeps its own for fine-tuning.
    dropout: float = 0.0
    # Of new weights, order, masked tokens, guesses and dropout.
    seed: int = 0

    # The machine.
    precision: str = "auto"
    gradient_checkpointing: bool = False
    threads: int | None = None

    # The record.
    checkpoint_minutes: float = 10.0
    log_every: int = 50
    evaluate_every: int = 1000
    evaluate_sequences: int = 500

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
