"""From the name of a repository on the hub to a folder with its files, which are downloaded once (lesson 06).

The client library huggingface_hub does the work and brings its settings along: HF_HOME (where its cache is),
HF_TOKEN or `hf auth login`, HF_HUB_OFFLINE=1, HF_ENDPOINT (another hub). It is imported only when a hub is asked.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from convbert_edu.checkpoints.weight_files import (
    INDEX_SUFFIX,
    VOCABULARY_FILE,
    WEIGHTS_FILES,
    Needs,
    read_shard_index,
)
from convbert_edu.config_json import CONFIG_FILE

TOKENIZER_FILES = (VOCABULARY_FILE, "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
# Fetched only to tell the reader why it cannot be used.
BYTE_PAIR_FILE = "merges.txt"
# What the client allows: letters, digits, "-", "_", "."; ".." and "--" are refused below.
REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
REVISION = re.compile(r"[\w.-][\w./-]*", re.ASCII)


def fetch_folder(repository: str, needs: Needs, revision: str | None = None) -> Path:
    """Return a folder with the configuration of a repository and what else is needed of it.

    `revision` is a branch, a tag or a commit. All files come from the same commit; those in the client's cache are
    not downloaded again, and without a network the cache is used as it is.
    Raises FileNotFoundError, PermissionError, ConnectionError or ValueError, saying what to do.
    """
    check_repository(repository, revision)
    config = _fetch(repository, CONFIG_FILE, revision or "main")
    if config is None:
        raise FileNotFoundError(f"the repository {repository!r} has no {CONFIG_FILE}, so it holds no model")
    # The cache names the folder of a snapshot by its commit.
    folder, commit = config.parent, config.parent.name
    if needs == "weights":
        _fetch_weights(repository, commit)
        # Only read to see whether it fits the weights.
        with suppress(Unreachable):
            _fetch(repository, VOCABULARY_FILE, commit)
    if needs == "tokenizer":
        found = [_fetch(repository, name, commit) for name in TOKENIZER_FILES]
        if not any(found[:2]):
            _fetch(repository, BYTE_PAIR_FILE, commit)
    return folder


def check_repository(repository: str, revision: str | None = None) -> None:
    """Raise ValueError unless these can be the names of a repository, OWNER/NAME, and of a revision of it."""
    parts = [part for name in repository.split("/") for part in (name[:1], name[-1:])]
    refused = ".." in repository or "--" in repository or {".", "-"} & set(parts)
    if refused or not REPOSITORY.fullmatch(repository):
        raise ValueError(
            f"{repository!r} is no folder here and cannot be a repository on the hub: that is OWNER/NAME, in "
            "letters, digits, '-', '_' and '.', without '..' or '--'"
        )
    if revision is not None and (not REVISION.fullmatch(revision) or ".." in revision):
        raise ValueError(f"revision is {revision!r}; it must be the name of a branch, a tag or a commit")


def _fetch_weights(repository: str, commit: str) -> None:
    """Fetch the first kind of weights that the repository has, with all shards where it is an index."""
    unknown: list[Unreachable] = []
    for name in WEIGHTS_FILES:
        try:
            path = _fetch(repository, name, commit)
        except Unreachable as error:
            # Perhaps the cache has another kind.
            unknown.append(error)
            continue
        if path is not None:
            if name.endswith(INDEX_SUFFIX):
                _fetch_shards(repository, path)
            return
    if unknown:
        raise unknown[0]
    raise FileNotFoundError(f"the repository {repository!r} has none of {', '.join(WEIGHTS_FILES)}")


def _fetch_shards(repository: str, index: Path) -> None:
    for shard in sorted(set(read_shard_index(index).values())):
        name = shard.relative_to(index.parent).as_posix()
        if _fetch(repository, name, index.parent.name) is None:
            raise FileNotFoundError(
                f"the repository {repository!r} lacks {name}, which its {index.name} names"
            )


def _fetch(repository: str, name: str, revision: str) -> Path | None:
    """Return the path of one file in the client's cache, downloaded if need be; None if the repository lacks it."""
    from huggingface_hub import _CACHED_NO_EXIST, hf_hub_download, try_to_load_from_cache
    from huggingface_hub.errors import LocalEntryNotFoundError, RemoteEntryNotFoundError

    cached = try_to_load_from_cache(repository, name, revision=revision)
    # Asked before, and a commit does not change.
    if cached is _CACHED_NO_EXIST and name != CONFIG_FILE:
        return None
    with explained(repository, name, revision):
        try:
            path = Path(hf_hub_download(repository, name, revision=revision))
        except LocalEntryNotFoundError:
            # Not in the cache, and no hub can be asked.
            raise
        except RemoteEntryNotFoundError:
            return None
    if str(path) != cached:
        _check_hash(path, repository)
    return path


def _check_hash(path: Path, repository: str) -> None:
    """Raise ValueError, and throw the file away, unless it has the hash that the hub gave for it.

    The client checks the length only. It names what it stores after that hash: sha256 for large files, git's
    sha1 for small ones. (Where there are no symbolic links it does not keep the name, and nothing can be checked.)
    """
    expected = Path(os.readlink(path)).name if path.is_symlink() else ""
    if len(expected) not in (40, 64):
        return
    if len(expected) == 64:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    else:
        content = path.read_bytes()
        found = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    if found != expected:
        path.resolve().unlink()
        path.unlink()
        raise ValueError(
            f"{path.name} of the repository {repository!r} has the hash {found}, but the hub promised {expected}, so "
            "it was thrown away: it was damaged or exchanged on the way. Try again; if it stays so, do not use it"
        )


# What can go wrong with a hub, and what the reader can do about it -------------------------------------------


class Unreachable(ConnectionError):
    """A file is not in the cache, and no hub can be asked for it."""


@contextmanager
def explained(repository: str, name: str, revision: str) -> Iterator[None]:
    """Turn the client's errors into ours, which say what to do."""
    from huggingface_hub import constants, errors

    hub = constants.ENDPOINT
    try:
        yield
    except errors.GatedRepoError as error:
        raise PermissionError(
            f"you have no access to the repository {repository!r}: ask for it at {hub}/{repository}, then log in "
            "with `hf auth login` or set HF_TOKEN"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise FileNotFoundError(
            f"{repository!r} is neither a folder here nor a repository on {hub} that you may read; check the "
            "spelling, and for a private one log in with `hf auth login` or set HF_TOKEN"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise FileNotFoundError(
            f"the repository {repository!r} has no revision {revision!r}; give one of its branches, tags or commits"
        ) from error
    except errors.RemoteEntryNotFoundError:
        raise
    except errors.LocalEntryNotFoundError as error:
        missing = (
            f"{repository!r} is no folder here, and {name} of the repository of that name is not in the cache "
            f"{constants.HF_HUB_CACHE}"
        )
        if constants.HF_HUB_OFFLINE:
            raise Unreachable(
                f"{missing}, and HF_HUB_OFFLINE forbids to fetch it; load it once with HF_HUB_OFFLINE=0"
            ) from error
        reason = str(error.__cause__ or error).splitlines()[0]
        raise Unreachable(
            f"{missing}, and {hub} cannot be reached ({reason}); check the network and try again"
        ) from error
    except errors.HfHubHTTPError as error:
        if error.response.status_code in (401, 403):
            raise PermissionError(
                f"{hub} refuses to give {name} of the repository {repository!r} to you ({error.server_message or error}"
                "); log in with `hf auth login`, or check HF_TOKEN and what it may read"
            ) from error
        raise ConnectionError(
            f"{hub} could not give {name} of the repository {repository!r}: {error}"
        ) from error
    except errors.HTTPError as error:
        raise ConnectionError(
            f"the connection to {hub} broke while {name} of the repository {repository!r} came in ({error}); "
            "nothing of it was kept, so just try again"
        ) from error
    except OSError as error:
        # An error of the disk says for itself what is wrong.
        if error.errno is not None:
            raise
        raise ConnectionError(
            f"{name} of the repository {repository!r} did not come in whole ({error}); "
            "nothing of it was kept, so just try again"
        ) from error
