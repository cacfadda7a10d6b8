"""`convbert-edu convert` (lessons 06 and 16) and `convbert-edu export`."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from convbert_edu.cli.common import FILE, plain_errors

# Texts that a BERT's heads are measured on where none are given.
NUM_TEXTS = 256


@click.command()
@click.argument("source", type=str)
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--from-bert", is_flag=True, help="SOURCE is a BERT: its most local heads become convolutions.")
@click.option("--layers", help="Layers of the BERT to keep, such as 1,3,5; else all.  [--from-bert]")
@click.option("--embedding-size", type=int, help="Narrower embeddings, such as 128.  [--from-bert]")
@click.option(
    "--heads",
    default="local",
    show_default=True,
    help="Heads to replace: local, global, random, or a JSON list for each layer.  [--from-bert]",
)
@click.option("--kernel-size", default=9, show_default=True, help="Tokens in a window.  [--from-bert]")
@click.option(
    "--convolution",
    default="span",
    show_default=True,
    help="Kernels from token and span, or to compare with from the token alone (dynamic), or fixed.  [--from-bert]",
)
@click.option("--seed", default=0, show_default=True, help="Of the new weights.  [--from-bert]")
@click.option(
    "--text", "files", multiple=True, type=FILE,
    help="Text file to measure the heads on (can be repeated); else the course's own texts.  [--from-bert]",
)  # fmt: skip
def convert(
    source: str,
    target: Path,
    from_bert: bool,
    layers: str | None,
    embedding_size: int | None,
    heads: str,
    kernel_size: int,
    convolution: str,
    seed: int,
    files: tuple[Path, ...],
) -> None:
    """Write the checkpoint SOURCE as the new folder TARGET, which opens here and in transformers.

    SOURCE is a TensorFlow 1 checkpoint of the authors' code, such as model.ckpt-7 (config.json and vocab.txt beside
    it are used; needs TensorFlow), or a model folder saved here or by transformers.

    With --from-bert it is a BERT: a folder, OWNER/NAME on the hub, or "minilm", which is fetched if need be.
    """
    with plain_errors():
        if from_bert:
            from convbert_edu.extras.bert_conversion import convert_bert_folder

            found = convert_bert_folder(
                source, target, measured_texts(files), layers=_layers(layers), heads=_heads(heads),
                embedding_size=embedding_size, kernel_size=kernel_size, convolution=convolution, seed=seed,
            )  # fmt: skip
            click.echo(f"wrote {target}\n{found}")
            return
        _refuse_options_of_from_bert()
        from convbert_edu.extras.conversion import convert as run

        report = run(Path(source), target)
    for line in report.written:
        click.echo(f"wrote {line}")
    for note in report.notes:
        click.echo(f"note: {note}")


def _refuse_options_of_from_bert() -> None:
    """Refuse the options that only --from-bert heeds, as their help says, where one of them was given."""
    context = click.get_current_context()
    given = [
        option.opts[0]
        for option in context.command.params
        if isinstance(option, click.Option)
        and (option.help or "").endswith("[--from-bert]")
        and context.get_parameter_source(option.name) is not ParameterSource.DEFAULT
    ]
    if given:
        raise click.UsageError(f"only a BERT is converted with {', '.join(given)}, which need --from-bert")


def measured_texts(files: Sequence[Path]) -> list[str]:
    """Return texts to measure heads on, spread evenly over the files or, without any, over the course's own texts."""
    from convbert_edu.pretraining.documents import pretraining_texts, read_documents

    documents = list(read_documents(files) if files else pretraining_texts("train"))
    return documents[:: -(-len(documents) // NUM_TEXTS)]


def _layers(text: str | None) -> list[int] | None:
    if text is None:
        return None
    try:
        return [int(number) for number in text.split(",")]
    except ValueError as error:
        raise ValueError(
            f"--layers is {text!r}; give numbers with commas between them, such as 1,3,5"
        ) from error


def _heads(text: str) -> str | list[list[int]]:
    if not text.startswith("["):
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(
            f"--heads is {text!r}; give local, global, random, or a JSON list of lists"
        ) from error


@click.command()
@click.argument("model")
@click.argument("target", type=click.Path(path_type=Path))
@click.option(
    "--with-internals",
    is_flag=True,
    help="Also attention maps and kernels, both heads of pretraining, and inputs that switch heads off.",
)
@click.option(
    "--weights",
    type=click.Choice(["float32", "float16", "int8"]),
    default="float32",
    show_default=True,
    help="How they are stored; computed with is float32.",
)
def export(model: str, target: Path, with_internals: bool, weights: str) -> None:
    """Write MODEL as the ONNX file TARGET, for onnxruntime and other programs.

    MODEL is a folder, the output of a fine-tuning run, a bundled model or OWNER/NAME on the hub. Needs the packages
    of convbert-edu[onnx].
    """
    from convbert_edu.extras.onnx import HEAD_INPUTS, INPUTS, export_onnx, exported_names, shrink_onnx

    with plain_errors():
        loaded = _load(model, with_internals)
        export_onnx(loaded, target, with_internals)
        if weights != "float32":
            shrink_onnx(target, target, weights)
    click.echo(f"wrote {target}: {type(loaded).__name__}, {loaded.num_parameters():,} parameters")
    inputs = [*INPUTS, *(HEAD_INPUTS if with_internals else ())]
    click.echo(f"it reads {', '.join(inputs)} and gives {', '.join(exported_names(loaded, with_internals))}")


def _load(name: str, with_both_heads: bool = False) -> Any:
    """Return the model with the head that its folder holds; ValueError where it says a head but holds none.

    with_both_heads: a masked language model whose folder holds the other head of pretraining as well gets it, too
    """
    from convbert_edu.checkpoints.folder import resolve_folder
    from convbert_edu.extras.conversion import named_kind
    from convbert_edu.models.heads import ConvBertForMaskedLM
    from convbert_edu.training.run_folder import RunFolder

    of_run = RunFolder(name).model
    folder = resolve_folder(of_run if of_run.is_dir() else name, "weights")
    kind = named_kind(folder)
    model = kind.from_pretrained(folder)
    if model.loading_report.newly_initialised:
        raise ValueError(
            f"{name} says that it holds a {type(model).__name__}, but weights are missing "
            f"({', '.join(model.loading_report.newly_initialised)}); train it first"
        )
    # The other head's weights, by the names that transformers gives them in files.
    second_head = any("discriminator_predictions" in name for name in model.loading_report.ignored)
    if with_both_heads and kind is ConvBertForMaskedLM and second_head:
        from convbert_edu.distillation.objective import MaskedLMWithDetector

        model = MaskedLMWithDetector.from_pretrained(folder)
    return model
