"""How good is a pretrained pair of models on text that it never saw, and that nothing was chosen by?

Packs the test splits of the course's texts with the models' own tokenizer, masks tokens, and computes both objectives
on them in float32: the generator predicts the masked tokens, beside prediction by token frequency; the discriminator
looks for the replaced tokens, beside the prediction "original" for every token. Same sequences and masked tokens on
every run.
"""

import json
import tempfile
from pathlib import Path

import click

from convbert_edu import ConvBertForMaskedLM, ConvBertForPreTraining, ConvBertTokenizer
from convbert_edu.device import autocast, find_device
from convbert_edu.files import atomic_write
from convbert_edu.pretraining.corpus import PretrainingCorpus, build_corpus
from convbert_edu.pretraining.documents import pretraining_texts
from convbert_edu.pretraining.evaluation import always_original, evaluate_objective, unigram_baseline
from convbert_edu.pretraining.masking import Masking
from convbert_edu.pretraining.objectives import ReplacedTokenObjective
from convbert_edu.pretraining.token_file import TokenFile

SEQUENCES = 3000


def evaluate_models(
    discriminator: str, generator: str, held_out: TokenFile, sequences: int
) -> dict[str, float]:
    """Return what both models reach on `sequences` sequences of `held_out`."""
    objective = ReplacedTokenObjective(
        ConvBertForMaskedLM.from_pretrained(generator),
        ConvBertForPreTraining.from_pretrained(discriminator),
        freeze_generator=True,
    ).to(find_device())
    masking = Masking(ConvBertTokenizer.from_pretrained(generator))
    return evaluate_objective(
        objective, held_out, masking, autocast("float32", find_device()), limit=sequences
    )


def with_baselines(results: dict[str, float], corpus: PretrainingCorpus, sequences: int) -> dict[str, float]:
    """Return `results` with what token frequency and the prediction "original" reach on the same tokens."""
    counts = corpus.train.count_tokens(len(corpus.tokenizer))
    unigram = unigram_baseline(counts, corpus.held_out, Masking(corpus.tokenizer), limit=sequences)
    return results | unigram | always_original(results["replaced_share"]) | {"sequences": sequences}


def held_out_results(discriminator: str, generator: str, sequences: int = SEQUENCES) -> dict[str, float]:
    """Return all measurements and baselines on `sequences` sequences of the test splits."""
    tokenizer = ConvBertTokenizer.from_pretrained(generator)
    with tempfile.TemporaryDirectory() as folder:
        corpus = build_corpus(
            Path(folder) / "corpus", pretraining_texts, lambda: pretraining_texts("test"), tokenizer
        )
        return with_baselines(
            evaluate_models(discriminator, generator, corpus.held_out, sequences), corpus, sequences
        )


@click.command()
@click.option("--discriminator", default="convbert-tiny", show_default=True, help="Name or folder.")
@click.option("--generator", default="convbert-tiny-generator", show_default=True, help="Name or folder.")
@click.option("--sequences", default=SEQUENCES, show_default=True)
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="Also write the figures here (JSON)."
)
def main(discriminator: str, generator: str, sequences: int, output: Path | None) -> None:
    """Measure and print."""
    results = held_out_results(discriminator, generator, sequences)
    for name, value in results.items():
        print(f"{name:28} {value:10.4f}")
    if output:
        with atomic_write(output, "w") as file:
            file.write(
                json.dumps({name: round(value, 4) for name, value in results.items()}, indent=2) + "\n"
            )


if __name__ == "__main__":
    main()
