"""Files that a stranger made: nothing leads out of the folder, and hostile JSON is refused in words."""

import re
from pathlib import Path

import pytest

from convbert_edu import ConvBertConfig, ConvBertModel, ConvBertTokenizer

DEEP = '{"a":' * 100_000
READERS = {
    "config.json": ConvBertConfig,
    "pytorch_model.bin": ConvBertModel,
    "vocab.txt": ConvBertTokenizer,
    "tokenizer.json": ConvBertTokenizer,
    "tokenizer_config.json": ConvBertTokenizer,
    "special_tokens_map.json": ConvBertTokenizer,
}


@pytest.mark.parametrize("name", READERS)
def test_a_file_that_is_a_link_out_of_the_folder_is_refused(name: str, folder: Path):
    if name == "vocab.txt":
        (folder / "tokenizer.json").unlink()
    (folder / name).unlink(missing_ok=True)
    secret = folder.parent / "secret"
    secret.write_text("{}")
    (folder / name).symlink_to(secret)
    with pytest.raises(ValueError, match=rf"'{re.escape(name)}' leads out of the model folder"):
        READERS[name].from_pretrained(folder)


def test_a_folder_that_is_a_link_may_lie_anywhere(folder: Path):
    (folder.parent / "link").symlink_to(folder)
    ConvBertModel.from_pretrained(folder.parent / "link")
    ConvBertTokenizer.from_pretrained(folder.parent / "link" / ".." / "link")


def test_links_in_a_circle_are_named(folder: Path):
    (folder / "config.json").unlink()
    (folder / "config.json").symlink_to("config.json")
    with pytest.raises((ValueError, OSError), match=r"config\.json"):
        ConvBertConfig.from_pretrained(folder)


def test_a_folder_that_pretends_to_be_the_hubs_cache_gets_no_further(folder: Path, tmp_path: Path):
    """Only the store of contents beside the snapshots may be linked to."""
    snapshot = tmp_path / "cache" / "models--a--b" / "snapshots" / "main"
    snapshot.parent.mkdir(parents=True)
    folder.rename(snapshot)
    (tmp_path / "cache" / "secret").write_text("{}")
    (snapshot / "config.json").unlink()
    (snapshot / "config.json").symlink_to(tmp_path / "cache" / "secret")
    with pytest.raises(ValueError, match="leads out of the model folder"):
        ConvBertConfig.from_pretrained(snapshot)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[1]", "holds a JSON list, not an object"),
        ('{"a": NaN}', "NaN is not a JSON number"),
        (DEEP, "is not valid JSON"),
        ("[" * 100_000, "is not valid JSON"),
        ("{", "is not valid JSON"),
    ],
    ids=["list", "NaN", "deep objects", "deep lists", "cut short"],
)
@pytest.mark.parametrize("name", [name for name in READERS if name.endswith(".json")])
def test_json_that_is_damaged_or_hostile(name: str, text: str, complaint: str, folder: Path):
    (folder / name).write_text(text)
    with pytest.raises(ValueError, match=rf"{re.escape(name)} .*{complaint}"):
        READERS[name].from_pretrained(folder)


@pytest.mark.parametrize("text", ["[1]", '{"weight_map": NaN}', DEEP])
def test_an_index_that_is_damaged_or_hostile(text: str, shards: Path):
    (shards / "model.safetensors.index.json").write_text(text)
    with pytest.raises(
        ValueError, match=r"model\.safetensors\.index\.json (holds a JSON list|is not valid JSON)"
    ):
        ConvBertModel.from_pretrained(shards)


@pytest.mark.parametrize(
    "content",
    ['{"model": [1]}', '{"model": {"type": "WordPiece"}, "normalizer": "x"}', '{"added_tokens": 5}'],
)
def test_a_tokenizer_file_of_another_form(content: str, folder: Path):
    (folder / "tokenizer.json").write_text(content)
    with pytest.raises(ValueError, match=r"tokenizer\.json"):
        ConvBertTokenizer.from_pretrained(folder)


@pytest.mark.parametrize(
    "content",
    ['{"added_tokens_decoder": [1]}', '{"model_max_length": "long"}', '{"added_tokens_decoder": {"x": "y"}}'],
)
def test_tokenizer_settings_of_another_form(content: str, folder: Path):
    (folder / "tokenizer_config.json").write_text(content)
    with pytest.raises(ValueError, match=r"tokenizer_config\.json"):
        ConvBertTokenizer.from_pretrained(folder)
