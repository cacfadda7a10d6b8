"""Tweets whose names are marked: people, places, companies and seven other kinds of entity (lesson 10)."""

from convbert_edu.data.datasets.sources import read_inside
from convbert_edu.data.examples import Splits, TokenExample, split_in_blocks
from convbert_edu.data.formats.common import lines_of
from convbert_edu.data.formats.conll import sentences_of, token_example, token_label_names


def load_tweets() -> Splits[TokenExample]:
    """Return the tweets of the WNUT-2016 shared task (Strauss et al. 2016): 1,836 / 230 / 229, labels in BIO.

    Exact duplicates are dropped; then the first 80% are for training, as the file has them, the next 10% for
    validation. There are few names: 1,115 / 163 / 150. A test score may be three points off by luck alone.
    """
    (content,) = read_inside("tweets").values()
    sentences = [sentence for _, sentence in sentences_of(lines_of(content.decode("utf-8")))]
    names = token_label_names([label for sentence in sentences for _, label in sentence])
    distinct: dict[tuple[str, ...], TokenExample] = {}
    for sentence in sentences:
        words = tuple(word for word, _ in sentence)
        distinct.setdefault(words, token_example(words, [label for _, label in sentence], names))
    return split_in_blocks(list(distinct.values()), names)
