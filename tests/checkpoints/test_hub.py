"""Loading from a hub: what is asked for and when, the cache and revisions."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from checkpoints.repositories import VOCABULARY, Files, plain, same_weights
from convbert_edu import ConvBertConfig, ConvBertForTokenClassification, ConvBertModel, ConvBertTokenizer
from helpers import ROOT
from local_hub import TOKEN, LocalHub

REPOSITORY = "someone/small"


@pytest.fixture(scope="module")
def files() -> Files:
    return plain("ConvBertModel")


def names_sent(hub: LocalHub) -> set[str]:
    return {path.rsplit("/", 1)[1] for path in hub.contents_sent()}


def test_only_what_is_needed_is_fetched(hub: LocalHub, files: Files):
    hub.add(
        REPOSITORY,
        files | {"tf_model.h5": b"x", "README.md": b"x", "pytorch_model.bin": b"x", "run.py": b"x"},
    )

    ConvBertConfig.from_pretrained(REPOSITORY)
    assert names_sent(hub) == {"config.json"}
    ConvBertTokenizer.from_pretrained(REPOSITORY)
    assert names_sent(hub) == {"config.json", "vocab.txt"}
    ConvBertModel.from_pretrained(REPOSITORY)
    assert names_sent(hub) == {"config.json", "vocab.txt", "model.safetensors"}


def test_the_second_time_no_contents_are_asked_for(hub: LocalHub, files: Files):
    hub.add(REPOSITORY, files)
    first = ConvBertModel.from_pretrained(REPOSITORY)
    ConvBertTokenizer.from_pretrained(REPOSITORY)
    hub.requests.clear()
    second = ConvBertModel.from_pretrained(REPOSITORY)
    ConvBertTokenizer.from_pretrained(REPOSITORY)
    assert same_weights(first, second)
    assert hub.contents_sent() == []
    # One question each: has the branch moved?
    assert [method for method, *_ in hub.requests] == ["HEAD", "HEAD"]


def test_a_commit_that_is_in_the_cache_needs_no_request_at_all(hub: LocalHub, files: Files):
    commit = hub.add(REPOSITORY, files).find("main")
    ConvBertModel.from_pretrained(REPOSITORY, revision=commit)
    hub.requests.clear()
    ConvBertModel.from_pretrained(REPOSITORY, revision=commit)
    assert hub.requests == []


def test_a_branch_that_moved_is_noticed_and_older_revisions_stay(hub: LocalHub):
    repository = hub.add(REPOSITORY, plain("ConvBertModel", hidden_act="relu"))
    old = repository.find("main")
    repository.revisions["v1"] = old
    assert ConvBertModel.from_pretrained(REPOSITORY).config.hidden_act == "relu"
    repository.commit(plain("ConvBertModel"))
    assert ConvBertModel.from_pretrained(REPOSITORY).config.hidden_act == "gelu"
    for revision in (old, "v1"):
        assert ConvBertModel.from_pretrained(REPOSITORY, revision=revision).config.hidden_act == "relu"
        assert ConvBertConfig.from_pretrained(REPOSITORY, revision=revision).hidden_act == "relu"


def test_tokenizers_have_revisions_too(hub: LocalHub, files: Files):
    repository = hub.add(REPOSITORY, files)
    repository.commit(files | {"vocab.txt": VOCABULARY + b"new\n"}, branch="longer")
    assert len(ConvBertTokenizer.from_pretrained(REPOSITORY)) == 99
    assert len(ConvBertTokenizer.from_pretrained(REPOSITORY, revision="longer")) == 100


def test_fields_of_the_configuration_can_be_replaced(hub: LocalHub):
    hub.add(REPOSITORY, plain("ConvBertForTokenClassification"))
    with pytest.warns(UserWarning, match="token_classifier"):
        loaded = ConvBertForTokenClassification.from_pretrained(
            REPOSITORY, num_labels=5, hidden_dropout_prob=0.3
        )
    assert (loaded.config.num_labels, loaded.config.hidden_dropout_prob) == (5, 0.3)


def test_a_repository_that_moved_is_found(hub: LocalHub, files: Files):
    hub.add("someone/new-name", files)
    hub.moved["someone/old-name"] = "someone/new-name"
    ConvBertModel.from_pretrained("someone/old-name")


def test_a_folder_comes_before_the_hub(
    hub: LocalHub, files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    hub.add(REPOSITORY, files)
    ConvBertModel.from_pretrained(REPOSITORY).save_pretrained(tmp_path / REPOSITORY)
    hub.requests.clear()
    monkeypatch.chdir(tmp_path)
    ConvBertModel.from_pretrained(REPOSITORY)
    assert hub.requests == []
    with pytest.raises(
        ValueError, match=r"revision is 'main', but 'someone/small' is a folder on this machine"
    ):
        ConvBertModel.from_pretrained(REPOSITORY, revision="main")
    with pytest.raises(FileNotFoundError, match="neither a folder nor a bundled model"):
        ConvBertModel.from_pretrained(Path("someone/else"))  # a Path is never a repository
    assert hub.requests == []


def test_the_settings_of_the_client_are_used(files: Files, tmp_path: Path):
    """HF_ENDPOINT, HF_HOME and HF_TOKEN, in a process of its own; the client is imported only when it is needed."""
    local = LocalHub()
    local.add(REPOSITORY, files, private=True)
    program = (
        "import sys, convbert_edu; assert 'huggingface_hub' not in sys.modules\n"
        f"print(convbert_edu.ConvBertModel.from_pretrained('{REPOSITORY}').loading_report)\n"
        "assert 'torch._dynamo' not in sys.modules  # seconds of imports that loading does not need\n"
    )
    settings = {"HF_ENDPOINT": local.url, "HF_HOME": str(tmp_path), "HF_TOKEN": TOKEN, "HF_HUB_OFFLINE": "0"}
    run = subprocess.run(
        [sys.executable, "-c", program], env=os.environ | settings, cwd=ROOT, capture_output=True, text=True
    )
    local.close()
    assert run.returncode == 0, run.stderr
    assert "weights from someone/small/model.safetensors" in run.stdout
    assert list(tmp_path.glob("hub/models--someone--small/snapshots/*/model.safetensors"))
