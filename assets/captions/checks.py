"""What must hold of the captions."""

from assets.captions.stage import captions_stage
from assets.partitions import batch_checks
from assets.profile import profile
from assets.rules import Rule, each_row, few_failures, nothing_lost
from assets.tables import Row

STAGE = captions_stage(profile().captions, "", profile().threads)


def fault(row: Row) -> str | None:
    return None if row["caption"] and row["short_caption"] else "has no caption"


RULES: list[Rule] = [
    nothing_lost(STAGE),
    few_failures(STAGE),
    each_row(STAGE, "says_something", "Every track that is ok has a caption, long and short.", fault),
]

checks = batch_checks("captions", RULES)
