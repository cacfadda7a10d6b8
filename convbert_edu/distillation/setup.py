"""The parties of a distillation: student and teacher, loaded, checked against each other and made ready (lesson 16)."""

import hashlib
import json
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from convbert_edu.checkpoints.folder import resolve_folder
from convbert_edu.checkpoints.weight_files import find_weights
from convbert_edu.config import ConvBertConfig
from convbert_edu.distillation.objective import (
    DistillationObjective,
    MaskedLMWithDetector,
    Teacher,
    sentence_embeddings,
)
from convbert_edu.distillation.settings import DistillationSettings
from convbert_edu.extras.bert_checkpoint import find_bert, load_bert
from convbert_edu.extras.bert_conversion import REPORT_FILE
from convbert_edu.layers.dropout import set_dropout
from convbert_edu.models.encoder import ConvBertModel, set_gradient_checkpointing
from convbert_edu.models.heads import ConvBertForMaskedLM
from convbert_edu.pretraining.batches import held_out_batches
from convbert_edu.pretraining.masking import Masking
from convbert_edu.pretraining.setup import check_fit
from convbert_edu.pretraining.token_file import TokenFile, vocabulary_hash
from convbert_edu.tokenizer import ConvBertTokenizer

# Sequences from which the variance of the teacher's hidden states is computed.
VARIANCE_SEQUENCES = 64


def make_objective(
    settings: DistillationSettings, tokenizer: ConvBertTokenizer, token_file: TokenFile, device: torch.device
) -> tuple[DistillationObjective, Teacher]:
    """Return student and teacher that `settings` describe, on `device`, ready to read `token_file`.

    Raises ValueError where vocabulary, widths, layers or lengths do not fit each other, and what loading raises.
    """
    longest = settings.max_length or token_file.index["max_length"]
    for name, folder in (
        ("student", resolve_folder(settings.student)),
        ("teacher", find_bert(settings.teacher)),
    ):
        _check_vocabulary(name, folder, tokenizer)
    student = _load_student(settings)
    check_fit(student.config, tokenizer, longest)
    bert = load_bert(settings.teacher)
    encoder: ConvBertModel = getattr(bert, "encoder", bert)
    check_fit(encoder.config, tokenizer, longest)
    layers = matched_layers(student.config, encoder.config, settings.layers)
    kept = kept_heads(settings.student, student.config, encoder.config) if settings.attention_weight else None
    teacher = Teacher(encoder.to(device), layers, kept)
    objective = DistillationObjective(
        student, settings, hidden_variances(teacher, token_file, tokenizer, longest)
    )
    set_gradient_checkpointing(objective, settings.gradient_checkpointing)
    set_dropout(objective, settings.dropout)
    return objective.to(device), teacher


def matched_layers(
    student: ConvBertConfig, teacher: ConvBertConfig, layers: Sequence[Any] | None
) -> list[int]:
    """Return the teacher's layer for each of the student's: `layers`, or evenly spread ones, last with last.

    Raises ValueError for another width, too few layers in the teacher, and a list that does not fit.
    """
    count, available = student.num_hidden_layers, teacher.num_hidden_layers
    if student.hidden_size != teacher.hidden_size:
        raise ValueError(
            f"the student's hidden_size is {student.hidden_size}, the teacher's {teacher.hidden_size}; they must be "
            "equal, because hidden states are compared number by number: take the teacher that the student was "
            "converted from"
        )
    if layers is None:
        if available < count:
            raise ValueError(
                f"the teacher has {available} layers, the student {count}; a teacher must have at least as many as its "
                "student: take a deeper teacher, or say in `layers` which of its layers each one is compared with"
            )
        return [(number + 1) * available // count - 1 for number in range(count)]
    fits = all(isinstance(layer, int) and 0 <= layer < available for layer in layers)
    if len(layers) != count or not fits:
        raise ValueError(
            f"layers is {layers}; it must name a layer of the teacher, 0 to {available - 1}, for each of the student's "
            f"{count} layers"
        )
    return list(layers)


def kept_heads(
    folder: str | os.PathLike, student: ConvBertConfig, teacher: ConvBertConfig
) -> list[list[int]]:
    """Return for each layer the teacher's heads that the student kept, from the report of its conversion.

    Raises FileNotFoundError where `folder` has no such report, ValueError where it is of another model.
    """
    path = resolve_folder(folder) / REPORT_FILE
    if not path.is_file():
        raise FileNotFoundError(
            f"attention_weight is above 0, but {path} is missing, which says which heads the student kept: convert "
            "the student with `convbert-edu convert --from-bert`, or set attention_weight to 0"
        )
    replaced = json.loads(path.read_text(encoding="utf-8"))["replaced"]
    kept = [[h for h in range(teacher.num_attention_heads) if h not in gone] for gone in replaced]
    if [len(heads) for heads in kept] != [student.num_heads_per_branch] * student.num_hidden_layers:
        raise ValueError(
            f"{path} is of another model: it keeps {[len(heads) for heads in kept]} heads, but the student has "
            f"{student.num_heads_per_branch} in each of {student.num_hidden_layers} layers; convert it again"
        )
    return kept


def hidden_variances(
    teacher: Teacher, token_file: TokenFile, tokenizer: ConvBertTokenizer, max_length: int
) -> Float[Tensor, " states"]:
    """Return the variances of what the teacher says about a few sequences of the text.

    Of its hidden states, embeddings first, and at the end of its sentence embeddings: there the variance of each number
    over the texts, since the mean sentence is the same for all of them.
    """
    weights = next(teacher.encoder.parameters())
    sums = torch.zeros(3, len(teacher.layers) + 1, dtype=torch.float64)
    sentences: list[Tensor] = []
    for batch in held_out_batches(token_file, Masking(tokenizer), 16, max_length, VARIANCE_SEQUENCES):
        inputs = [
            batch[name].to(weights.device) for name in ("original_ids", "attention_mask", "token_type_ids")
        ]
        states = teacher.targets(*inputs).hidden_states
        real = inputs[1].bool()
        sentences.append(sentence_embeddings(states[-1], inputs[1]).double().cpu())
        for number, state in enumerate(states):
            values = state[real].double().cpu()
            sums[:, number] += torch.stack(
                [torch.tensor(float(values.numel())), values.sum(), values.square().sum()]
            )
    count, total, squares = sums
    of_states = squares / count - (total / count) ** 2
    of_sentences = torch.cat(sentences).var(dim=0, unbiased=False).mean()
    return torch.cat([of_states, of_sentences[None]]).to(weights.dtype).to(weights.device)


def weights_sha256(folder: Path) -> str:
    """Return the sha256 of a model's file of weights, or of the index where there are several."""
    with find_weights(folder).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _load_student(settings: DistillationSettings) -> ConvBertModel | ConvBertForMaskedLM:
    """Load the student with the heads that the loss needs; those that the folder lacks start anew."""
    kind: type[ConvBertModel | ConvBertForMaskedLM] = ConvBertModel
    if settings.masked_lm_weight:
        kind = MaskedLMWithDetector if settings.rtd_weight else ConvBertForMaskedLM
    with warnings.catch_warnings():
        # That new heads are random is meant: they are trained here.
        warnings.simplefilter("ignore")
        return kind.from_pretrained(settings.student)


def _check_vocabulary(name: str, folder: Path, tokenizer: ConvBertTokenizer) -> None:
    """Raise ValueError where a model was trained with other tokens than those of the text."""
    if not any((folder / file).is_file() for file in ("vocab.txt", "tokenizer.json")):
        return
    if vocabulary_hash(ConvBertTokenizer.from_pretrained(folder)) != vocabulary_hash(tokenizer):
        raise ValueError(
            f"the {name} in {folder} was trained with another vocabulary than that of {tokenizer}: the same numbers "
            f"would mean other tokens. Pack the text with its tokenizer: convbert-edu data pack --tokenizer {folder}"
        )
