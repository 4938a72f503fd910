"""Where each fingerprint term occurs: tables sorted by term, merged and searched without being read whole.

A posting is (term uint32, batch uint16, row uint16, position uint16): the term at a position of the fingerprint of a
row of a batch, the batch by its number. Files are Arrow IPC in record batches of `CHUNK` rows, read by memory map.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa

SCHEMA = pa.schema([("term", pa.uint32()), ("batch", pa.uint16()), ("row", pa.uint16()), ("position", pa.uint16())])
CHUNK = 1 << 20
# A term that is everywhere (a drone, a fade) says nothing. Those that came first keep their place, come what may.
MOST_OF_A_TERM = 64
LAST_POSITION = (1 << 16) - 2
WHOLE_FILE = (1 << 16) - 1  # the position of the term that stands for a file's own hash

Columns = tuple[np.ndarray, ...]  # term, batch, row, position: equally long, sorted by all four


class Postings:
    """Sorted postings in chunks; a chunk's columns are read when they are asked for."""

    def __init__(self, chunks: Sequence[Columns]) -> None:
        self.chunks = [chunk for chunk in chunks if len(chunk[0])]
        self.firsts = [int(chunk[0][0]) for chunk in self.chunks]

    def between(self, low: int, high: int) -> Columns:
        """The postings of terms from `low` up to, and without, `high`."""
        pieces = []
        for chunk in self.chunks[max(0, bisect_left(self.firsts, low) - 1) :]:
            if int(chunk[0][0]) >= high:
                break
            start, end = np.searchsorted(chunk[0], np.array([low, min(high, 2**32 - 1)], np.uint32))
            if high == 2**32:
                end = len(chunk[0])
            pieces.append(tuple(column[start:end] for column in chunk))
        return joined(pieces)

    def find(self, terms: np.ndarray) -> tuple[np.ndarray, Columns]:
        """All postings of sorted, unique `terms`: for each the index of its term, and the columns."""
        asked, found = [], []
        for chunk in self.chunks:
            first, last = np.searchsorted(terms, [chunk[0][0], chunk[0][-1]])
            part = terms[first : min(len(terms), last + 1)]
            starts = np.searchsorted(chunk[0], part)
            # Nearly all terms occur nowhere else; only for the others it is worth looking where they end.
            (known,) = np.nonzero(chunk[0][np.minimum(starts, len(chunk[0]) - 1)] == part)
            if not len(known):
                continue
            starts, ends = starts[known], np.searchsorted(chunk[0], part[known], side="right")
            counts = ends - starts
            rows = np.repeat(starts - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
            asked.append(np.repeat(first + known, counts))
            found.append(tuple(column[rows] for column in chunk))
        return (np.concatenate(asked) if asked else np.zeros(0, np.int64)), joined(found)


def joined(pieces: Sequence[Columns]) -> Columns:
    if not pieces:
        return tuple(np.zeros(0, field.type.to_pandas_dtype()) for field in SCHEMA)
    return tuple(np.concatenate(column) for column in zip(*pieces, strict=True))


def ordered(columns: Columns) -> Columns:
    """Postings that come in the order of arrival, sorted by term; of each no more than the first `MOST_OF_A_TERM`."""
    order = np.argsort(columns[0], kind="stable")
    columns = tuple(column[order] for column in columns)
    term = columns[0]
    place = np.arange(len(term))
    first = np.maximum.accumulate(np.where(np.append(True, term[1:] != term[:-1])[: len(term)], place, 0))
    kept = place - first < MOST_OF_A_TERM
    return columns if kept.all() else tuple(column[kept] for column in columns)


def merged(sources: Sequence[Postings]) -> Iterator[Columns]:
    """The postings of sources that arrived one after the other, piece by piece; memory for two chunks of each."""
    bounds = sorted({0, 2**32, *(first for source in sources for first in source.firsts)})
    for low, high in pairwise(bounds):
        yield ordered(joined([source.between(low, high) for source in sources]))


def write_postings(path: Path, pieces: Iterable[Columns]) -> None:
    """Pieces in order of their terms, as a file whose bytes depend on the postings alone."""
    held: list[Columns] = []
    waiting = 0
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, SCHEMA) as writer:
        for piece in pieces:
            held.append(piece)
            waiting += len(piece[0])
            if waiting >= CHUNK:
                held = [_write_full(writer, joined(held))]
                waiting = len(held[0][0])
        last = joined(held)
        if len(last[0]):
            writer.write_batch(pa.record_batch([pa.array(column) for column in last], schema=SCHEMA))


def _write_full(writer: pa.ipc.RecordBatchFileWriter, columns: Columns) -> Columns:
    while len(columns[0]) >= CHUNK:
        writer.write_batch(pa.record_batch([pa.array(column[:CHUNK]) for column in columns], schema=SCHEMA))
        columns = tuple(column[CHUNK:] for column in columns)
    return columns


@contextmanager
def open_postings(path: Path) -> Iterator[Postings]:
    """A file of postings, mapped into memory while the block lasts."""
    with pa.memory_map(str(path)) as source:
        reader = pa.ipc.open_file(source)
        batches = [reader.get_batch(i) for i in range(reader.num_record_batches)]
        yield Postings([tuple(column.to_numpy() for column in batch.columns) for batch in batches])
