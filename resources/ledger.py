"""What has been done: tables by stage and batch, the chunks of a run that is not over yet, and what each track cost.

tables/STAGE/BATCH/VERSION.parquet    a finished batch; never changed
current/STAGE/BATCH.json              the pointer: which of them counts
parts/STAGE/BATCH/HASH.parquet        finished chunks of an unfinished batch; gone once the pointer moves
efforts/STAGE/BATCH/HASH.parquet      seconds and attempts, kept apart because no two runs agree on them
"""

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from resources.stores import Store

EFFORTS = pa.schema(
    [
        ("track_id", pa.string()),
        ("work_key", pa.string()),
        ("status", pa.string()),
        ("seconds", pa.float64()),
        ("audio_s", pa.float64()),
        ("finished_at", pa.timestamp("ms", tz="UTC")),
    ]
)


@dataclass(frozen=True, slots=True)
class Pointer:
    """Which table of a stage and batch counts, and what a person wants to know of it at a glance.

    `inputs` are the versions of what it was made from: the same batch in other tables, by their names, and what else
    the table's recipe names, with a slash in its name.
    """

    table: str
    data_version: str
    parameter_hash: str
    inputs: Mapping[str, str]
    counts: Mapping[str, int]


class Ledger:
    def __init__(self, store: Store) -> None:
        self.store = store

    def pointer(self, stage: str, batch: str) -> Pointer | None:
        try:
            with self.store.open(f"current/{stage}/{batch}.json") as file:
                return Pointer(**json.load(file))
        except KeyError:
            return None

    def batches(self, stage: str) -> list[str]:
        """The batches that a stage has finished, in order."""
        return [key.rsplit("/", 1)[1].removesuffix(".json") for key in self.store.list(f"current/{stage}/")]

    def read(self, stage: str, batch: str, columns: Sequence[str] | None = None) -> pa.Table:
        """The table that counts. Raises KeyError where the stage has not finished the batch."""
        pointer = self.pointer(stage, batch)
        if pointer is None:
            raise KeyError(f"{stage} has not finished batch {batch}: run it first")
        return self._read(pointer.table, columns)

    def parts(self, stage: str, batch: str) -> list[pa.Table]:
        """What an interrupted run had finished."""
        return [self._read(key) for key in self.store.list(f"parts/{stage}/{batch}/")]

    def append(self, stage: str, batch: str, rows: pa.Table, efforts: pa.Table) -> None:
        """Keeps a finished chunk. What it points to must be in the store by now."""
        self._write(f"efforts/{stage}/{batch}", efforts)
        self._write(f"parts/{stage}/{batch}", rows)

    def seal(self, stage: str, batch: str, table: pa.Table, pointer: Pointer) -> None:
        """Makes a table the one that counts: data first, then the pointer, then the chunks go."""
        self.store.put_bytes(pointer.table, _parquet(table))
        text = json.dumps(asdict(pointer), indent=1, sort_keys=True) + "\n"
        self.store.point(f"current/{stage}/{batch}.json", text.encode())
        for key in self.store.list(f"parts/{stage}/{batch}/"):
            self.store.remove(key)

    def forget(self, stage: str, batch: str) -> None:
        """As if the stage had not finished the batch: all of it is made again."""
        self.store.remove(f"current/{stage}/{batch}.json")

    def efforts(self, stage: str, batch: str) -> pa.Table:
        """Every attempt that was ever made on a track of the batch."""
        tables = [self._read(key) for key in self.store.list(f"efforts/{stage}/{batch}/")]
        if not tables:
            return EFFORTS.empty_table()
        # A compaction that was killed leaves the same attempts in two files.
        return pa.concat_tables(tables).group_by(EFFORTS.names, use_threads=False).aggregate([]).cast(EFFORTS)

    def compact(self, stage: str, batch: str) -> None:
        """One file of efforts in place of one a chunk."""
        keys = self.store.list(f"efforts/{stage}/{batch}/")
        if len(keys) > 1:
            kept = self._write(f"efforts/{stage}/{batch}", self.efforts(stage, batch))
            for key in keys:
                if key != kept:
                    self.store.remove(key)

    def _write(self, folder: str, table: pa.Table) -> str:
        data = _parquet(table)
        key = f"{folder}/{hashlib.blake2b(data, digest_size=12).hexdigest()}.parquet"
        self.store.put_bytes(key, data)
        return key

    def _read(self, key: str, columns: Sequence[str] | None = None) -> pa.Table:
        with self.store.open(key) as file:
            return read_parquet(file.read(), columns)


def read_parquet(data: bytes, columns: Sequence[str] | None = None) -> pa.Table:
    """A small table, read without Arrow's threads: `pyarrow.parquet.read_table` always starts some, and a command that
    ends at once after reading is at times aborted by a thread that has not ended."""
    with pq.ParquetFile(pa.BufferReader(data)) as file:
        return file.read(columns=list(columns) if columns is not None else None, use_threads=False)


def digest(value: Any) -> str:
    """A short hash of plain JSON values, the same in every process and on every machine."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def _parquet(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()
