"""A tokenizer in the files of a checkpoint folder: reading them, whoever wrote them, and writing them (lesson 06)."""

import json
import os
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer

from convbert_edu.files import atomic_write, file_inside, read_json_object
from convbert_edu.tokenizer.wordpiece import SPECIAL_TOKENS

COPIED_OPTIONS = (
    "do_lower_case",
    "strip_accents",
    "tokenize_chinese_chars",
    "model_max_length",
    "padding_side",
    "truncation_side",
)
YES_OR_NO = ("do_lower_case", "strip_accents", "tokenize_chinese_chars")
# transformers writes 10**30 as model_max_length where it means "none".
NO_LIMIT = 10**20


def read_folder(folder: Path) -> dict[str, Any]:
    """Return the arguments with which `ConvBertTokenizer` gives the tokenizer stored in `folder`.

    Like transformers, take the vocabulary from tokenizer.json if there is one, else from vocab.txt, and every
    option from tokenizer_config.json; options that this file leaves open come from tokenizer.json.
    Raises FileNotFoundError when there is no vocabulary, ValueError for damaged files and for other kinds of
    tokenizer.
    """
    pipeline = _read_json(folder, "tokenizer.json")
    config = {
        **_read_json(folder, "special_tokens_map.json"),
        **_read_json(folder, "tokenizer_config.json"),
    }
    options: dict[str, Any] = {}
    if pipeline:
        options = _read_pipeline(pipeline, folder / "tokenizer.json")
    elif file_inside(folder, "vocab.txt").is_file():
        options["vocab"] = folder / "vocab.txt"
    elif (folder / "merges.txt").is_file():
        raise ValueError(
            f"{folder} holds vocab.json and merges.txt, a byte-pair tokenizer; this package reads WordPiece "
            "vocabularies (vocab.txt or tokenizer.json). Tokenise with the transformers library instead"
        )
    else:
        raise FileNotFoundError(f"{folder} has no vocabulary: it needs a vocab.txt or a tokenizer.json")
    options |= {name: config[name] for name in COPIED_OPTIONS if name in config}
    options["model_max_length"] = _read_limit(options.get("model_max_length"), folder)
    for name in YES_OR_NO:
        # Accents alone may be left open: null is "as do_lower_case".
        is_open = name == "strip_accents" and options.get(name) is None
        if name in options and not isinstance(options[name], bool) and not is_open:
            raise ValueError(
                f"the tokenizer in {folder} has the {name} {options[name]!r}; it must be true or false"
            )

    added = _read_added_tokens(pipeline, config, folder)
    by_content = {token.content: token for token in added.values()}
    for name, default in SPECIAL_TOKENS.items():
        token = _read_token(config.get(name, default))
        if token is not None:
            token = by_content.pop(token.content, token)
            token.special = True
        options[name] = token
    options["added_tokens"] = {index: token for index, token in added.items() if token.content in by_content}
    return options


def write_folder(folder: str | os.PathLike, backend: Tokenizer, config: dict[str, Any]) -> tuple[str, ...]:
    """Write vocab.txt, tokenizer.json and tokenizer_config.json, each whole or not at all; return their paths."""
    texts = {
        "tokenizer.json": backend.to_str(pretty=True),
        "tokenizer_config.json": json.dumps(config, indent=2, sort_keys=True, ensure_ascii=False) + "\n",
    }
    paths = [write_vocabulary(folder, backend)]
    for name, text in texts.items():
        with atomic_write(Path(folder, name)) as file:
            file.write(text.encode("utf-8"))
        paths.append(str(Path(folder, name)))
    return tuple(paths)


def write_vocabulary(
    folder: str | os.PathLike, backend: Tokenizer, filename_prefix: str | None = None
) -> str:
    """Write the vocabulary, one token a line in the order of the ids, and return the path of the file."""
    path = Path(folder, f"{filename_prefix}-vocab.txt" if filename_prefix else "vocab.txt")
    ids = backend.get_vocab(with_added_tokens=False)
    with atomic_write(path) as file:
        file.write("".join(f"{token}\n" for token in sorted(ids, key=ids.__getitem__)).encode("utf-8"))
    return str(path)


def _read_json(folder: Path, name: str) -> dict[str, Any]:
    """Return the object in a JSON file of the folder; an empty one where there is no file."""
    path = file_inside(folder, name)
    return read_json_object(path) if path.is_file() else {}


def _read_pipeline(pipeline: dict[str, Any], path: Path) -> dict[str, Any]:
    """Return vocabulary and options of a tokenizer.json; ValueError when it is of another kind."""
    model, normalizer, splitter = (
        part if isinstance(part := pipeline.get(name), dict) else {}
        for name in ("model", "normalizer", "pre_tokenizer")
    )
    prefix = model.get("continuing_subword_prefix", "##")
    # Old files leave the type of the model out.
    found = (model.get("type", "WordPiece"), normalizer.get("type"), splitter.get("type"), prefix)
    wanted = ("WordPiece", "BertNormalizer", "BertPreTokenizer", "##")
    if found != wanted or not isinstance(model.get("vocab"), dict):
        raise ValueError(
            f"{path} describes another kind of tokenizer: model, normalizer, pre_tokenizer and prefix are {found}, "
            f"not {wanted}. Tokenise with the transformers library instead"
        )
    return {
        "vocab": model["vocab"],
        "do_lower_case": normalizer.get("lowercase", True),
        "strip_accents": normalizer.get("strip_accents"),
        "tokenize_chinese_chars": normalizer.get("handle_chinese_chars", True),
    }


def _read_limit(value: Any, folder: Path) -> int | None:
    """Return the largest number of tokens that a text may have; None for no limit."""
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    # Infinity is no limit, too.
    if not is_number or value < 1 or (value < NO_LIMIT and value != int(value)):
        path = folder / "tokenizer_config.json"
        raise ValueError(
            f"{path} has the model_max_length {value!r}; it must be a whole number of tokens, at least 1"
        )
    return int(value) if value < NO_LIMIT else None


def _read_added_tokens(
    pipeline: dict[str, Any], config: dict[str, Any], folder: Path
) -> dict[int, AddedToken]:
    """Return id -> token for the tokens that are found before the text is split, special or not."""
    try:
        if "added_tokens_decoder" in config:
            tokens = {int(index): token for index, token in config["added_tokens_decoder"].items()}
        else:
            tokens = {int(token["id"]): token for token in pipeline.get("added_tokens", [])}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"the added tokens in {folder} (tokenizer_config.json, tokenizer.json) are not written as each token with "
            "its id; fetch or save these files again"
        ) from error
    return {index: _read_token(token) for index, token in tokens.items()}


def _read_token(value: Any) -> AddedToken | None:
    """Return a token that is written as its text, or as an object with its text under "content"."""
    if value is None:
        return None
    if isinstance(value, str):
        value = {"content": value}
    if not isinstance(value, dict) or not isinstance(value.get("content"), str):
        raise ValueError(f'a token is written as {value!r}; it should be a text, or an object with "content"')
    flags = {flag: value[flag] for flag in ("single_word", "lstrip", "rstrip", "normalized") if flag in value}
    flags["special"] = value.get("special", True)
    if not all(isinstance(flag, bool) for flag in flags.values()):
        raise ValueError(f"a token is written as {value!r}; its {', '.join(flags)} should be true or false")
    return AddedToken(value["content"], **flags)
