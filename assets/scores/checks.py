"""What must hold of a run's samples, whatever they sound like."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from assets.partitions import run_checks
from assets.rules import Rule
from assets.tables import Row
from resources.ffmpeg import decode
from resources.ledger import Ledger

SILENT_DB = -60.0  # of the loudest 400 ms
FULL_SCALE, MOST_CLIPPED = 0.999, 1e-4
SLACK_S = 0.01
MOMENT_S = 0.4
TRACKS = ("mix", "vocals", "accompaniment")


def samples_are_not_silent(ledger: Ledger, run: str) -> list[str]:
    """In every song there is something to hear. A stem may be silent, as the vocals of an instrumental are."""
    faults = []
    for row, sound in _mixes(ledger, run):
        length = max(1, round(MOMENT_S * row["rate_hz"]))
        moments = [float(np.mean(np.square(sound[i : i + length]))) for i in range(0, max(1, len(sound)), length)]
        loudest_db = 10 * np.log10(max(1e-20, *moments))
        if loudest_db < SILENT_DB:
            faults.append(f"{_name(row)}: its loudest moment is at {loudest_db:.0f} dBFS")
    return faults


def samples_are_not_clipped(ledger: Ledger, run: str) -> list[str]:
    """No song is cut off at full scale."""
    clipped = ((row, float((np.abs(sound) >= FULL_SCALE).mean())) for row, sound in _mixes(ledger, run))
    return [f"{_name(row)}: {share:.2%} of it is at full scale" for row, share in clipped if share > MOST_CLIPPED]


def samples_are_as_long_as_asked(ledger: Ledger, run: str) -> list[str]:
    """Every song and every stem has the length that was asked for."""
    faults = []
    for row in ledger.read("samples", run).to_pylist():
        for track in TRACKS:
            length_s = len(_sound(ledger, row, track)) / row["rate_hz"]
            if abs(length_s - row["duration_s"]) > SLACK_S:
                faults.append(f"{_name(row)}, {track}: {length_s:.2f} s, and {row['duration_s']:.2f} s were asked for")
    return faults


def _mixes(ledger: Ledger, run: str) -> Iterator[tuple[Row, np.ndarray]]:
    for row in ledger.read("samples", run).to_pylist():
        yield row, _sound(ledger, row, "mix")


def _sound(ledger: Ledger, row: Row, track: str) -> np.ndarray:
    with ledger.store.local(row[f"{track}_uri"]) as path:
        return np.concatenate([block[:, 0] for block in decode(Path(path), row["rate_hz"], 1)])


def _name(row: Row) -> str:
    return f"{row['item']}, seed {row['seed']}"


RULES: list[Rule] = [samples_are_not_silent, samples_are_not_clipped, samples_are_as_long_as_asked]

checks = run_checks("samples", RULES)
