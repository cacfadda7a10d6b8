"""Putting a model on the hub: weights, configuration, tokenizer and model card in one commit."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from convbert_edu.checkpoints.hub import check_repository
from convbert_edu.files import atomic_write
from convbert_edu.model_card import TrainingRecord, model_card
from convbert_edu.models.base import PretrainedModel
from convbert_edu.tokenizer import ConvBertTokenizer

CARD_FILE = "README.md"


def push_to_hub(
    model: PretrainedModel,
    repo_id: str,
    tokenizer: ConvBertTokenizer | None = None,
    record: TrainingRecord | None = None,
    *,
    private: bool | None = None,
    revision: str | None = None,
    token: str | None = None,
    commit_message: str = "Upload a ConvBERT model",
) -> str:
    """Publish `model` as the repository `repo_id` (OWNER/NAME) and return the address of the commit.

    With a `tokenizer` the folder is complete; with a `record` of the training it gets a model card. The repository
    is made if there is none, `private` or not; `revision` is a branch that exists. All files appear in one commit,
    or none. Where to, and who you are, is the client's business: HF_ENDPOINT, HF_TOKEN or `hf auth login`.
    Raises PermissionError where you may not write, ConnectionError where the hub cannot be reached, ValueError for
    an impossible `repo_id`.
    """
    from huggingface_hub import CommitOperationAdd, HfApi

    check_repository(repo_id, revision)
    with tempfile.TemporaryDirectory() as folder:
        write_folder(Path(folder), model, tokenizer, record)
        files = [
            CommitOperationAdd(path_in_repo=path.name, path_or_fileobj=path)
            for path in sorted(Path(folder).iterdir())
        ]
        hub = HfApi(token=token)
        with _explained(repo_id):
            hub.create_repo(repo_id, private=private, exist_ok=True)
            commit = hub.create_commit(repo_id, files, commit_message=commit_message, revision=revision)
    return commit.commit_url


def write_folder(
    folder: Path,
    model: PretrainedModel,
    tokenizer: ConvBertTokenizer | None = None,
    record: TrainingRecord | None = None,
) -> None:
    """Write what is published, as files: the same folder that a bundled model has."""
    model.save_pretrained(folder)
    if tokenizer is not None:
        tokenizer.save_pretrained(folder)
    if record is not None:
        with atomic_write(folder / CARD_FILE, "w") as file:
            file.write(model_card(record))


@contextmanager
def _explained(repo_id: str) -> Iterator[None]:
    """Turn the client's errors into the standard ones, which say what to do."""
    from huggingface_hub import constants, errors

    try:
        yield
    except errors.OfflineModeIsEnabled as error:
        raise ConnectionError(
            f"{repo_id!r} was not published: HF_HUB_OFFLINE forbids it; set HF_HUB_OFFLINE=0"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise FileNotFoundError(
            f"{repo_id!r} was not published: the repository has no such branch ({error.server_message}); make it "
            "first, or leave `revision` out"
        ) from error
    except errors.HfHubHTTPError as error:
        said = error.server_message or error
        if error.response.status_code in (401, 403, 404):  # 404: strangers do not learn what is there
            raise PermissionError(
                f"{repo_id!r} was not published: {constants.ENDPOINT} does not let you write there ({said}); log in "
                "with `hf auth login`, or check HF_TOKEN and that it may write"
            ) from error
        raise ConnectionError(f"{repo_id!r} was not published: {constants.ENDPOINT} said {said}") from error
    except (errors.HTTPError, RuntimeError) as error:  # RuntimeError: a file that did not get through
        raise ConnectionError(
            f"{repo_id!r} was not published: the connection to {constants.ENDPOINT} failed "
            f"({error.__cause__ or error}); try again"
        ) from error
