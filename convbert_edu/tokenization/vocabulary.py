"""The vocabulary: every token has a number, its id, which is its line in vocab.txt counted from 0."""

import os
from collections.abc import Mapping
from pathlib import Path

SPECIAL_TOKENS = {
    "unk_token": "[UNK]",  # stands for a word that the vocabulary cannot spell
    "sep_token": "[SEP]",  # ends each text
    "pad_token": "[PAD]",  # fills up the shorter rows of a batch
    "cls_token": "[CLS]",  # opens a row; its vector stands for the whole row
    "mask_token": "[MASK]",  # hides a token that a masked language model has to guess
}
OPTIONAL_TOKENS = ("pad_token", "mask_token")  # may be None: texts can be tokenised without them


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
        return _number_tokens(vocab, source="vocab", unit="position", first=0)
    return _number_tokens(_read_lines(Path(vocab)), source=f"vocabulary file {vocab}", unit="line", first=1)


def check_special_tokens(vocab: Mapping[str, int], special_tokens: Mapping[str, str | None]) -> None:
    """Raise ValueError, naming the token, when the vocabulary lacks one of the special tokens."""
    for name, token in special_tokens.items():
        if token is None and name in OPTIONAL_TOKENS:
            continue
        if token not in vocab:
            raise ValueError(
                f"the vocabulary lacks {token!r}, the {name}; add it to the vocabulary, "
                f"or say which of its tokens has that part, for example {name}='<token>'"
            )


def _number_tokens(tokens: list[str], source: str, unit: str, first: int) -> dict[str, int]:
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
