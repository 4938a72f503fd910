"""Which batch a file belongs to: given once, for good."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from assets.manifest.listing import STAGE, Listing, batch_name
from assets.tables import Row, table_of
from resources.ledger import Ledger, Pointer, digest


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a look at a source brought."""

    batches: tuple[str, ...]  # sealed just now
    listed: int
    known: int  # files that had a batch before
    waiting: int  # files that wait for their batch to fill
    changed: int  # known files that came with other lyrics, tags or licence than before

    @property
    def new(self) -> int:
        return self.listed - self.known


def seal_batches(files: Iterable[Row], ledger: Ledger, batch_size: int, seal_short: bool) -> Sealed:
    """Gives each new file a batch, in the order of the source, and writes down each batch that is full.

    A file never leaves its batch, and a sealed batch takes in no other: new files go into later ones. A file that was
    replaced under its name (other size or time) counts as a new one. Files that do not fill a batch wait, unless
    `seal_short`. What came with a file (lyrics, tags, licence) is brought up to date where its batch is.
    """
    listing = Listing(ledger)
    queue, number, waiting = listing.new(files), len(ledger.batches(STAGE)), 0
    sealed: list[str] = []
    while rows := list(islice(queue, batch_size)):
        if len(rows) < batch_size and not seal_short:
            waiting = len(rows)
            break
        name = batch_name(number + len(sealed))
        _seal(ledger, name, rows)
        sealed.append(name)
    changed = 0
    for batch, rows, count in listing.changed():
        _seal(ledger, batch, rows)
        changed += count
    return Sealed(tuple(sealed), listing.listed, listing.known, waiting, changed)


def unsealed(files: Iterable[Row], ledger: Ledger) -> tuple[list[Row], int]:
    """The files of a source that have no batch yet, and how many of the others came with something else than before."""
    listing = Listing(ledger)
    new = list(listing.new(files))
    return new, sum(count for _, _, count in listing.changed())


def _seal(ledger: Ledger, batch: str, rows: Sequence[Row]) -> None:
    version = digest([STAGE, [[row["track_id"], row["input_hash"]] for row in rows]])
    counts = {"ok": len(rows), "rejected": 0, "failed": 0}
    pointer = Pointer(f"tables/{STAGE}/{batch}/{version}.parquet", version, "", {}, counts)
    ledger.seal(STAGE, batch, table_of(STAGE, rows), pointer)
