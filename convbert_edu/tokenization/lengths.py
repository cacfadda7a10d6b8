"""How long the rows become: padding fills short ones up, truncation cuts long ones off."""

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
    room: int | None  # tokens that fit beside the special tokens
    stride: int  # tokens that a piece of a long text shares with the piece before it
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
        truncation = True  # a length alone means: cut to it
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
