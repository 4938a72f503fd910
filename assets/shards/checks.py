"""What must hold of the shards."""

from collections import Counter

from assets.partitions import batch_checks
from assets.profile import profile
from assets.rules import Rule, few_failures, nothing_lost
from assets.shards.sample import sample_name
from assets.shards.stage import shards_stage
from assets.tables import ok_rows
from resources.ledger import Ledger

STAGE = shards_stage(profile().shards, "")


def every_window_is_packed(ledger: Ledger, batch: str) -> list[str]:
    """Every window of a track that is ok here is a sample of a shard, once."""
    rows = ok_rows(ledger.read(STAGE.table, batch))
    packed = Counter(row["sample"] for row in rows)
    ok = {row["track_id"] for row in rows}
    wanted = {
        sample_name(row["track_id"], row) for row in ok_rows(ledger.read("windows", batch)) if row["track_id"] in ok
    }
    missing = [f"{sample} is in no shard" for sample in sorted(wanted - set(packed))]
    return missing + [f"{sample} is there {count} times" for sample, count in packed.items() if count > 1]


def shards_are_there(ledger: Ledger, batch: str) -> list[str]:
    """Every shard of the index is in the store."""
    uris = {row["shard_uri"] for row in ok_rows(ledger.read(STAGE.table, batch))}
    return [f"{uri} is gone" for uri in sorted(uris) if not ledger.store.exists(uri)]


RULES: list[Rule] = [nothing_lost(STAGE), few_failures(STAGE), every_window_is_packed, shards_are_there]

checks = batch_checks("shards", RULES)
