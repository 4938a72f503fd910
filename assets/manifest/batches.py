"""Which batch a file belongs to: given once, for good."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import pyarrow as pa

from assets.tables import Row, Status, table_of
from resources.ledger import Ledger, Pointer, digest

STAGE = "manifest"


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a look at a source brought."""

    batches: tuple[str, ...]  # sealed just now
    listed: int
    known: int  # files that had a batch before
    waiting: int  # files that wait for their batch to fill

    @property
    def new(self) -> int:
        return self.listed - self.known


def batch_name(number: int) -> str:
    return f"b{number:05d}"


def track_id(uri: str, bytes_: int | None, modified_s: float | None, first: bool = True) -> str:
    """Names a file, for good: by where it is, and once its content was replaced, by when as well."""
    name = uri if first else f"{uri} {bytes_} {modified_s}"
    return hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def seal_batches(files: Iterable[Row], ledger: Ledger, batch_size: int, seal_short: bool) -> Sealed:
    """Gives each new file a batch, in the order of the source, and writes down each batch that is full.

    A sealed batch is never changed: new files go into later ones. A file that was replaced under its name (other size
    or time) counts as a new one. Files that do not fill a batch wait, unless `seal_short`.
    """
    listing = _Listing(_known(ledger))
    queue, number, waiting = listing.new(files), len(ledger.batches(STAGE)), 0
    sealed: list[str] = []
    while rows := list(islice(queue, batch_size)):
        if len(rows) < batch_size and not seal_short:
            waiting = len(rows)
            break
        name = batch_name(number + len(sealed))
        _seal(ledger, name, rows)
        sealed.append(name)
    return Sealed(tuple(sealed), listing.listed, listing.known, waiting)


def unsealed(files: Iterable[Row], ledger: Ledger) -> list[Row]:
    """The files of a source that have no batch yet."""
    return list(_Listing(_known(ledger)).new(files))


class _Listing:
    """Tells the new files of a source from those that have a batch."""

    def __init__(self, states: dict[str, tuple[int | None, float | None]]) -> None:
        self.states = states
        self.listed = self.known = 0

    def new(self, files: Iterable[Row]) -> Iterator[Row]:
        seen: set[str] = set()
        for file in files:
            self.listed += 1
            state = (file["bytes"], file["modified_s"])
            first = track_id(file["uri"], *state)
            replaced = file["bytes"] is not None and first in self.states and self.states[first] != state
            name = track_id(file["uri"], *state, first=not replaced)
            if name in seen or name in self.states:
                self.known += 1
            else:
                seen.add(name)
                yield {"track_id": name, "status": Status.OK, "input_hash": digest(file), **file}


def _seal(ledger: Ledger, batch: str, rows: list[Row]) -> None:
    version = digest([STAGE, [[row["track_id"], row["input_hash"]] for row in rows]])
    counts = {"ok": len(rows), "rejected": 0, "failed": 0}
    pointer = Pointer(f"tables/{STAGE}/{batch}/{version}.parquet", version, "", {}, counts)
    ledger.seal(STAGE, batch, table_of(STAGE, rows), pointer)


def _known(ledger: Ledger) -> dict[str, tuple[int | None, float | None]]:
    """Size and time of every file that has a batch, by track."""
    columns = ["track_id", "bytes", "modified_s"]
    tables = [ledger.read(STAGE, batch, columns) for batch in ledger.batches(STAGE)]
    if not tables:
        return {}
    table = pa.concat_tables(tables)
    names, sizes, times = (table[name].to_pylist() for name in columns)
    return dict(zip(names, zip(sizes, times, strict=True), strict=True))
