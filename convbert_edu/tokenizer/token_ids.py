"""Between tokens and ids: the half of the tokenizer that does not look at text (lesson 01)."""

import operator
from typing import Any

from tokenizers import Tokenizer


class TokenIds:
    """A vocabulary with its special tokens, each of which can be read as text and as id.

    `unk_token` and `unk_token_id`, and likewise sep, pad, cls and mask; `pad_token` and `mask_token` may be None.
    """

    def __init__(
        self, backend: Tokenizer, special_tokens: dict[str, str | None], all_special_tokens: list[str]
    ):
        self._backend = backend
        self.all_special_tokens = all_special_tokens
        self.all_special_ids = [backend.token_to_id(token) for token in all_special_tokens]
        for name, token in special_tokens.items():
            setattr(self, name, token)
            setattr(self, f"{name}_id", None if token is None else backend.token_to_id(token))

    @property
    def vocab_size(self) -> int:
        """The size of the vocabulary, without the tokens added to it."""
        return self._backend.get_vocab_size(with_added_tokens=False)

    def __len__(self) -> int:
        """Return the size of the vocabulary, added tokens included."""
        return self._backend.get_vocab_size(with_added_tokens=True)

    def get_vocab(self) -> dict[str, int]:
        """Return token -> id, added tokens included."""
        return self._backend.get_vocab(with_added_tokens=True)

    def convert_tokens_to_ids(self, tokens: str | list[str]) -> int | list[int]:
        """Return the id of a token, or the ids of a list of tokens; unknown ones get the id of [UNK]."""
        if not isinstance(tokens, str):
            return [self.convert_tokens_to_ids(token) for token in tokens]
        index = self._backend.token_to_id(tokens)
        return self.unk_token_id if index is None else index

    def convert_ids_to_tokens(self, ids: Any, skip_special_tokens: bool = False) -> str | list[str]:
        """Return the token of one id, or the tokens of a list, tensor or array of ids.

        Raises ValueError for an id outside the vocabulary, TypeError for what is no whole number.
        """
        ids = plain_ids(ids)
        if isinstance(ids, int):
            return self._backend.id_to_token(self._in_range([ids])[0])
        skipped = set(self.all_special_ids) if skip_special_tokens else set()
        return [self._backend.id_to_token(index) for index in self._in_range(ids) if index not in skipped]

    def decode(self, token_ids: Any, skip_special_tokens: bool = False) -> str | list[str]:
        """Return the text of an id or of a list, tensor or array of ids; for a batch of them, a list of texts.

        Raises ValueError for an id outside the vocabulary, TypeError for what is no whole number.
        """
        token_ids = plain_ids(token_ids)
        if isinstance(token_ids, int):
            token_ids = [token_ids]
        if token_ids and isinstance(token_ids[0], list):
            return [self.decode(row, skip_special_tokens) for row in token_ids]
        return self._backend.decode(self._in_range(token_ids), skip_special_tokens=skip_special_tokens)

    def batch_decode(self, sequences: Any, skip_special_tokens: bool = False) -> list[str]:
        """Return a text for each row of ids; the errors are those of `decode`."""
        texts = self.decode(sequences, skip_special_tokens)
        return [texts] if isinstance(texts, str) else texts

    def build_inputs_with_special_tokens(self, token_ids_0: Any, token_ids_1: Any = None) -> list[int]:
        """Return [CLS] A [SEP], or [CLS] A [SEP] B [SEP], from ids without special tokens."""
        ids = [self.cls_token_id, *plain_ids(token_ids_0), self.sep_token_id]
        return ids if token_ids_1 is None else [*ids, *plain_ids(token_ids_1), self.sep_token_id]

    def create_token_type_ids_from_sequences(self, token_ids_0: Any, token_ids_1: Any = None) -> list[int]:
        """Return the token types that these ids get with special tokens: 0 in the first text, 1 in the second."""
        types = [0] * (len(token_ids_0) + 2)
        return types if token_ids_1 is None else types + [1] * (len(token_ids_1) + 1)

    def get_special_tokens_mask(
        self, token_ids_0: Any, token_ids_1: Any = None, already_has_special_tokens: bool = False
    ) -> list[int]:
        """Return 1 for each special token and 0 for the others, before the special tokens are added or after.

        Raises ValueError for a second list together with `already_has_special_tokens`.
        """
        if already_has_special_tokens:
            if token_ids_1 is not None:
                raise ValueError(
                    "token_ids_1 is given with already_has_special_tokens=True; leave it out, "
                    "as token_ids_0 then holds the whole pair"
                )
            special = set(self.all_special_ids)
            return [int(index in special) for index in plain_ids(token_ids_0)]
        mask = [1] + [0] * len(token_ids_0) + [1]
        return mask if token_ids_1 is None else mask + [0] * len(token_ids_1) + [1]

    def num_special_tokens_to_add(self, pair: bool = False) -> int:
        """Return how many special tokens a row gets: 2 with one text, 3 with a pair."""
        return self._backend.num_special_tokens_to_add(pair)

    def _in_range(self, ids: list[int]) -> list[int]:
        for position, index in enumerate(ids):
            if not 0 <= index < len(self):
                raise ValueError(
                    f"token id {index} at position {position} is outside the vocabulary, 0 to {len(self) - 1}; "
                    "replace labels such as -100 by pad_token_id first, and check that model and tokenizer match"
                )
        return ids


def plain_ids(ids: Any) -> Any:
    """Turn numbers, tensors, arrays and lists of them into an int or (nested) lists of int.

    Raises TypeError for anything that is not a whole number.
    """
    if hasattr(ids, "tolist"):
        ids = ids.tolist()
    if isinstance(ids, (list, tuple, range)):
        return [plain_ids(one) for one in ids]
    try:
        return operator.index(ids)
    except TypeError:
        raise TypeError(
            f"token ids must be whole numbers, not {type(ids).__name__} ({str(ids)[:40]})"
        ) from None
