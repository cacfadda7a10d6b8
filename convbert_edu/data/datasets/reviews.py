"""Film reviews, good or bad: long ones from IMDB and single sentences from Rotten Tomatoes (lesson 09)."""

import csv
import io

from convbert_edu.data.datasets.download import clean_text
from convbert_edu.data.datasets.sources import read_inside
from convbert_edu.data.examples import Splits, TextExample, split_in_blocks

SENTIMENTS = ("negative", "positive")
REVIEW_SITES = ("rotten_tomatoes", "imdb")


def load_reviews(source: str = "rotten_tomatoes") -> Splits[TextExample]:
    """Return the reviews of one site; label 1 is a good review, 0 a bad one.

    Rotten Tomatoes (Pang and Lee 2005) gives 6,824 / 854 / 852 sentences, IMDB (Maas et al. 2011) 19,924 / 2,490 /
    2,490 reviews for training, validation and test. The file is sorted by label and grouped by film, so each label
    is divided in blocks, in file order, after exact duplicates were dropped; the text is cleaned last.
    Raises ValueError for another `source`.
    """
    if source not in REVIEW_SITES:
        raise ValueError(f"there are no reviews from {source!r}; choose one of {', '.join(REVIEW_SITES)}")
    splits = Splits[TextExample](train=[], validation=[], test=[], label_names=SENTIMENTS)
    for label, texts in _texts_by_label(source).items():
        blocks = split_in_blocks([TextExample(clean_text(text), label) for text in texts])
        splits.train.extend(blocks.train)
        splits.validation.extend(blocks.validation)
        splits.test.extend(blocks.test)
    return splits


def _texts_by_label(source: str) -> dict[int, list[str]]:
    """Return the distinct texts of one site as they stand in the file: label -> texts."""
    (content,) = read_inside("reviews").values()
    rows = csv.DictReader(io.StringIO(content.decode("utf-8"), newline=""))
    # A dictionary keeps the first of equal keys in its place: duplicates go, the order stays.
    distinct = {row["text"]: int(row["label"]) for row in rows if row["source"] == source}
    by_label: dict[int, list[str]] = {}
    for text, label in distinct.items():
        by_label.setdefault(label, []).append(text)
    return by_label
