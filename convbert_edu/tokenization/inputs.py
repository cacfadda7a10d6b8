"""What a tokenizer may be given: one text or a list, with or without a second text, whole or split into words."""

from typing import Any

# Texts come from files and tables, where a missing value is None or nan. They are checked one by one, here,
# so that the error can say where it stands; that is why the arguments are of type Any.


def pair_up(text: Any, text_pair: Any, is_split_into_words: bool) -> tuple[list[Any], bool]:
    """Return (rows, batched): one row per example as the `tokenizers` library takes it, a text or a pair of texts.

    A text is a string, or with `is_split_into_words` a list of words. `batched` says whether a list of texts
    was given. Raises TypeError for what is no text, ValueError for no texts at all, for lists of different
    lengths and for a broken character, each with its position.
    """
    batched = isinstance(text, (list, tuple))
    if is_split_into_words:
        batched = batched and len(text) > 0 and isinstance(text[0], (list, tuple))
    if not batched:
        first = _check_text(text, "text", is_split_into_words)
        # As in transformers, an empty second text counts as none when it comes alone (in a list it counts).
        if text_pair is None or (isinstance(text_pair, (str, list, tuple)) and not text_pair):
            return [first], False
        return [(first, _check_text(text_pair, "text_pair", is_split_into_words))], False

    if not text:
        raise ValueError("text is an empty list; give at least one text")
    firsts = [_check_text(one, f"text[{i}]", is_split_into_words) for i, one in enumerate(text)]
    if text_pair is None:
        return firsts, True
    if not isinstance(text_pair, (list, tuple)):
        raise TypeError(
            f"text is a list, so text_pair must be a list too, but it is of type {type(text_pair).__name__}"
        )
    if len(text_pair) != len(text):
        raise ValueError(f"text has {len(text)} texts but text_pair has {len(text_pair)}; give one for each")
    seconds = [_check_text(one, f"text_pair[{i}]", is_split_into_words) for i, one in enumerate(text_pair)]
    return list(zip(firsts, seconds, strict=True)), True


def check_string(value: Any, where: str) -> str:
    """Return `value` if it is a string of whole characters; TypeError or ValueError naming `where` if not."""
    if not isinstance(value, str):
        is_list = isinstance(value, (list, tuple))
        hint = (
            "; pairs go in as text and text_pair, lists of words with is_split_into_words=True"
            if is_list
            else ""
        )
        raise TypeError(
            f"{where} must be a string, but is {str(value)[:40]!r} of type {type(value).__name__}{hint}"
        )
    if not value.isascii():
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise ValueError(
                f"{where} has half of a character (a lone surrogate, {value[error.start]!r}) at {error.start}; "
                "read the text again with the right encoding, or drop it"
            ) from None
    return value


def _check_text(value: Any, where: str, is_split_into_words: bool) -> str | list[str]:
    if not is_split_into_words:
        return check_string(value, where)
    if not isinstance(value, (list, tuple)):
        raise TypeError(
            f"with is_split_into_words=True every text is a list of words, but {where} is of type "
            f"{type(value).__name__}"
        )
    return [check_string(word, f"{where}[{i}]") for i, word in enumerate(value)]
