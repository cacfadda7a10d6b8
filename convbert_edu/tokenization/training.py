"""Learning a WordPiece vocabulary from texts: join the pair of pieces that stands together most often, repeat."""

from collections import Counter
from collections.abc import Iterable

from tokenizers import Tokenizer
from tokenizers.trainers import WordPieceTrainer

from convbert_edu.tokenization.inputs import check_string

LARGEST_ALPHABET = 1000  # characters beyond the most common ones become [UNK]


def train_vocabulary(
    tokenizer: Tokenizer,
    texts: Iterable[str],
    special_tokens: list[str],
    vocab_size: int,
    min_frequency: int,
    show_progress: bool,
) -> list[str]:
    """Return the tokens learnt from `texts`, in the order of their ids: special tokens, characters, longer pieces.

    `tokenizer` says how texts are normalised and split; it is trained in place. The same texts give the same
    list. Raises TypeError for a text that is no string, ValueError for no text or a `vocab_size` too small.
    """
    if isinstance(texts, str):
        raise TypeError("texts is one string; give a list of strings, or anything that yields strings")
    texts = [check_string(text, f"texts[{i}]") for i, text in enumerate(texts)]

    words: set[str] = set()
    for text in texts:
        words.update(tokenizer.normalizer.normalize_str(text).split())
    if not words:
        raise ValueError(f"texts holds no word to learn from ({len(texts)} texts); give some text")
    pieces = {piece for word in words for piece, _ in tokenizer.pre_tokenizer.pre_tokenize_str(word)}

    # The trainer numbers the characters inside words in the order of a hash table, which changes from run to run,
    # and its ties follow those numbers. We number them first, in alphabetical order, so that nothing is left open.
    in_words = Counter(character for piece in pieces for character in piece)
    common = sorted(in_words, key=lambda character: (-in_words[character], character))
    alphabet = set(common[:LARGEST_ALPHABET])
    inner = sorted({character for piece in pieces for character in piece[1:]} & alphabet)
    first_tokens = special_tokens + [f"##{character}" for character in inner]
    smallest = len(first_tokens) + len(alphabet)
    if vocab_size < smallest:
        raise ValueError(
            f"vocab_size is {vocab_size}, but the special tokens and the characters of these texts alone "
            f"need {smallest}; choose at least that"
        )
    trainer = WordPieceTrainer(
        vocab_size=vocab_size,
        min_frequency=min_frequency,
        show_progress=show_progress,
        special_tokens=first_tokens,
        initial_alphabet=sorted(alphabet),
        limit_alphabet=len(alphabet),
    )
    tokenizer.train_from_iterator(texts, trainer=trainer)
    vocab = tokenizer.get_vocab()
    return sorted(vocab, key=vocab.__getitem__)
