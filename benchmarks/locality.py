"""Do attention heads look further when convolutions stand beside them? Measured on text that pretraining never saw.

A ConvBERT and a model without convolution, pretrained with the same data and steps (the first stage of the bundled
models: 6,000 steps, 69 million tokens of masked language modelling):

    python benchmarks/bundled_models.py train build/bundled --until masked_lm
    python benchmarks/bundled_models.py train build/bert --until masked_lm --attention-only
    python benchmarks/locality.py --model "ConvBERT=build/bundled/masked_lm/generator" \
        --model "without convolution=build/bert/masked_lm/generator"

For each model and head the mean distance looked at and the share inside windows go to benchmarks/locality.json, which
lesson 07 draws.
"""

import json
from pathlib import Path
from typing import Any

import click

from convbert_edu import ConvBertConfig, ConvBertModel, ConvBertTokenizer
from convbert_edu.analysis import Locality, measure_locality
from convbert_edu.data import load_articles, load_reviews
from convbert_edu.files import atomic_write

WINDOWS = (3, 9, 17)
KINDS = ("attention", "attention_special_tokens_too", "convolution")


def held_out_texts() -> list[str]:
    """Return the test splits of the film reviews (single sentences) and of the Wikipedia introductions."""
    reviews = [example.text for example in load_reviews("rotten_tomatoes").test]
    return reviews + [article.text for article in load_articles().test]


def as_json(found: Locality) -> dict[str, Any]:
    """Return the numbers of a measurement, rounded to what they are good for."""

    def rounded(table: Any) -> Any:
        return [[round(value, 4) for value in row] for row in table.tolist()]

    return {
        "sentences": found.sentences,
        "distance": rounded(found.distance),
        "distance_error": rounded(found.distance_error),
        "mass": {str(window): rounded(table) for window, table in found.mass.items()},
        "even_distance": round(found.even_distance, 4),
        "even_mass": {str(window): round(share, 4) for window, share in found.even_mass.items()},
    }


def measure(folder: str, texts: list[str]) -> dict[str, Any]:
    """Measure one model: its attention heads, over words and over all tokens, and its convolution heads, if any."""
    tokenizer = ConvBertTokenizer.from_pretrained(folder)
    model = ConvBertModel.from_pretrained(folder)
    results: dict[str, Any] = {
        "parameters": model.num_parameters(),
        "attention": as_json(measure_locality(model, tokenizer, texts, windows=WINDOWS)),
        "attention_special_tokens_too": as_json(
            measure_locality(model, tokenizer, texts, windows=WINDOWS, words_only=False)
        ),
    }
    if not ConvBertConfig.from_pretrained(folder).attention_only:
        results["convolution"] = as_json(
            measure_locality(model, tokenizer, texts, "conv_kernels", windows=WINDOWS)
        )
    # Of the run that made the model.
    record = Path(folder).parent / "record.json"
    if record.exists():
        run = json.loads(record.read_text(encoding="utf-8"))
        results["pretraining"] = {name: run[name] for name in ("steps", "tokens", "held_out")}
    return results


def summary(results: dict[str, Any]) -> str:
    """Return means over the heads of each layer as a table."""
    lines = [f"{'':28}{'kind':32}{'distance by layer':32}inside 9"]
    for name, kinds in results.items():
        for kind in (each for each in KINDS if each in kinds):
            found = kinds[kind]
            distances, masses = (
                "  ".join(f"{sum(heads) / len(heads):5.2f}" for heads in table)
                for table in (found["distance"], found["mass"]["9"])
            )
            lines.append(f"{name:28}{kind:32}{distances:32}{masses}")
    any_kind = next(iter(results.values()))["attention"]
    lines.append(
        f"looking everywhere alike: {any_kind['even_distance']}, {any_kind['even_mass']['9']} inside 9"
    )
    return "\n".join(lines)


@click.command()
@click.option(
    "--model", "models", multiple=True, required=True, help="NAME=FOLDER; may be given several times."
)
@click.option("--limit", type=int, help="Only so many texts of each kind, for a trial.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path(__file__).with_suffix(".json"),
    show_default=True,
)
def main(models: tuple[str, ...], limit: int | None, output: Path) -> None:
    """Measure every model on the same texts, print a table and write the numbers."""
    texts = held_out_texts()
    texts = texts[:: max(1, len(texts) // limit)] if limit else texts
    named = dict(model.split("=", 1) for model in models)
    results = {name: measure(folder, texts) for name, folder in named.items()}
    print(summary(results))
    with atomic_write(output, "w") as file:
        file.write(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
