"""What a tokenizer may be given, and how long its rows become (lesson 01).

Padding fills up short rows, truncation cuts long ones. What is given comes from files and tables, so each text is
checked, and an error says where it stands.
"""

import warnings
from dataclasses import dataclass
from typing import Any

from tokenizers import Tokenizer

PADDING = ("longest", "max_length", "do_not_pad")
TRUNCATION = ("longest_first", "only_first", "only_second", "do_not_truncate")


@dataclass(frozen=True)
class LengthRules:
    """What one call asks for; `max_length` and `room` are None where nothing limits the length."""

    padding: str
    truncation: str
    max_length: int | None
    # tokens that fit beside the special tokens
    room: int | None
    # tokens that a window of a long text shares with the window before it
    stride: int
    pad_to_multiple_of: int | None


def resolve_lengths(
    padding: bool | str,
    truncation: bool | str | None,
    max_length: int | None,
    stride: int,
    pad_to_multiple_of: int | None,
    model_max_length: int | None,
    num_special_tokens: int,
    pairs: bool,
) -> LengthRules:
    """Turn the arguments of one call into rules, with the defaults of transformers.

    Raises ValueError for unknown values and for lengths that cannot work.
    """
    if max_length is not None and padding is False and truncation is None:
        # A length alone means: cut to it.
        truncation = True
    padding = {True: "longest", False: "do_not_pad"}.get(padding, padding)
    truncation = {True: "longest_first", False: "do_not_truncate", None: "do_not_truncate"}.get(
        truncation, truncation
    )
    if padding not in PADDING:
        raise ValueError(f"padding is {padding!r}; choose True, False or one of {', '.join(PADDING)}")
    if truncation not in TRUNCATION:
        raise ValueError(
            f"truncation is {truncation!r}; choose True, False or one of {', '.join(TRUNCATION)}"
        )
    if truncation == "only_second" and not pairs:
        raise ValueError(
            "truncation is 'only_second' but there is no second text; give text_pair, or use True"
        )
    if pad_to_multiple_of is not None and pad_to_multiple_of < 1:
        raise ValueError(f"pad_to_multiple_of is {pad_to_multiple_of}; it must be 1 or more")

    if padding != "max_length" and truncation == "do_not_truncate":
        if max_length is not None:
            warnings.warn(
                f"max_length={max_length} changes nothing here: add truncation=True to cut longer texts, "
                "or padding='max_length' to fill shorter ones",
                stacklevel=3,
            )
        return LengthRules(padding, truncation, None, None, 0, pad_to_multiple_of)
    if max_length is None:
        max_length = model_max_length
    if max_length is None:
        warnings.warn(
            "padding='max_length' and truncation do nothing here, as no length is known: give max_length, "
            "or give the tokenizer its model_max_length",
            stacklevel=3,
        )
        padding = "do_not_pad" if padding == "max_length" else padding
        return LengthRules(padding, "do_not_truncate", None, None, 0, pad_to_multiple_of)
    rules = LengthRules(
        padding, truncation, max_length, max_length - num_special_tokens, stride, pad_to_multiple_of
    )
    if truncation != "do_not_truncate":
        _check_truncation(rules, num_special_tokens, pairs)
    return rules


def _check_truncation(rules: LengthRules, num_special_tokens: int, pairs: bool) -> None:
    if rules.room < 0:
        raise ValueError(
            f"max_length is {rules.max_length}, but the special tokens alone take {num_special_tokens}; raise it"
        )
    # Cut longest first, each text of a pair may shrink to half of the room.
    shortest = rules.room // 2 if pairs and rules.truncation == "longest_first" else rules.room
    if rules.stride < 0 or (rules.stride > 0 and rules.stride >= shortest):
        raise ValueError(
            f"stride is {rules.stride}; it must be from 0 to {max(shortest - 1, 0)}, less than the {shortest} "
            f"tokens of a text that fit into max_length={rules.max_length} beside {num_special_tokens} special tokens"
            + (" and as many of the other text" if shortest < rules.room else "")
        )
    multiple = rules.pad_to_multiple_of
    if rules.padding != "do_not_pad" and multiple is not None and rules.max_length % multiple:
        raise ValueError(
            f"max_length is {rules.max_length}, not a multiple of pad_to_multiple_of={multiple}; "
            "truncated rows could not be padded without passing it"
        )


def check_room(backend: Tokenizer, rows: list[Any], rules: LengthRules, is_split_into_words: bool) -> None:
    """Raise ValueError, naming the row, where cutting only one text of a pair cannot make the pair fit.

    The text that is to stay whole leaves room for more than `stride` tokens of the other, or the library panics.
    """
    if (
        rules.truncation not in ("only_first", "only_second")
        or rules.room == 0
        or not isinstance(rows[0], tuple)
    ):
        return
    kept = 1 if rules.truncation == "only_first" else 0

    def lengths(texts: list[Any]) -> list[int]:
        encodings = backend.encode_batch_fast(
            texts, is_pretokenized=is_split_into_words, add_special_tokens=False
        )
        return [len(encoding) for encoding in encodings]

    for index, length in enumerate(lengths([row[kept] for row in rows])):
        left = rules.room - length
        if left <= rules.stride and lengths([rows[index][1 - kept]])[0] > left:
            whole = ("text", "text_pair")[kept]
            raise ValueError(
                f"pair {index} cannot be cut to max_length={rules.max_length} with truncation={rules.truncation!r}: "
                f"its {whole} alone has {length} tokens and leaves room for {max(left, 0)} of the other, where more "
                f"than stride={rules.stride} are needed; raise max_length, lower stride or use truncation=True"
            )


def set_lengths(
    backend: Tokenizer, rules: LengthRules, pad_token: str | None, padding_side: str, truncation_side: str
) -> None:
    """Make `backend` pad and cut by the rules. Raises ValueError when there is no token to pad with."""
    if rules.truncation != "do_not_truncate":
        backend.enable_truncation(
            rules.max_length, stride=rules.stride, strategy=rules.truncation, direction=truncation_side
        )
    if rules.padding == "do_not_pad":
        return
    if pad_token is None:
        raise ValueError(
            "padding is asked for, but this tokenizer has no pad_token; give one when you build it"
        )
    backend.enable_padding(
        direction=padding_side,
        pad_id=backend.token_to_id(pad_token),
        pad_token=pad_token,
        length=rules.max_length if rules.padding == "max_length" else None,
        pad_to_multiple_of=rules.pad_to_multiple_of,
    )


# What a tokenizer may be given: one text or a list, with or without a second text, whole or split into words ----

# In files and tables a missing value is None or nan; so the arguments are of type Any and are checked one by one.


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


def check_is_no_string(texts: Any) -> None:
    """Raise TypeError for one string where many texts are asked for: each of its characters would count as a text."""
    if isinstance(texts, str):
        raise TypeError("texts is one string; give a list of strings, or anything that yields strings")


def check_string(value: Any, where: str) -> str:
    """Return `value` if it is a string of whole characters; TypeError or ValueError naming `where` if not."""
    if not isinstance(value, str):
        hint = ""
        if isinstance(value, (list, tuple)):
            hint = "; pairs go in as text and text_pair, lists of words with is_split_into_words=True"
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
