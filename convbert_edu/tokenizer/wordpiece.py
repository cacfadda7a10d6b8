"""WordPiece: the vocabulary, the engine that splits text by it, and how it is learned from texts (lesson 01).

Every token has an id, which is its line in vocab.txt counted from 0. The work is done by the `tokenizers` library.
"""

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from tokenizers.trainers import WordPieceTrainer

from convbert_edu.tokenizer.padding import check_is_no_string, check_string

SPECIAL_TOKENS = {
    # a word that the vocabulary has no pieces for
    "unk_token": "[UNK]",
    # the end of each text
    "sep_token": "[SEP]",
    # fills up the shorter rows of a batch
    "pad_token": "[PAD]",
    # the start of a row; its vector stands for the whole row
    "cls_token": "[CLS]",
    # takes the position of a token that a masked language model is to predict
    "mask_token": "[MASK]",
}
# These may be None: texts can be tokenised without them.
OPTIONAL_TOKENS = ("pad_token", "mask_token")


def load_vocabulary(vocab: Mapping[str, int] | list[str] | str | os.PathLike) -> dict[str, int]:
    """Return token -> id from a mapping, from a list of tokens, or from the path of a vocab.txt.

    Raises ValueError when it is empty or not UTF-8, when a token stands in it twice, or when the ids of a
    mapping are not 0, 1, 2, ... each once; OSError when the file cannot be read.
    """
    if isinstance(vocab, Mapping):
        if not vocab:
            raise ValueError("vocab is an empty mapping; it needs at least the special tokens")
        if sorted(vocab.values()) != list(range(len(vocab))):
            raise ValueError(
                f"vocab has {len(vocab)} tokens, so its ids must be 0 to {len(vocab) - 1}, each once"
            )
        return dict(vocab)
    if isinstance(vocab, list):
        return _assign_ids(vocab, source="vocab", unit="position", first=0)
    return _assign_ids(_read_lines(Path(vocab)), source=f"vocabulary file {vocab}", unit="line", first=1)


def check_special_tokens(vocab: Mapping[str, int], special_tokens: Mapping[str, str | None]) -> None:
    """Raise ValueError, naming the token, when the vocabulary lacks one of the special tokens."""
    for name, token in special_tokens.items():
        if token is None and name in OPTIONAL_TOKENS:
            continue
        if token not in vocab:
            raise ValueError(
                f"the vocabulary lacks {token!r}, the {name}; add it to the vocabulary, "
                f"or say which of its tokens has that role, for example {name}='<token>'"
            )


def _assign_ids(tokens: list[str], source: str, unit: str, first: int) -> dict[str, int]:
    if not tokens:
        raise ValueError(f"{source} is empty; it needs one token per line, the special tokens among them")
    ids: dict[str, int] = {}
    for index, token in enumerate(tokens):
        if token in ids:
            raise ValueError(
                f"{source} holds the token {token!r} twice, at {unit} {ids[token] + first} and {unit} "
                f"{index + first}; every token must have one id, so remove or rename one of them"
            )
        ids[token] = index
    return ids


def _read_lines(path: Path) -> list[str]:
    """Return the lines of a vocab.txt, without the spaces at their ends and the empty lines at its end."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"vocabulary file {path} is not UTF-8 text (byte {error.start} cannot be read); save it as UTF-8"
        ) from None
    # Not splitlines(): that also breaks at U+2028 and its like, which real vocabularies hold as tokens.
    lines = [line.rstrip() for line in text.split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    return lines


# The engine under the tokenizer: a `tokenizers.Tokenizer` put together as BERT's -----------------------------


def build_backend(
    vocab: dict[str, int],
    unk_token: str,
    cls_token: str,
    sep_token: str,
    do_lower_case: bool,
    strip_accents: bool | None,
    tokenize_chinese_chars: bool,
) -> Tokenizer:
    """Return the steps from text to ids: clean, split at spaces and punctuation, into pieces, add special tokens."""
    backend = Tokenizer(models.WordPiece(vocab, unk_token=unk_token))
    backend.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=tokenize_chinese_chars,
        strip_accents=strip_accents,
        lowercase=do_lower_case,
    )
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece(prefix="##")
    # The number behind the colon is the token type: 0 in the first text, 1 in the second.
    backend.post_processor = processors.TemplateProcessing(
        single=[f"{cls_token}:0", "$A:0", f"{sep_token}:0"],
        pair=[f"{cls_token}:0", "$A:0", f"{sep_token}:0", "$B:1", f"{sep_token}:1"],
        special_tokens=[(cls_token, vocab[cls_token]), (sep_token, vocab[sep_token])],
    )
    return backend


def add_tokens(
    backend: Tokenizer, special: list[AddedToken], others: Mapping[int, AddedToken]
) -> list[AddedToken]:
    """Make `backend` look for these tokens before it splits the text, and return them: "[MASK]" stays whole.

    `others` are tokens beyond the vocabulary, by id. Raises ValueError when one cannot have its id.
    """
    tokens = special + [others[index] for index in sorted(others)]
    backend.add_tokens(tokens)
    for index, token in others.items():
        got = backend.token_to_id(token.content)
        if got != index:
            raise ValueError(
                f"the added token {token.content!r} should have the id {index} but gets {got}, the next free one; "
                "the vocabulary and the list of added tokens do not belong together"
            )
    return tokens


def copy_backend(backend: Tokenizer, tokens: list[AddedToken]) -> Tokenizer:
    """Return a copy to set padding and truncation on.

    The library keeps these two as state of the tokenizer. Each call works on its own copy, so that no setting
    outlives the call and threads do not disturb each other. A copy shares the vocabulary and costs microseconds.
    """
    copy = Tokenizer(backend.model)
    copy.normalizer = backend.normalizer
    copy.pre_tokenizer = backend.pre_tokenizer
    copy.post_processor = backend.post_processor
    copy.add_tokens(tokens)
    return copy


# Learning a vocabulary from texts: merge the most frequent pair of neighbouring pieces, and repeat -----------


# Characters beyond the most frequent ones become [UNK].
LARGEST_ALPHABET = 1000


def train_vocabulary(
    tokenizer: Tokenizer,
    texts: Iterable[str],
    special_tokens: list[str],
    vocab_size: int,
    min_frequency: int,
    show_progress: bool,
) -> list[str]:
    """Return the tokens learned from `texts`, in the order of their ids: special tokens, characters, longer pieces.

    The library's trainer merges the most frequent pair of pieces, as byte-pair encoding does; the original WordPiece
    chose the pair that raises the likelihood of the texts most. The tokens are applied in the same way.
    `tokenizer` says how texts are normalised and split; it is trained in place. The same texts give the same
    list. Raises TypeError for a text that is no string, ValueError for no text or a `vocab_size` too small.
    """
    check_is_no_string(texts)
    texts = [check_string(text, f"texts[{i}]") for i, text in enumerate(texts)]

    words: set[str] = set()
    for text in texts:
        words.update(tokenizer.normalizer.normalize_str(text).split())
    if not words:
        raise ValueError(f"texts holds no word to learn from ({len(texts)} texts); give some text")
    pieces = {piece for word in words for piece, _ in tokenizer.pre_tokenizer.pre_tokenize_str(word)}

    # The trainer gives ids to the characters inside words in the order of a hash table, which changes from run to
    # run, and breaks ties by those ids. Here they get their ids first, in alphabetical order, so that nothing is left
    # to chance.
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
