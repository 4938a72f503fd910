"""What must hold of the catalogue."""

from assets.catalogue.stage import catalogue_stage
from assets.partitions import batch_checks
from assets.profile import profile
from assets.rules import Rule, few_failures, nothing_lost
from resources.ledger import Ledger

STAGE = catalogue_stage(profile().catalogue)


def first_to_arrive_is_kept(ledger: Ledger, batch: str) -> list[str]:
    """A duplicate is one of a track that came before it."""
    rows = ledger.read(STAGE.table, batch, ["track_id", "duplicate_of"]).to_pylist()
    place = {row["track_id"]: position for position, row in enumerate(rows)}
    return [
        f"{row['track_id']} is said to be a duplicate of {row['duplicate_of']}, which came later"
        for row in rows
        if row["duplicate_of"] and place.get(row["duplicate_of"], -1) >= place[row["track_id"]]
    ]


RULES: list[Rule] = [nothing_lost(STAGE), few_failures(STAGE), first_to_arrive_is_kept]

checks = batch_checks("catalogue", RULES)
