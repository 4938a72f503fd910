"""Which shards count: older ones stay in the folder, with tracks in them that may have been taken down since."""

from collections.abc import Sequence

from resources.ledger import Ledger


def shards_that_count(ledger: Ledger, split: str | None = None, batches: Sequence[str] | None = None) -> list[str]:
    """The keys of the shards that the tables name now, of one split or of all, in the order of their batches.

    Raises:
        KeyError: one of the `batches` that are asked for has no shards yet.
    """
    keys = {
        row["shard_uri"]: None
        for batch in (ledger.batches("shards") if batches is None else batches)
        for row in ledger.read("shards", batch, ["shard_uri", "split"]).to_pylist()
        if row["shard_uri"] and split in (None, row["split"])
    }
    return list(keys)
