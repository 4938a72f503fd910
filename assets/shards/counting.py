"""Which shards count: older ones stay in the folder, with tracks in them that may have been taken down since."""

from resources.ledger import Ledger


def shards_that_count(ledger: Ledger, split: str | None = None) -> list[str]:
    """The keys of the shards that the tables name now, of one split or of all, in the order of their batches."""
    keys = {
        row["shard_uri"]: None
        for batch in ledger.batches("shards")
        for row in ledger.read("shards", batch, ["shard_uri", "split"]).to_pylist()
        if row["shard_uri"] and split in (None, row["split"])
    }
    return list(keys)
