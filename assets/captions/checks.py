"""What must hold of the captions."""

import json
from collections import Counter

from assets.captions.stage import captions_stage
from assets.partitions import batch_checks
from assets.profile import profile
from assets.rules import Rule, each_row, few_failures, nothing_lost
from assets.tables import Row, ok_rows
from resources.ledger import Ledger

STAGE = captions_stage(profile().captions, "", profile().threads)


WARN_FALLEN_BACK = 0.1  # share of the tracks that were listened to


def few_fell_back(ledger: Ledger, batch: str) -> list[str]:
    """Of the tracks a model listened to, at most one in ten has only what was measured for a caption."""
    rows = [
        row for row in ok_rows(ledger.read(STAGE.table, batch, ["status", "origin", "evidence"])) if row["evidence"]
    ]
    fallen = sum(row["origin"] == "measured" for row in rows)
    faults: Counter[str] = Counter()
    for row in rows:
        faults.update(json.loads(row["evidence"])["faults"])
    said = ", ".join(f"{fault} {times}" for fault, times in faults.most_common()) or "none"
    if fallen <= WARN_FALLEN_BACK * len(rows):
        return []
    return [f"{fallen} of {len(rows)} tracks fell back to what was measured (faulty answers: {said})"]


def fault(row: Row) -> str | None:
    return None if row["caption"] and row["short_caption"] else "has no caption"


RULES: list[Rule] = [
    nothing_lost(STAGE),
    few_failures(STAGE),
    few_fell_back,
    each_row(STAGE, "says_something", "Every track that is ok has a caption, long and short.", fault),
]

checks = batch_checks("captions", RULES)
