"""The tokenizer: text to token ids and back; words outside the vocabulary are split into pieces (lesson 01)."""

import os
from collections.abc import Iterable, Mapping
from typing import Any, Self

from tokenizers import AddedToken

from convbert_edu.checkpoints.folder import resolve_folder
from convbert_edu.tokenizer.batch_encoding import TokenBatch, build_batch
from convbert_edu.tokenizer.files import read_folder, write_folder, write_vocabulary
from convbert_edu.tokenizer.padding import check_room, pair_up, resolve_lengths, set_lengths
from convbert_edu.tokenizer.token_ids import TokenIds
from convbert_edu.tokenizer.wordpiece import (
    SPECIAL_TOKENS,
    add_tokens,
    build_backend,
    check_special_tokens,
    copy_backend,
    load_vocabulary,
    train_vocabulary,
)


class ConvBertTokenizer(TokenIds):
    """Splits text into the WordPiece tokens of a vocabulary: [CLS] A [SEP], or [CLS] A [SEP] B [SEP] for a pair.

    `vocab` is the path of a vocab.txt, a list of tokens, or a dict from token to id. `strip_accents=None` means:
    as `do_lower_case`. `added_tokens` are tokens beyond the vocabulary by id, as some folders hold them.
    Raises ValueError when the vocabulary is empty, not UTF-8, holds a token twice or lacks a special token.
    """

    def __init__(
        self,
        vocab: dict[str, int] | list[str] | str | os.PathLike,
        do_lower_case: bool = True,
        *,
        strip_accents: bool | None = None,
        tokenize_chinese_chars: bool = True,
        unk_token: str | AddedToken = SPECIAL_TOKENS["unk_token"],
        sep_token: str | AddedToken = SPECIAL_TOKENS["sep_token"],
        pad_token: str | AddedToken | None = SPECIAL_TOKENS["pad_token"],
        cls_token: str | AddedToken = SPECIAL_TOKENS["cls_token"],
        mask_token: str | AddedToken | None = SPECIAL_TOKENS["mask_token"],
        model_max_length: int | None = None,
        padding_side: str = "right",
        truncation_side: str = "right",
        added_tokens: Mapping[int, AddedToken] | None = None,
    ):
        for name, side in (("padding_side", padding_side), ("truncation_side", truncation_side)):
            if side not in ("left", "right"):
                raise ValueError(f"{name} is {side!r}; choose 'left' or 'right'")
        self.do_lower_case = do_lower_case
        self.strip_accents = strip_accents
        self.tokenize_chinese_chars = tokenize_chinese_chars
        self.model_max_length = model_max_length
        self.padding_side = padding_side
        self.truncation_side = truncation_side

        ids = load_vocabulary(vocab)
        tokens = (unk_token, sep_token, pad_token, cls_token, mask_token)
        given = dict(zip(SPECIAL_TOKENS, tokens, strict=True))
        names = {name: None if token is None else str(token) for name, token in given.items()}
        check_special_tokens(ids, names)
        backend = build_backend(
            ids,
            unk_token=str(unk_token),
            cls_token=str(cls_token),
            sep_token=str(sep_token),
            do_lower_case=do_lower_case,
            strip_accents=strip_accents,
            tokenize_chinese_chars=tokenize_chinese_chars,
        )
        special = [
            AddedToken(token, special=True) if isinstance(token, str) else token
            for token in tokens
            if token is not None
        ]
        self._added_tokens = add_tokens(backend, special, added_tokens or {})
        super().__init__(backend, names, [token.content for token in self._added_tokens if token.special])

    @classmethod
    def from_pretrained(
        cls, name_or_path: str | os.PathLike, revision: str | None = None, **options: Any
    ) -> Self:
        """Open the tokenizer of a local folder, a bundled model or a repository on the hub.

        It needs a vocab.txt or tokenizer.json. `revision` is a branch, tag or commit of a repository; `options`
        replace what the folder says.
        Raises FileNotFoundError where there is no such folder or no vocabulary in it, ValueError for damaged files
        and for tokenizers that are not WordPiece.
        """
        return cls(**(read_folder(resolve_folder(name_or_path, "tokenizer", revision)) | options))

    @classmethod
    def train(
        cls,
        texts: Iterable[str],
        vocab_size: int = 8000,
        min_frequency: int = 2,
        show_progress: bool = False,
        **options: Any,
    ) -> Self:
        """Learn a vocabulary of at most `vocab_size` tokens; the same texts give the same one on every run.

        How, and where the original WordPiece differs, says `train_vocabulary`.
        Pieces seen less than `min_frequency` times are left out; `options` are those of the constructor.
        Raises TypeError for a text that is no string, ValueError for no text or a `vocab_size` too small.
        """
        # In the order of BERT's vocabularies. One that the options leave out (None) keeps its row.
        names = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
        special_tokens = [str(options.get(name) or SPECIAL_TOKENS[name]) for name in names]
        untrained = cls(special_tokens, **options)
        tokens = train_vocabulary(
            untrained._backend, texts, special_tokens, vocab_size, min_frequency, show_progress
        )
        return cls(tokens, **options)

    def __call__(
        self,
        text: Any,
        text_pair: Any = None,
        *,
        add_special_tokens: bool = True,
        padding: bool | str = False,
        truncation: bool | str | None = None,
        max_length: int | None = None,
        stride: int = 0,
        is_split_into_words: bool = False,
        pad_to_multiple_of: int | None = None,
        return_tensors: str | None = None,
        return_token_type_ids: bool = True,
        return_attention_mask: bool = True,
        return_overflowing_tokens: bool = False,
        return_special_tokens_mask: bool = False,
        return_offsets_mapping: bool = False,
    ) -> TokenBatch:
        """Tokenise one text or a list of texts, alone or in pairs, with the arguments and defaults of transformers.

        One text gives flat lists, a list of texts gives lists of lists, `return_tensors` ("pt" or "np") gives
        int64 arrays [batch, seq]. `padding`: True or "longest", "max_length", False. `truncation`: True or
        "longest_first", "only_first", "only_second", False. With `return_overflowing_tokens` what is cut off
        becomes further rows that overlap by `stride` tokens; `overflow_to_sample_mapping` says whose they are.
        Raises TypeError or ValueError for what is no text, and for options and lengths that cannot work.
        """
        if return_tensors not in (None, "pt", "np"):
            raise ValueError(
                f"return_tensors is {return_tensors!r}; choose 'pt' (PyTorch), 'np' (NumPy) or None"
            )
        rows, batched = pair_up(text, text_pair, is_split_into_words)
        pairs = isinstance(rows[0], tuple)
        rules = resolve_lengths(
            padding=padding,
            truncation=truncation,
            max_length=max_length,
            stride=stride,
            pad_to_multiple_of=pad_to_multiple_of,
            model_max_length=self.model_max_length,
            num_special_tokens=self.num_special_tokens_to_add(pairs) if add_special_tokens else 0,
            pairs=pairs,
        )
        check_room(self._backend, rows, rules, is_split_into_words)
        backend = copy_backend(self._backend, self._added_tokens)
        set_lengths(backend, rules, self.pad_token, self.padding_side, self.truncation_side)
        encodings = backend.encode_batch(
            rows, is_pretokenized=is_split_into_words, add_special_tokens=add_special_tokens
        )
        return build_batch(
            encodings,
            flat=not batched and return_tensors is None and not return_overflowing_tokens,
            return_tensors=return_tensors,
            return_token_type_ids=return_token_type_ids,
            return_attention_mask=return_attention_mask,
            return_overflowing_tokens=return_overflowing_tokens,
            return_special_tokens_mask=return_special_tokens_mask,
            return_offsets_mapping=return_offsets_mapping,
        )

    def tokenize(self, text: str, pair: str | None = None, add_special_tokens: bool = False) -> list[str]:
        """Return the tokens of a text, or of a pair, as text; "##" marks a piece that continues a word."""
        return self(text, pair, add_special_tokens=add_special_tokens).tokens()

    def save_vocabulary(
        self, save_directory: str | os.PathLike, filename_prefix: str | None = None
    ) -> tuple[str]:
        """Write vocab.txt, one token a line in the order of the ids, and return its path (in a tuple)."""
        return (write_vocabulary(save_directory, self._backend, filename_prefix),)

    def save_pretrained(self, save_directory: str | os.PathLike) -> tuple[str, ...]:
        """Write vocab.txt, tokenizer.json and tokenizer_config.json, as transformers opens them; return the paths."""
        config = {
            "tokenizer_class": "ConvBertTokenizer",
            "do_lower_case": self.do_lower_case,
            "strip_accents": self.strip_accents,
            "tokenize_chinese_chars": self.tokenize_chinese_chars,
            "padding_side": self.padding_side,
            "truncation_side": self.truncation_side,
            **{name: getattr(self, name) for name in SPECIAL_TOKENS},
        }
        if self.model_max_length is not None:
            config["model_max_length"] = self.model_max_length
        return write_folder(save_directory, self._backend, config)

    def __repr__(self) -> str:
        return f"ConvBertTokenizer({len(self)} tokens, do_lower_case={self.do_lower_case})"


# transformers has had both names.
ConvBertTokenizerFast = ConvBertTokenizer
