"""What a source holds: the files of a folder with their sidecars, or the rows of a manifest file."""

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from assets.catalogue.splits import SPLITS
from assets.manifest.rows import ROWS_OF, SourceError
from assets.tables import COLUMNS, Row
from resources.ffmpeg import local_path

NOT_MUSIC = frozenset(
    [
        ".txt",
        ".lrc",
        ".json",
        ".jsonl",
        ".csv",
        ".tsv",
        ".md",
        ".nfo",
        ".log",
        ".cue",
        ".m3u",
        ".m3u8",
        ".pls",
        ".jpg",
        ".jpeg",
        ".png",
        ".gif",
        ".webp",
        ".bmp",
        ".pdf",
        ".html",
        ".url",
        ".ini",
        ".db",
        ".ds_store",
        ".sfv",
        ".md5",
        ".xml",
        ".yaml",
        ".toml",
        ".py",
        ".mid",
        ".zip",
        ".part",
        ".tmp",
    ]
)
LYRICS = (".lrc", ".txt")
SEEN = ("uri", "bytes", "modified_s", "lyrics_modified_s")  # all else is what a manifest may say of a file
GIVEN = tuple(name for name in COLUMNS["manifest"] if name not in SEEN)


def list_source(source: str) -> Iterator[Row]:
    """A row (see the manifest's columns) for each file of the source, in the order of their paths or of the manifest.

    What is not there or cannot be read is listed too, with null `bytes`: it is the tracks' place to reject it.

    A manifest may name any file: who runs it answers for what it lists, as with any list of files. Lyrics, whose text
    goes into what is made, may only come from files that are called .lrc or .txt; and a link beside a song in a folder
    only counts for its lyrics if it leads to a file of that folder.

    Raises:
        SourceError: no such source, or not one that we can read.
    """
    if not source:
        raise SourceError("no source was given: name a folder of music, or a .csv, .jsonl or .parquet manifest")
    path = Path(source).expanduser()
    if path.is_dir():
        return _folder(path)
    if not path.exists():
        why = "is a link that leads nowhere" if path.is_symlink() else "does not exist"
        raise SourceError(f"{source} {why}: name a folder of music, or a .csv, .jsonl or .parquet manifest")
    if path.suffix.lower() not in ROWS_OF or not path.is_file():
        raise SourceError(f"{source} is neither a folder nor a .csv, .jsonl or .parquet manifest")
    return _manifest(path)


def _folder(root: Path) -> Iterator[Row]:
    unread: list[Path] = []

    def stop(error: OSError) -> None:
        if Path(error.filename) == root.absolute():
            raise SourceError(f"{root} cannot be listed: {error.strerror}") from error
        unread.append(Path(error.filename))

    home = root.resolve()
    for folder, folders, names in os.walk(root.absolute(), onerror=stop):
        folders.sort()
        beside = set(names)
        # A link to a folder is listed as the one thing that it is, and not walked into: it may lead back up.
        links = [name for name in folders if Path(folder, name).is_symlink()]
        for name in sorted([*names, *links]):
            path = Path(folder, name)
            if path.suffix.lower() not in NOT_MUSIC and name.lower() not in NOT_MUSIC:
                sidecar = next((found for found in _sidecars(path, beside) if _is_inside(found, home)), None)
                lyrics_uri = sidecar.as_uri() if sidecar else None
                yield {"uri": path.as_uri(), "lyrics_uri": lyrics_uri} | _stat(path) | _lyrics_stat(lyrics_uri)
    for path in unread:  # what is in it cannot be known, but that it is there can
        yield {"uri": path.as_uri(), "lyrics_uri": None, "bytes": None, "modified_s": None, "lyrics_modified_s": None}


def _sidecars(path: Path, beside: set[str]) -> Iterator[Path]:
    yield from (path.with_suffix(end) for end in LYRICS if path.with_suffix(end).name in beside)


def _is_inside(path: Path, home: Path) -> bool:
    try:
        return not path.is_symlink() or path.resolve(strict=True).is_relative_to(home)
    except (OSError, RuntimeError):  # a link that leads nowhere, or to itself
        return False


def _manifest(path: Path) -> Iterator[Row]:
    for number, row in ROWS_OF[path.suffix.lower()](path):
        try:
            uri = _text(row.get("uri")).strip()
            if not uri:
                raise ValueError("no uri")
            given = {name: value for name in GIVEN if (value := _text(row.get(name)))}
            if lyrics_uri := given.get("lyrics_uri", "").strip():
                given["lyrics_uri"] = _absolute(lyrics_uri, path.parent)
                if local_path(given["lyrics_uri"]).suffix.lower() not in LYRICS:
                    raise ValueError(f"lyrics_uri {lyrics_uri} is neither a .lrc nor a .txt file")
            if (split := given.get("split", SPLITS[0])) not in SPLITS:
                raise ValueError(f"split {split} is none of {', '.join(SPLITS)}")
            uri = _absolute(uri, path.parent)
            yield {"uri": uri, **given} | _stat(local_path(uri)) | _lyrics_stat(given.get("lyrics_uri"))
        except (ValueError, RuntimeError) as error:  # also what pathlib raises on ~nobody, and urllib on file://[
            raise SourceError(f"{path}, row {number}: {error}") from None


def _absolute(name: str, folder: Path) -> str:
    """A file:// uri of what a manifest in `folder` names by a uri or a path."""
    path = local_path(name)
    return name if name.startswith("file://") else (folder.absolute() / path.expanduser()).as_uri()


def _text(value: Any) -> str:
    """A cell as text that every table can hold; nothing where it is empty or not a number."""
    match value:
        case None:
            return ""
        case float() if math.isnan(value):
            return ""
        case bytes():
            return value.decode("utf-8", "replace")
        case str():
            return value.encode("utf-8", "replace").decode()
        case bool() | int() | float():
            return str(value)
    raise ValueError(f"{value!r:.80} is not text")


def modified_s_of(uri: str | None) -> float | None:
    """When a file was last written to; None where there is none."""
    try:
        return local_path(uri).stat().st_mtime if uri else None
    except (OSError, ValueError):
        return None


def _lyrics_stat(uri: str | None) -> Row:
    return {"lyrics_modified_s": modified_s_of(uri)}


def _stat(path: Path) -> Row:
    try:
        stat = path.stat()
    except (OSError, ValueError):
        return {"bytes": None, "modified_s": None}
    return {"bytes": stat.st_size, "modified_s": stat.st_mtime}
