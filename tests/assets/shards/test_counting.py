from pathlib import Path

import pyarrow as pa

from assets.shards.counting import shards_that_count
from resources.ledger import Ledger, Pointer
from resources.stores import FolderStore


def seal(ledger: Ledger, batch: str, version: str, shards: list[tuple[str | None, str]]) -> None:
    """Makes a table of a row for each sample's shard and split, and the shards themselves, the ones that count."""
    for uri, _ in shards:
        if uri:
            ledger.store.put_bytes(uri, b"a tar")
    rows = [{"shard_uri": uri, "split": split} for uri, split in shards]
    table = pa.Table.from_pylist(rows, pa.schema({"shard_uri": pa.string(), "split": pa.string()}))
    ledger.seal("shards", batch, table, Pointer(f"tables/shards/{batch}/{version}.parquet", version, "", {}, {}))


def test_a_shard_that_was_made_anew_no_longer_counts(tmp_path: Path):
    ledger = Ledger(FolderStore(tmp_path))
    seal(ledger, "b0", "1", [("shards/train/b0-old.tar", "train")] * 3)
    seal(ledger, "b0", "2", [("shards/train/b0-new.tar", "train")] * 2)
    seal(ledger, "b1", "1", [("shards/train/b1.tar", "train"), ("shards/valid/b1.tar", "valid"), (None, "train")])
    assert shards_that_count(ledger) == ["shards/train/b0-new.tar", "shards/train/b1.tar", "shards/valid/b1.tar"]
    assert shards_that_count(ledger, "valid") == ["shards/valid/b1.tar"]
    assert "shards/train/b0-old.tar" in ledger.store.list("shards/")
