"""What the result files of paper_in_miniature.py show: means, paired tests over seeds, a bootstrap over sequences.

Two things are left to chance. The seed of a run (first weights, order of the text, masked tokens): a paired t-test
compares two variants seed by seed. And the held-out text: a bootstrap draws its sequences anew, with replacement, and
computes the difference of the losses each time. The first asks whether another training would show the same, the second
whether another text would. Three seeds prove little, however small p is.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from common import interval, markdown_table
from paper_variants import COMPARED, VARIANTS

Results = Mapping[tuple[str, int], Mapping[str, Any]]
DRAWS = 10_000
# Title, and where the number stands in a result.
MEASURES = {
    "masked-LM loss": ("held_out", "masked_lm_loss"),
    "detection loss": ("held_out", "detection_loss"),
    "detection AUC": ("held_out", "detection_auc"),
    "Rotten Tomatoes": ("fine_tuned", "reviews:rt", "accuracy"),
    "topics": ("fine_tuned", "wikipedia:topics", "accuracy"),
}
# Measures that are means over tokens: the sums of the sequences, and the numbers of tokens.
OVER_SEQUENCES = {
    "masked-LM loss": ("masked_lm_loss", "masked"),
    "detection loss": ("detection_loss", "maskable"),
}


def read_results(folder: Path) -> dict[tuple[str, int], dict[str, Any]]:
    """Return the result files of a folder by variant and seed."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*-*.json"))]
    return {(each["variant"], each["seed"]): each for each in found}


def number(result: Mapping[str, Any], measure: str) -> float:
    """Return one measure of a result."""
    value: Any = result
    for name in MEASURES[measure]:
        value = value[name]
    return float(value)


def seeds_of(results: Results, *variants: str) -> list[int]:
    """Return the seeds that all of some variants have been run with."""
    return sorted(
        set.intersection(*({seed for name, seed in results if name == variant} for variant in variants))
    )


def paired_test(differences: Sequence[float]) -> tuple[float, float, float] | None:
    """Return the mean of paired differences, the half-width of its 95% interval, and p of the t-test; None for one."""
    if len(differences) < 2:
        return None
    test = stats.ttest_1samp(differences, 0.0)
    low, high = test.confidence_interval(0.95)
    return float(np.mean(differences)), float(high - low) / 2, float(test.pvalue)


def bootstrap(
    losses: np.ndarray, tokens: np.ndarray, draws: int = DRAWS, seed: int = 0
) -> tuple[float, float]:
    """Return the 95% interval of sum(losses) / sum(tokens) when the sequences are drawn anew, with replacement.

    losses, tokens [sequences]: sums of a loss, or of a difference of losses, and the tokens that they are sums over
    """
    count = len(losses)
    times_drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=draws)
    ratios = (times_drawn @ losses) / (times_drawn @ tokens)
    low, high = np.quantile(ratios, (0.025, 0.975))
    return float(low), float(high)


def bootstrap_difference(results: Results, first: str, second: str, measure: str) -> tuple[float, float]:
    """Return the bootstrap interval of the loss of one variant minus that of another, mean over their common seeds."""
    losses, tokens = OVER_SEQUENCES[measure]
    pairs = [
        (results[first, seed]["by_sequence"], results[second, seed]["by_sequence"])
        for seed in seeds_of(results, first, second)
    ]
    if any(one[tokens] != other[tokens] for one, other in pairs):
        raise ValueError(f"{first} and {second} were measured on different sequences; run one of them again")
    differences = np.mean([np.subtract(one[losses], other[losses]) for one, other in pairs], axis=0)
    return bootstrap(differences, np.array(pairs[0][0][tokens]))


def tables(results: Results) -> str:
    """Return both tables in Markdown."""
    return means_table(results) + "\n\n" + differences_table(results)


def means_table(results: Results) -> str:
    """Return mean and 95% interval of each measure by variant, and what a variant costs."""
    rows = []
    for variant, facts in VARIANTS.items():
        runs = [result for (name, _), result in results.items() if name == variant]
        if not runs:
            continue
        cells = [interval([number(run, measure) for run in runs]) for measure in MEASURES]
        seconds = np.median([run["seconds_per_step"]["masked_lm"] for run in runs])
        cells += [
            f"{runs[0]['parameters']['model']:,}", f"{runs[0]['forward_flops'] / 1e6:.0f}", f"{1000 * seconds:.0f}"
        ]  # fmt: skip
        rows.append([facts.title, str(len(runs)), *cells])
    return markdown_table(["variant", "seeds", *MEASURES, "parameters", "MFLOPs forward", "ms a step"], rows)


def differences_table(results: Results) -> str:
    """Return the differences of compared variants: paired over the seeds, and by bootstrap over the sequences."""
    heads = [
        "first minus second",
        "measure",
        "pairs",
        "difference",
        "95% over seeds",
        "p",
        "95% over sequences",
    ]
    rows = []
    for first, second in COMPARED:
        seeds = seeds_of(results, first, second)
        for measure in MEASURES if seeds else ():
            differences = [
                number(results[first, seed], measure) - number(results[second, seed], measure)
                for seed in seeds
            ]
            test = paired_test(differences)
            over_seeds = (f"± {test[1]:.4f}", f"{test[2]:.3f}") if test else ("", "")
            over_text = ""
            if measure in OVER_SEQUENCES:
                low, high = bootstrap_difference(results, first, second, measure)
                over_text = f"{low:+.4f} to {high:+.4f}"
            names = f"{VARIANTS[first].title} minus {VARIANTS[second].title}"
            mean = float(np.mean(differences))
            rows.append([names, measure, str(len(seeds)), f"{mean:+.4f}", *over_seeds, over_text])
    return markdown_table(heads, rows)
