"""The rows of a manifest file, with the numbers that a person would find them by."""

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Rows = Iterator[tuple[int, dict[str, Any]]]
LONGEST_FIELD = 1 << 24


class SourceError(ValueError):
    """The source as a whole cannot be read; the message says why and what to do."""


def _csv(path: Path) -> Rows:
    csv.field_size_limit(LONGEST_FIELD)
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from enumerate(csv.DictReader(file), start=2)


def _jsonl(path: Path) -> Rows:
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                try:
                    row = json.loads(line)
                except (ValueError, RecursionError) as error:  # a number of thousands of digits is a ValueError
                    raise SourceError(f"{path}, row {number}: not JSON: {error}") from None
                if not isinstance(row, dict):
                    raise SourceError(f"{path}, row {number}: not a JSON object")
                yield number, row


def _parquet(path: Path) -> Rows:
    with pq.ParquetFile(path) as file:
        rows = (row for batch in file.iter_batches(4096) for row in batch.to_pylist())
        yield from enumerate(rows, start=1)


def _explained(read: Callable[[Path], Rows], kind: str) -> Callable[[Path], Rows]:
    """The same reader, whose errors say which file it was and what it is not."""

    def explained(path: Path) -> Rows:
        try:
            yield from read(path)
        except (csv.Error, UnicodeDecodeError, pa.ArrowException) as error:
            raise SourceError(f"{path} is not a {kind}: {error}") from None
        except OSError as error:
            raise SourceError(f"{path} cannot be read: {error.strerror or error}") from None

    return explained


ROWS_OF: Mapping[str, Callable[[Path], Rows]] = {
    ".csv": _explained(_csv, "UTF-8 .csv"),
    ".jsonl": _explained(_jsonl, "UTF-8 .jsonl"),
    ".parquet": _explained(_parquet, ".parquet"),
}
