"""The engine under the tokenizer: a `tokenizers.Tokenizer` put together as BERT's."""

from collections.abc import Mapping

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors


def build_backend(
    vocab: dict[str, int],
    unk_token: str,
    cls_token: str,
    sep_token: str,
    do_lower_case: bool,
    strip_accents: bool | None,
    tokenize_chinese_chars: bool,
) -> Tokenizer:
    """Return the steps from text to ids: clean, split at spaces and punctuation, spell, add special tokens."""
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
