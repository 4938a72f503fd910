"""Files of a model hub: from the cache of this machine where they are there, else downloaded, once."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from resources.models import ModelChoice
from resources.weights import WeightsError, checked, known_sha256, sha256_of, weights_in

BLOB = re.compile(r"[0-9a-f]{64}")
PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt")  # may run what they like when they are loaded


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A repository as it was at one commit: a folder with the files that were asked for."""

    folder: Path
    revision: str


def snapshot(repository: str, files: Sequence[str], revision: str = "") -> Snapshot:
    """The files (patterns; each must match one at least) of a repository such as `Systran/faster-whisper-large-v3`.

    What has once been downloaded is taken as it is and the hub is not asked: a model does not change on its own.

    Raises:
        WeightsError: there is no such repository, revision or file, or the hub cannot be reached; with what to do.
        ValueError: a pattern asks for a pickle.
    """
    if pickles := [name for name in files if name.endswith(PICKLES) and name != "model.bin"]:
        raise ValueError(f"{pickles[0]} would be a pickle; weights come as safetensors")
    return _cached(repository, files, revision) or _downloaded(repository, files, revision)


@dataclass(frozen=True, slots=True)
class Found:
    """Where a model's weights lie on this machine, and what they are. `path` is None where they are not here yet."""

    path: Path | None
    package: str
    revision: str
    sha256: str


def find_weights(choice: ModelChoice, files: Sequence[str], *, fetch: bool, repository: str = "") -> Found:
    """The weights of a chosen model: in its own folder or file, else in a repository, which by default it is named for.

    Without `fetch`, what is known of them without a network and without reading gigabytes.

    Raises:
        WeightsError: they cannot be had, or are not those that the hub or `choice.sha256` names; with `fetch` only.
    """
    if choice.weights:
        path = Path(choice.weights).expanduser().absolute()
        sha256 = checked(path, choice.sha256) if fetch else known_sha256(path)
        return Found(path, str(path), choice.revision, sha256)
    repository = repository or choice.model
    found = (snapshot if fetch else _cached)(repository, files, choice.revision)
    if found is None:
        return Found(None, repository, choice.revision, choice.sha256)
    if not fetch:
        return Found(found.folder, repository, found.revision, known_sha256(found.folder))
    for file in weights_in(found.folder):
        _check_as_published(file)
    return Found(found.folder, repository, found.revision, checked(found.folder, choice.sha256))


def _check_as_published(file: Path) -> None:
    """The hub's cache calls a large file by its sha256, and links to it under its own name."""
    published = file.resolve().name
    if BLOB.fullmatch(published) and (found := sha256_of(file)) != published:
        raise WeightsError(f"{file} is damaged: it has sha256 {found}, the hub says {published}: remove it")


def _cached(repository: str, files: Sequence[str], revision: str) -> Snapshot | None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(repository, revision=revision or None, local_files_only=True))
    except LocalEntryNotFoundError:
        return None
    return None if missing(folder, files) else Snapshot(folder, folder.name)


def _downloaded(repository: str, files: Sequence[str], revision: str) -> Snapshot:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

    try:
        folder = Path(snapshot_download(repository, revision=revision or None, allow_patterns=list(files)))
    except GatedRepoError:
        raise WeightsError(
            f"{repository} is only given to those who accept its terms: do so on its page, then set HF_TOKEN"
        ) from None
    except RepositoryNotFoundError:
        raise WeightsError(
            f"the hub has no {repository}, or not for you: check the name, and HF_TOKEN if it is private"
        ) from None
    except RevisionNotFoundError:
        raise WeightsError(f"{repository} has no revision {revision}: check it on the hub") from None
    except (HfHubHTTPError, OSError) as error:
        raise WeightsError(
            f"{repository} is not on this machine, and the hub cannot be asked for it ({cause_of(error)}): "
            f"go online once, or copy the folder here and set `weights` to it"
        ) from None
    if lacking := missing(folder, files):
        raise WeightsError(
            f"{repository} has no {lacking[0]} here: its download was broken off (go online once more), "
            f"or it is no model of the kind that is asked for"
        )
    return Snapshot(folder, folder.name)


def missing(folder: Path, files: Sequence[str]) -> list[str]:
    """Which of the patterns match nothing in a folder, and which parts of split weights are not there."""
    there = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    lacking = [pattern for pattern in files if not any(fnmatch(name, pattern) for name in there)]
    for index in (name for name in there if name.endswith(".safetensors.index.json")):
        parts = json.loads((folder / index).read_text(encoding="utf-8"))["weight_map"].values()
        lacking += sorted(set(parts) - there)
    return lacking


def cause_of(error: BaseException) -> str:
    """The first line of what an error was in the end caused by."""
    while error.__cause__ is not None:
        error = error.__cause__
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
