"""The models of a pretraining run: made or loaded at its start, saved at its end (lesson 08)."""

from pathlib import Path
from typing import TypeVar

from convbert_edu.checkpoints.folder import resolve_folder
from convbert_edu.config import ConvBertConfig
from convbert_edu.layers.dropout import set_dropout
from convbert_edu.models.encoder import set_gradient_checkpointing
from convbert_edu.models.heads import ConvBertForMaskedLM, ConvBertForPreTraining
from convbert_edu.pretraining.objectives import (
    MaskedLMObjective,
    ReplacedTokenObjective,
    copy_embeddings,
    generator_config,
)
from convbert_edu.pretraining.settings import PretrainSettings
from convbert_edu.pretraining.token_file import vocabulary_hash
from convbert_edu.tokenizer import ConvBertTokenizer

Objective = MaskedLMObjective | ReplacedTokenObjective
Model = TypeVar("Model", ConvBertForMaskedLM, ConvBertForPreTraining)


def make_objective(settings: PretrainSettings, tokenizer: ConvBertTokenizer, max_length: int) -> Objective:
    """Return the models that `settings` describe, ready to be trained on sequences of up to `max_length` tokens.

    Raises ValueError where vocabulary, lengths or sizes do not fit each other.
    """
    config = settings.model_config(len(tokenizer), tokenizer.pad_token_id)
    if settings.objective == "masked_lm":
        if settings.start_generator is None:
            generator = ConvBertForMaskedLM(config)
        else:
            generator = _load(ConvBertForMaskedLM, settings.start_generator, tokenizer)
        objective: Objective = MaskedLMObjective(generator, settings.cls_mlm_weight)
        models = [objective.generator]
    else:
        objective = _detection(settings, config, tokenizer)
        models = [objective.generator, objective.discriminator]
    for model in models:
        check_fit(model.config, tokenizer, max_length)
    set_gradient_checkpointing(objective, settings.gradient_checkpointing)
    set_dropout(objective, settings.dropout)
    return objective


def check_fit(config: ConvBertConfig, tokenizer: ConvBertTokenizer, max_length: int) -> None:
    """Raise ValueError where a model cannot read the tokens of `tokenizer`, or sequences of `max_length`."""
    if config.vocab_size < len(tokenizer):
        raise ValueError(
            f"the model's vocab_size is {config.vocab_size}, but the vocabulary has {len(tokenizer)} tokens; "
            "leave vocab_size out of `sizes`, or use the tokenizer that belongs to the model"
        )
    if config.max_position_embeddings < max_length:
        raise ValueError(
            f"the model's max_position_embeddings is {config.max_position_embeddings}, but sequences have up to "
            f"{max_length} tokens; set max_length in the settings, or pack the text anew"
        )


def save_models(objective: Objective, tokenizer: ConvBertTokenizer, folder: Path) -> list[Path]:
    """Save what was trained as model folders with tokenizer, `generator` and `discriminator`; return their paths."""
    models: dict[str, ConvBertForMaskedLM | ConvBertForPreTraining] = {}
    if isinstance(objective, MaskedLMObjective) or not objective.freeze_generator:
        models["generator"] = objective.generator
    if isinstance(objective, ReplacedTokenObjective):
        models["discriminator"] = objective.discriminator
    for name, model in models.items():
        model.save_pretrained(folder / name)
        tokenizer.save_pretrained(folder / name)
    return [folder / name for name in models]


def _detection(
    settings: PretrainSettings, config: ConvBertConfig, tokenizer: ConvBertTokenizer
) -> ReplacedTokenObjective:
    if settings.start_discriminator is None:
        discriminator = ConvBertForPreTraining(config)
    else:
        discriminator = _load(ConvBertForPreTraining, settings.start_discriminator, tokenizer)
    if settings.start_generator is None:
        narrow = generator_config(
            discriminator.config, settings.generator_fraction, **settings.generator_sizes
        )
        generator = ConvBertForMaskedLM(narrow)
    else:
        generator = _load(ConvBertForMaskedLM, settings.start_generator, tokenizer)
        if settings.start_discriminator is None and not settings.freeze_generator:
            # The trained embeddings are those to share.
            copy_embeddings(generator, discriminator)
    return ReplacedTokenObjective(generator, discriminator, settings.rtd_weight, settings.freeze_generator)


def _load(kind: type[Model], folder: str, tokenizer: ConvBertTokenizer) -> Model:
    """Load a model to start from; raise ValueError where it was trained with other tokens."""
    if (resolve_folder(folder, "tokenizer") / "vocab.txt").is_file():
        theirs = vocabulary_hash(ConvBertTokenizer.from_pretrained(folder))
        if theirs != vocabulary_hash(tokenizer):
            raise ValueError(
                f"the model in {folder} was trained with another vocabulary than that of {tokenizer}; pack the text "
                f"with its tokenizer (convbert-edu data pack --tokenizer {folder} ...)"
            )
    return kind.from_pretrained(folder)
