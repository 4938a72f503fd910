"""What must hold of the tracks."""

from assets.partitions import batch_checks
from assets.profile import profile
from assets.rules import Rule, each_row, few_failures, nothing_lost
from assets.tables import Row
from assets.tracks.stage import tracks_stage

STAGE = tracks_stage(profile().tracks, profile().threads)


def fault(row: Row) -> str | None:
    if row["duration_s"] <= 0:
        return f"lasts {row['duration_s']} s"
    return None if row["bandwidth_hz"] <= row["sample_rate_hz"] / 2 + 1 else "has a bandwidth above half its rate"


RULES: list[Rule] = [
    nothing_lost(STAGE),
    few_failures(STAGE),
    each_row(STAGE, "measures_make_sense", "A track lasts, and its spectrum ends below half its sample rate.", fault),
]

checks = batch_checks("tracks", RULES)
