"""The recordings of every batch so far, kept so that a new batch is compared with them without reading them all.

    catalogue/recordings/BATCH.HASH.arrow         what the tracks of a batch are recognised by, their groups and splits
    catalogue/postings/FIRST-COUNT.HASH.arrow     sorted postings of COUNT batches, the first of them number FIRST

Postings are merged eight to one as batches arrive, so that a look-up touches at most seven files of each size (1, 8,
64, 512 … batches). All of them follow from the recordings; a name holds the hash of what it was made from, so work that
was killed is done again to the same bytes, and a batch that changed takes the merges it was in out of use.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from assets.catalogue.duplicates import Place, Recording, postings_of
from assets.catalogue.postings import Postings, merged, open_postings, write_postings
from resources.stores import Store

RECORDINGS, POSTINGS = "catalogue/recordings/", "catalogue/postings/"
FAN = 8
MOST_BATCHES = MOST_ROWS = 1 << 16
SCHEMA = pa.schema(
    [
        ("track_id", pa.string()),
        ("sha256", pa.string()),
        ("fingerprint", pa.list_(pa.uint32())),
        ("group", pa.string()),
        ("split", pa.string()),
        ("listed", pa.bool_()),  # whether its terms are in the postings
    ]
)


@dataclass(frozen=True, slots=True)
class Past:
    """The batches before one, open for reading. `keys` are those of their recordings, by number."""

    store: Store
    keys: Sequence[str]
    opened: Sequence[Postings]

    def postings(self) -> Iterator[Postings]:
        yield from self.opened

    def recordings(self, places: Sequence[Place]) -> Mapping[Place, Recording]:
        found: dict[Place, Recording] = {}
        for number in sorted({number for number, _ in places}):
            rows = sorted({row for at, row in places if at == number})
            found |= {(number, row): recording for row, (recording, _) in _read(self.store, self.keys[number], rows)}
        return found


class DuplicateIndex:
    def __init__(self, store: Store) -> None:
        self.store = store

    @contextmanager
    def before(self, batch: str, sealed: Sequence[str]) -> Iterator[Past]:
        """What arrived in the batches of `sealed` before `batch`, all in order of their sealing.

        Raises:
            LookupError: one of them is not in the index (its catalogue comes first), or was interrupted in the middle.
        """
        keys = self._keys_of(sealed[: sealed.index(batch)])
        if len(keys) >= MOST_BATCHES:
            raise ValueError(f"more than {MOST_BATCHES} batches: make batches larger")
        with ExitStack() as stack:
            opened = []
            for first, count in blocks(len(keys)):
                path = stack.enter_context(self.store.local(self._merge(keys, first, count)))
                opened.append(stack.enter_context(open_postings(path)))
            yield Past(self.store, keys, opened)

    def add(self, batch: str, recordings: Sequence[tuple[Recording, bool]]) -> None:
        """Keep a batch's recordings, in order, and whether each is listed in the postings."""
        if len(recordings) > MOST_ROWS:
            raise ValueError(f"a batch of {len(recordings)} tracks; at most {MOST_ROWS}")
        columns = [
            [recording.track_id for recording, _ in recordings],
            [recording.sha256 for recording, _ in recordings],
            _lists([recording.fingerprint for recording, _ in recordings]),
            [recording.group for recording, _ in recordings],
            [recording.split for recording, _ in recordings],
            [listed for _, listed in recordings],
        ]
        sink = pa.BufferOutputStream()
        with pa.ipc.new_file(sink, SCHEMA) as writer:
            writer.write_batch(pa.record_batch(columns, schema=SCHEMA))
        data = sink.getvalue().to_pybytes()
        key = f"{RECORDINGS}{batch}.{_hash(data)}.arrow"
        self.store.put_bytes(key, data)
        for old in self.store.list(RECORDINGS):
            if old != key and _batch_of(old) == batch:
                self.store.remove(old)

    def holds(self, batch: str) -> bool:
        return sum(_batch_of(key) == batch for key in self.store.list(RECORDINGS)) == 1

    def version_before(self, batch: str) -> str:
        """What is known of all that arrived before a batch: another where any of it was decided otherwise."""
        return _hash("".join(key for key in self.store.list(RECORDINGS) if _batch_of(key) < batch).encode())

    def _keys_of(self, batches: Sequence[str]) -> list[str]:
        found = defaultdict(list)
        for key in self.store.list(RECORDINGS):
            found[_batch_of(key)].append(key)
        for batch in batches:
            if len(found[batch]) != 1:
                raise LookupError(
                    f"batch {batch} has {'an unfinished' if found[batch] else 'no'} catalogue: run it first"
                )
        return [found[batch][0] for batch in batches]

    def _merge(self, keys: Sequence[str], first: int, count: int) -> str:
        """The key of the postings of a block; they are made, and the smaller ones they replace are dropped."""
        key = _block_key(keys, first, count)
        if self.store.exists(key):
            return key
        with ExitStack() as stack:
            file = stack.enter_context(self.store.scratch()) / "postings.arrow"
            if count == 1:
                listed = {
                    (first, row): recording for row, (recording, listed) in _read(self.store, keys[first]) if listed
                }
                write_postings(file, [postings_of(listed)])
                parts = []
            else:
                size = count // FAN
                parts = [self._merge(keys, start, size) for start in range(first, first + count, size)]
                paths = [stack.enter_context(self.store.local(part)) for part in parts]
                write_postings(file, merged([stack.enter_context(open_postings(path)) for path in paths]))
            self.store.put(key, file)
        for part in parts:
            self.store.remove(part)
        return key


def blocks(count: int) -> list[tuple[int, int]]:
    """The numbers 0 to `count` as few aligned blocks (first, size), each size a power of eight."""
    found, first = [], 0
    while first < count:
        size = 1
        while first % (size * FAN) == 0 and first + size * FAN <= count:
            size *= FAN
        found.append((first, size))
        first += size
    return found


def _batch_of(key: str) -> str:
    return key.removeprefix(RECORDINGS).rsplit(".", 2)[0]


def _block_key(keys: Sequence[str], first: int, count: int) -> str:
    return f"{POSTINGS}{first:06d}-{count}.{_hash(''.join(keys[first : first + count]).encode())}.arrow"


def _read(store: Store, key: str, rows: Sequence[int] | None = None) -> Iterator[tuple[int, tuple[Recording, bool]]]:
    with store.local(key) as path, pa.memory_map(str(path)) as source:
        table = pa.ipc.open_file(source).read_all()
        rows = range(table.num_rows) if rows is None else rows
        taken = table.take(pa.array(rows, pa.int64())).combine_chunks()
        prints = taken["fingerprint"].combine_chunks()
        for at, row in enumerate(rows):
            recording = Recording(
                track_id=taken["track_id"][at].as_py(),
                sha256=taken["sha256"][at].as_py(),
                fingerprint=prints[at].values.to_numpy().copy(),
                group=taken["group"][at].as_py(),
                split=taken["split"][at].as_py(),
            )
            yield row, (recording, taken["listed"][at].as_py())


def _lists(arrays: Sequence[np.ndarray]) -> pa.ListArray:
    ends = np.cumsum([0, *map(len, arrays)]).astype(np.int32)
    values = np.concatenate([np.zeros(0, np.uint32), *arrays])
    return pa.ListArray.from_arrays(pa.array(ends), pa.array(values, pa.uint32()))


def _hash(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=12).hexdigest()
