"""What must hold of the lyrics."""

from itertools import pairwise

from assets.lyrics.stage import lyrics_stage
from assets.partitions import batch_checks
from assets.profile import profile
from assets.rules import Rule, each_row, few_failures, nothing_lost
from assets.tables import Row
from assets.tracks.stage import tracks_stage

STAGE = lyrics_stage(profile().lyrics, "", profile().threads)
TRACKS = tracks_stage(profile().tracks, profile().threads)


def fault(row: Row) -> str | None:
    words = [word for line in row["lines"] for word in line["words"]]
    for word in words:
        if not 0 <= word["start_s"] < word["end_s"] <= row["duration_s"] + 0.1:
            return f"{word['text']!r} is sung from {word['start_s']} to {word['end_s']} s"
    for line in row["lines"]:
        if any(after["start_s"] < before["start_s"] for before, after in pairwise(line["words"])):
            return f"the words of {line['text']!r} are out of order"
    return None


RULES: list[Rule] = [
    nothing_lost(STAGE),
    few_failures(STAGE),
    each_row(
        STAGE, "words_lie_inside_and_in_order", "Words are sung one after the other, inside the track.", fault, TRACKS
    ),
]

checks = batch_checks("lyrics", RULES)
