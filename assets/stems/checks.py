"""What must hold of the stems."""

from assets.partitions import batch_checks
from assets.profile import profile
from assets.rules import Rule, each_row, few_failures, nothing_lost
from assets.stems.stage import stems_stage
from assets.tables import Row
from assets.tracks.stage import tracks_stage

STAGE = stems_stage(profile().stems, "", profile().threads)
TRACKS = tracks_stage(profile().tracks, profile().threads)


def fault(row: Row) -> str | None:
    end_s = row["duration_s"] + 0.1
    odd = [span for span in row["vocal_segments"] if not 0 <= span["start_s"] < span["end_s"] <= end_s]
    return f"singing from {odd[0]['start_s']} to {odd[0]['end_s']} s" if odd else None


RULES: list[Rule] = [
    nothing_lost(STAGE),
    few_failures(STAGE),
    each_row(STAGE, "singing_lies_inside", "There is singing only while the track lasts.", fault, also=TRACKS),
]

checks = batch_checks("stems", RULES)
