"""What can go wrong with a hub, and what the reader can do about it."""

from collections.abc import Iterator
from contextlib import contextmanager


class Unreachable(ConnectionError):
    """A file is not in the cache, and nobody can be asked for it."""


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
        if error.errno is not None:  # the disk, which says for itself what is wrong
            raise
        raise ConnectionError(
            f"{name} of the repository {repository!r} did not come in whole ({error}); "
            "nothing of it was kept, so just try again"
        ) from error
