"""Every number that steers a distillation, and which of them may change when a run goes on (lesson 16)."""

import dataclasses
from dataclasses import dataclass

from convbert_edu.pretraining import settings
from convbert_edu.pretraining.settings import TokenFileSettings
from convbert_edu.training.settings import setting

INPUTS = ("masked", "student_masked", "original")
# Student and teacher are known by the hashes of their weights, wherever they lie.
FREE_TO_CHANGE = settings.FREE_TO_CHANGE | {"student", "teacher"}


@dataclass(kw_only=True)
class DistillationSettings(TokenFileSettings):
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
    sentence_embedding_weight: float = setting(
        0.0,
        "weight of the squared difference between the student's last [CLS] and the mean of the teacher's last hidden "
        "states, over its variance",
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

    # The steps, where they differ from those of pretraining.
    batch_size: int = 16
    learning_rate: float = setting(3e-4, "the highest learning rate of weights that come from the teacher")
    new_learning_rate: float = setting(
        2e-3,
        "the highest learning rate of weights that start anew: span-aware keys, kernels, projection and heads",
    )
    warmup_steps: int = 100
    beta2: float = 0.98
    dropout: float = 0.0
    evaluate_sequences: int = 500

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_one_of("inputs", INPUTS)
        weights = ("hidden_weight", "sentence_embedding_weight", "attention_weight", "masked_lm_weight", "rtd_weight")
        for name in weights:
            self.require(name, lambda value: value >= 0, "at least 0")
        self.require("new_learning_rate", lambda value: value > 0, "above 0")
        if not any(getattr(self, name) for name in weights):
            raise ValueError(f"{', '.join(weights)} are all 0, so there is nothing to learn; set one above 0")
        if self.rtd_weight and not self.masked_lm_weight:
            raise ValueError(
                f"rtd_weight is {self.rtd_weight} but masked_lm_weight is 0; the replacements are the student's own "
                "samples for masked tokens, so set masked_lm_weight above 0 as well"
            )
