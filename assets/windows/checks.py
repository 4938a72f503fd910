"""What must hold of the windows."""

from collections import defaultdict
from itertools import pairwise

from assets.partitions import batch_checks
from assets.profile import profile
from assets.rules import Rule, few_failures, nothing_lost
from assets.tables import Row, ok_rows
from assets.windows.stage import windows_stage
from resources.ledger import Ledger

STAGE = windows_stage(profile().windows)


def windows_apart(ledger: Ledger, batch: str) -> list[str]:
    """Windows of one length lie inside their track, one after the other."""
    tracks = {row["track_id"]: row["duration_s"] for row in ok_rows(ledger.read("tracks", batch))}
    by_length: dict[tuple[str, float], list[Row]] = defaultdict(list)
    for row in ok_rows(ledger.read(STAGE.table, batch)):
        by_length[row["track_id"], row["length_s"]].append(row)
    faults = []
    for (track, length_s), rows in by_length.items():
        rows.sort(key=lambda row: row["start_s"])
        if rows[0]["start_s"] < 0 or rows[-1]["end_s"] > tracks[track] + 1e-6:
            faults.append(f"{track}: a window of {length_s:g} s leaves the track")
        if any(after["start_s"] < before["end_s"] - 1e-6 for before, after in pairwise(rows)):
            faults.append(f"{track}: windows of {length_s:g} s overlap")
    return faults


def no_word_is_cut(ledger: Ledger, batch: str) -> list[str]:
    """Every word lies inside a window or outside it."""
    lines = {row["track_id"]: row["lines"] for row in ok_rows(ledger.read("lyrics", batch))}
    return [
        f"{row['track_id']}: {word['text']!r} is cut at {edge_s} s"
        for row in ok_rows(ledger.read(STAGE.table, batch))
        for line in lines[row["track_id"]]
        for word in line["words"]
        for edge_s in (row["start_s"], row["end_s"])
        if word["start_s"] + 1e-6 < edge_s < word["end_s"] - 1e-6
    ]


RULES: list[Rule] = [nothing_lost(STAGE), few_failures(STAGE), windows_apart, no_word_is_cut]

checks = batch_checks("windows", RULES)
