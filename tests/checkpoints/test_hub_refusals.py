"""What can go wrong with a hub: each time a message says what to do, and nothing half-done is left behind."""

import hashlib
from pathlib import Path

import pytest
from huggingface_hub import constants

from checkpoints.repositories import Files, plain, same_weights, sharded
from convbert_edu import ConvBertConfig, ConvBertModel, ConvBertTokenizer
from local_hub import TOKEN, LocalHub

REPOSITORY = "someone/small"


@pytest.fixture(scope="module")
def files() -> Files:
    return plain("ConvBertModel")


def leftovers(cache: str) -> list[Path]:
    return [path for path in Path(cache).rglob("*") if "incomplete" in path.name]


def test_a_missing_repository(hub: LocalHub):
    with pytest.raises(
        FileNotFoundError,
        match=r"'someone/none' is neither a folder here nor a repository on http.*check the",
    ):
        ConvBertModel.from_pretrained("someone/none")


def test_a_missing_revision(hub: LocalHub, files: Files):
    hub.add(REPOSITORY, files)
    with pytest.raises(
        FileNotFoundError, match="'someone/small' has no revision 'v9'; give one of its branches"
    ):
        ConvBertModel.from_pretrained(REPOSITORY, revision="v9")


def test_no_rights(hub: LocalHub, files: Files, monkeypatch: pytest.MonkeyPatch):
    hub.add("someone/private", files, private=True)
    hub.add("someone/gated", files, gated=True)
    with pytest.raises(
        FileNotFoundError, match=r"that you may read; .*log in with `hf auth login` or set HF_TOKEN"
    ):
        ConvBertModel.from_pretrained("someone/private")
    with pytest.raises(
        PermissionError, match="no access to the repository 'someone/gated': ask for it at http"
    ):
        ConvBertModel.from_pretrained("someone/gated")
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(
        PermissionError, match=r"refuses to give config\.json .*Invalid credentials.*check HF_TOKEN"
    ):
        ConvBertModel.from_pretrained("someone/private")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    ConvBertModel.from_pretrained("someone/private")
    with pytest.raises(PermissionError, match="no access to the repository 'someone/gated'"):
        ConvBertModel.from_pretrained("someone/gated")


@pytest.mark.parametrize("how", ["unplugged", "offline", "down"])
def test_without_a_network_the_cache_is_used(
    how: str, hub: LocalHub, files: Files, monkeypatch: pytest.MonkeyPatch
):
    hub.add(REPOSITORY, files)
    before = ConvBertModel.from_pretrained(REPOSITORY)
    tokenizer = ConvBertTokenizer.from_pretrained(REPOSITORY)
    if how == "unplugged":
        hub.close()
    elif how == "offline":
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    hub.down = how == "down"
    hub.requests.clear()
    assert same_weights(ConvBertModel.from_pretrained(REPOSITORY), before)
    assert len(ConvBertTokenizer.from_pretrained(REPOSITORY)) == len(tokenizer)
    assert ConvBertConfig.from_pretrained(REPOSITORY) == before.config
    if how == "offline":
        assert hub.requests == []


@pytest.mark.parametrize("how", ["unplugged", "offline", "down"])
def test_with_neither_network_nor_cache(how: str, hub: LocalHub, monkeypatch: pytest.MonkeyPatch):
    if how == "unplugged":
        hub.close()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", how == "offline")
    hub.down = how == "down"
    remedy = (
        "HF_HUB_OFFLINE forbids to fetch it" if how == "offline" else "cannot be reached .*check the network"
    )
    with pytest.raises(
        ConnectionError, match=rf"no folder here, and config\.json of .* is not in the cache.*{remedy}"
    ):
        ConvBertModel.from_pretrained(REPOSITORY)


def test_offline_with_a_part_in_the_cache(hub: LocalHub, files: Files, monkeypatch: pytest.MonkeyPatch):
    hub.add(REPOSITORY, files)
    ConvBertConfig.from_pretrained(REPOSITORY)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(
        ConnectionError, match=r"model\.safetensors of the repository of that name is not in the cache"
    ):
        ConvBertModel.from_pretrained(REPOSITORY)
    with pytest.raises(
        ConnectionError, match=r"vocab\.txt of the repository of that name is not in the cache"
    ):
        ConvBertTokenizer.from_pretrained(REPOSITORY)


def test_a_connection_that_breaks_once_is_taken_up_where_it_broke(
    hub: LocalHub, files: Files, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 500)  # what came in is kept in pieces of this size
    hub.add(REPOSITORY, files)
    hub.breaks = [1000]
    loaded = ConvBertModel.from_pretrained(REPOSITORY)
    assert hub.ranges == ["bytes=1000-"]
    assert loaded.loading_report.newly_initialised == []


def test_a_connection_that_stays_broken_and_the_next_call(hub: LocalHub, files: Files):
    hub.add(REPOSITORY, files)
    hub.breaks = [1000] + [0] * 100
    with pytest.raises(
        ConnectionError,
        match=r"broke while model\.safetensors .* came in .*nothing of it was kept, so just try",
    ):
        ConvBertModel.from_pretrained(REPOSITORY)
    assert leftovers(constants.HF_HUB_CACHE) == []
    hub.breaks.clear()
    loaded = ConvBertModel.from_pretrained(REPOSITORY)
    assert leftovers(constants.HF_HUB_CACHE) == []
    digest = hashlib.sha256(files["model.safetensors"]).hexdigest()
    assert (
        Path(constants.HF_HUB_CACHE, f"models--someone--small/blobs/{digest}").read_bytes()
        == files["model.safetensors"]
    )
    assert loaded.loading_report.newly_initialised == []


def test_a_file_in_the_cache_that_is_cut_short(hub: LocalHub, files: Files):
    """As an interrupted copy of a cache leaves it: the next load says which file to delete."""
    hub.add(REPOSITORY, files)
    ConvBertModel.from_pretrained(REPOSITORY)
    (stored,) = Path(constants.HF_HUB_CACHE).glob("*/snapshots/*/model.safetensors")
    stored.resolve().write_bytes(files["model.safetensors"][:-5])
    with pytest.raises(
        ValueError, match=r"damaged or cut short; .*\(if it lies in a cache, delete it there first\)"
    ) as raised:
        ConvBertModel.from_pretrained(REPOSITORY)
    assert str(stored) in str(raised.value)
    stored.resolve().unlink()
    stored.unlink()
    ConvBertModel.from_pretrained(REPOSITORY)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_file_that_was_exchanged_on_the_way(name: str, hub: LocalHub, files: Files):
    hub.add(REPOSITORY, files)
    hub.damaged.add(name)
    with pytest.raises(
        ValueError, match=rf"{name} .* has the hash [0-9a-f]+, but the hub promised [0-9a-f]+.*thrown away"
    ):
        ConvBertModel.from_pretrained(REPOSITORY)
    assert list(Path(constants.HF_HUB_CACHE).glob(f"*/snapshots/*/{name}")) == []
    hub.damaged.clear()
    ConvBertModel.from_pretrained(REPOSITORY)


def test_a_repository_without_a_model(hub: LocalHub, files: Files):
    hub.add("someone/texts", {"README.md": b"texts"})
    with pytest.raises(FileNotFoundError, match=r"'someone/texts' has no config\.json, so it holds no model"):
        ConvBertModel.from_pretrained("someone/texts")
    hub.add("someone/empty", {"config.json": files["config.json"]})
    with pytest.raises(FileNotFoundError, match=r"'someone/empty' has none of model\.safetensors, "):
        ConvBertModel.from_pretrained("someone/empty")
    with pytest.raises(FileNotFoundError, match=r"has no vocabulary: it needs a vocab\.txt"):
        ConvBertTokenizer.from_pretrained("someone/empty")
    pieces = sharded("ConvBertModel", "safetensors")
    hub.add("someone/pieces", {name: data for name, data in pieces.items() if "00002-of" not in name})
    with pytest.raises(
        FileNotFoundError,
        match=r"lacks model-00002-of-00003\.safetensors, which its model\.safetensors\.index",
    ):
        ConvBertModel.from_pretrained("someone/pieces")


@pytest.mark.parametrize(
    "name", ["../someone", "someone/..", "some..one/small", "some--one/small", "some one/x", "someone/", "-a/b", "a/b.",
             "ähnlich/x", "a?b/c", "someone/small\n"]
)  # fmt: skip
def test_names_that_no_repository_can_have(name: str, hub: LocalHub):
    for kind in (ConvBertModel, ConvBertConfig, ConvBertTokenizer):
        with pytest.raises(
            ValueError, match=r"is no folder here and cannot be a repository on the hub: that is OWNER/NAME"
        ):
            kind.from_pretrained(name)
    assert hub.requests == []


@pytest.mark.parametrize(
    "name", ["small", "a/b/c", "/someone/small", "../../someone", "hf://someone/small", ""]
)
def test_names_of_another_form_never_reach_the_hub(
    name: str, hub: LocalHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError):
        ConvBertModel.from_pretrained(name)
    assert hub.requests == []


@pytest.mark.parametrize("revision", ["../../x", "a/../b", "/etc", "a b", "", "a?b"])
def test_revisions_that_cannot_be(revision: str, hub: LocalHub):
    with pytest.raises(ValueError, match=r"revision is .*it must be the name of a branch, a tag or a commit"):
        ConvBertModel.from_pretrained(REPOSITORY, revision=revision)
    assert hub.requests == []
