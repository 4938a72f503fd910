"""What a source holds: the files of a folder with their sidecars, or the rows of a manifest file."""

import csv
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow.parquet as pq

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


class SourceError(ValueError):
    """The source as a whole cannot be read; the message says why and what to do."""


def list_source(source: str) -> Iterator[Row]:
    """A row (see the manifest's columns) for each file of the source, in the order of their paths or of the manifest.

    What is not there or cannot be read is listed too, with null `bytes`: it is the tracks' place to reject it.

    Raises:
        SourceError: no such source, or not one that we can read.
    """
    path = Path(source).expanduser()
    if not source:
        raise SourceError("no source was given: name a folder of music, or a .csv, .jsonl or .parquet manifest")
    if path.is_dir():
        return _folder(path)
    if not path.exists():
        raise SourceError(f"{source} does not exist: name a folder of music, or a .csv, .jsonl or .parquet manifest")
    readers = {".csv": _csv, ".jsonl": _jsonl, ".parquet": _parquet}
    if path.suffix.lower() not in readers:
        raise SourceError(f"{source} is neither a folder nor a .csv, .jsonl or .parquet manifest")
    return _manifest(path, readers[path.suffix.lower()](path))


def _folder(root: Path) -> Iterator[Row]:
    def stop(error: OSError) -> None:
        if Path(error.filename) == root:
            raise SourceError(f"{root} cannot be listed: {error.strerror}") from error

    for folder, folders, names in os.walk(root.absolute(), onerror=stop):
        folders.sort()
        beside = set(names)
        # A link to a folder is listed as the one thing that it is, and not walked into: it may lead back up.
        links = [name for name in folders if Path(folder, name).is_symlink()]
        for name in sorted([*names, *links]):
            path = Path(folder, name)
            if path.suffix.lower() not in NOT_MUSIC and name.lower() not in NOT_MUSIC:
                sidecar = next((path.with_suffix(end) for end in LYRICS if path.with_suffix(end).name in beside), None)
                lyrics_uri = sidecar.as_uri() if sidecar else None
                yield {"uri": path.as_uri(), "lyrics_uri": lyrics_uri} | _stat(path) | _lyrics_stat(lyrics_uri)


def _manifest(path: Path, rows: Iterator[tuple[int, dict[str, Any]]]) -> Iterator[Row]:
    for number, row in rows:
        uri = str(row.get("uri") or "").strip()
        if not uri:
            raise SourceError(f"{path}, row {number}: no uri")
        given = {name: str(value) for name in GIVEN if (value := row.get(name)) not in (None, "")}
        if urlsplit(uri).scheme not in ("", "file"):
            raise SourceError(f"{path}, row {number}: {uri} is neither a path nor a file:// uri")
        if not uri.startswith("file://"):
            uri = (path.parent.absolute() / Path(uri).expanduser()).as_uri()
        yield {"uri": uri, **given} | _stat(local_path(uri)) | _lyrics_stat(given.get("lyrics_uri"))


def _csv(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    csv.field_size_limit(1 << 24)
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            yield from enumerate(csv.DictReader(file), start=2)
        except (csv.Error, UnicodeDecodeError) as error:
            raise SourceError(f"{path} is not a UTF-8 .csv: {error}") from None


def _jsonl(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                try:
                    row = json.loads(line)
                except json.JSONDecodeError as error:
                    raise SourceError(f"{path}, row {number}: not JSON: {error}") from None
                if not isinstance(row, dict):
                    raise SourceError(f"{path}, row {number}: not a JSON object")
                yield number, row


def _parquet(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    rows = (row for batch in pq.ParquetFile(path).iter_batches(4096) for row in batch.to_pylist())
    yield from enumerate(rows, start=1)


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
