"""Any ConvBERT checkpoint into a folder that opens here and, where it can, in transformers.

It is the command `convbert-edu convert` of lesson 06.
"""

import os
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import convbert_edu
from convbert_edu.checkpoints.loading import load_weights
from convbert_edu.checkpoints.tensorflow import (
    DISCRIMINATOR,
    GENERATOR,
    find_prefix,
    generator_config,
    has_generator,
    has_narrow_branches,
    prefixes_in,
    read_config,
    read_variables,
    weights_from_tensorflow,
)
from convbert_edu.config import CONFIG_FILE, ConvBertConfig, read_json_object
from convbert_edu.files import atomic_folder
from convbert_edu.models.base import PretrainedModel
from convbert_edu.models.encoder import ConvBertModel
from convbert_edu.models.heads import ConvBertForMaskedLM, ConvBertForPreTraining
from convbert_edu.tokenizer import ConvBertTokenizer

# Inside the target, where the source has a generator.
GENERATOR_FOLDER = "generator"


@dataclass
class Conversion:
    """What a conversion wrote to `target`, and what its reader should know; one line each."""

    target: Path
    written: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def convert(source: str | os.PathLike, target: str | os.PathLike) -> Conversion:
    """Write the checkpoint `source` as the new folder `target`: safetensors, config.json and the tokenizer's files.

    `source` is a TensorFlow 1 checkpoint of the authors (`model.ckpt-7`) with a config.json beside it, or a folder
    saved here or by transformers. A generator beside the model goes to the folder `generator` inside.
    Raises FileNotFoundError where `source` or its configuration is missing, FileExistsError where `target` holds
    something, ValueError for a damaged checkpoint, missing variables or wrong shapes, ModuleNotFoundError without
    TensorFlow. `target` appears whole or not at all.
    """
    source, prefix = Path(source), find_prefix(source)
    _check_source(source, prefix)
    report = Conversion(Path(target))
    with atomic_folder(target) as folder:
        if prefix is not None:
            _convert_tensorflow(prefix, folder, report)
        else:
            _convert_folder(source, folder, report)
    return report


def _check_source(source: Path, prefix: Path | None) -> None:
    """Raise FileNotFoundError, saying what to give instead, unless `source` can be converted."""
    has_weights = any(any(source.glob(pattern)) for pattern in ("*.safetensors", "*.bin"))
    checkpoints = [] if has_weights else prefixes_in(source)
    if prefix is None and checkpoints:
        raise FileNotFoundError(
            f"{source} is a folder with TensorFlow checkpoints; name the one to convert: "
            f"{', '.join(map(str, checkpoints))}"
        )
    if prefix is None and not (source / CONFIG_FILE).is_file():
        raise FileNotFoundError(
            f"{source} is neither a TensorFlow checkpoint ({source}.index is missing) nor a model folder "
            f"({source / CONFIG_FILE} is missing); give one of the two"
        )


def _convert_tensorflow(prefix: Path, folder: Path, report: Conversion) -> None:
    config = read_config(prefix)
    variables = read_variables(prefix)
    models = {"": (ConvBertForPreTraining(config), DISCRIMINATOR)}
    if has_generator(variables):
        generator = ConvBertForMaskedLM(generator_config(config, variables))
        models[GENERATOR_FOLDER] = (generator, GENERATOR)
    tokenizer = _read_tokenizer(prefix.parent, config, report)
    for subfolder, (model, scope) in models.items():
        load_weights(model, weights_from_tensorflow(model, variables, scope), source=str(prefix))
        _write(model, tokenizer, folder, subfolder, report)


def _convert_folder(source: Path, folder: Path, report: Conversion) -> None:
    for subfolder in ("", GENERATOR_FOLDER):
        if (source / subfolder / CONFIG_FILE).is_file():
            model = _read_model(source / subfolder, report)
            tokenizer = _read_tokenizer(source / subfolder, model.config, report)
            _write(model, tokenizer, folder, subfolder, report)


def _read_model(source: Path, report: Conversion) -> PretrainedModel:
    """Load the model that config.json names; only its encoder where the weights of its head are not there."""
    kind = named_kind(source)
    with warnings.catch_warnings():
        # What the warnings would say is said below.
        warnings.simplefilter("ignore")
        model = kind.from_pretrained(source)
        if model.loading_report.newly_initialised:
            report.notes.append(
                f"{source} says it is a {kind.__name__} but holds no weights for its head; only the encoder "
                "was converted"
            )
            model = ConvBertModel.from_pretrained(source)
    if model.loading_report.ignored:
        report.notes.append(
            f"left behind, as no part of the model: {', '.join(model.loading_report.ignored)}"
        )
    return model


def named_kind(folder: Path) -> type[PretrainedModel]:
    """Return the class that config.json names under `architectures`; the bare encoder where there is none."""
    names = read_json_object(folder / CONFIG_FILE).get("architectures")
    named = getattr(convbert_edu, str(names[0]), None) if isinstance(names, list) and names else None
    return named if isinstance(named, type) and issubclass(named, PretrainedModel) else ConvBertModel


def _read_tokenizer(source: Path, config: ConvBertConfig, report: Conversion) -> ConvBertTokenizer | None:
    """Return the tokenizer that lies in a folder, if one does; ValueError where the model has too few rows for it."""
    if not any((source / name).is_file() for name in ("vocab.txt", "tokenizer.json")):
        report.notes.append(
            f"{source} has no vocab.txt, so no tokenizer was written; put the vocabulary that the model was "
            "trained with into the new folder"
        )
        return None
    tokenizer = ConvBertTokenizer.from_pretrained(source)
    if len(tokenizer) > config.vocab_size:
        raise ValueError(
            f"the vocabulary in {source} holds {len(tokenizer)} tokens, but the model has {config.vocab_size} rows "
            "for them (vocab_size); use the vocabulary that it was trained with"
        )
    return tokenizer


def _write(
    model: PretrainedModel,
    tokenizer: ConvBertTokenizer | None,
    folder: Path,
    subfolder: str,
    report: Conversion,
) -> None:
    """Save model and tokenizer to `folder`, or a `subfolder` of it, and report what transformers can do with them."""
    model.save_pretrained(folder / subfolder)
    if tokenizer is not None:
        tokenizer.save_pretrained(folder / subfolder)
    written, config = report.target / subfolder, model.config
    report.written.append(f"{written}: {type(model).__name__}, {model.num_parameters():,} parameters")
    if config.attention_only:
        report.notes.append(f"transformers cannot open {written}: it knows no ConvBERT with attention_only")
    elif config.convolution != "span":
        report.notes.append(
            f"transformers cannot use {written}: its convolution is {config.convolution!r}, and transformers knows "
            "only 'span'; it would put random numbers in the place of the kernels' weights"
        )
    elif config.shared_values:
        report.notes.append(
            f"transformers cannot use {written}: its convolution takes the values of self-attention (shared_values), "
            "and transformers' has a layer of its own for them; it would put random numbers there"
        )
    elif has_narrow_branches(config):
        report.notes.append(
            f"transformers cannot open {written}: with head_ratio {config.head_ratio} its heads are "
            f"{2 * config.branch_size} channels wide together (gamma_bottleneck), and transformers knows only "
            f"hidden_size, {config.hidden_size}"
        )
    elif isinstance(model, ConvBertForPreTraining):
        report.notes.append(
            f"transformers has no discriminator; it opens {written} without the head, with AutoModel"
        )
