"""The `windows` stage: from lyrics to the stretches of a track that are worth training on."""

from functools import partial

from assets.stage import Process, Stage
from assets.tables import Reason, Rejected, Row
from assets.windows.densest import Line, Window, Word, densest_windows
from assets.windows.energy import loudest_windows, powers
from assets.windows.settings import WindowSettings
from resources.ffmpeg import decode, local_path

ENERGY_RATE_HZ = 8000  # loudness needs no more of the spectrum, and this decodes fastest


def windows_stage(settings: WindowSettings) -> Stage:
    return Stage(
        table="windows",
        version="2",
        reads={"tracks": ("uri", "sha256", "duration_s"), "lyrics": ("lines",)},
        parameters=settings.model_dump(mode="json"),
        open=partial(_open, settings),
        timeout_s=300.0,
    )


def _open(settings: WindowSettings) -> Process:
    return partial(windows_of, settings)


def windows_of(settings: WindowSettings, track: Row) -> list[Row]:
    """A track's windows, length by length, the best of each length first (rank 1).

    A track with words has windows of kind lyrics, one without has the loudest ones, of kind energy.

    Raises:
        Rejected: too_short for any window; low_trust where none of its lines is trusted enough; or no_window where
            words overlap so long that every window would cut one, or lines that are not trusted lie everywhere.
    """
    duration_s = track["duration_s"]
    if duration_s < settings.min_duration_s:
        raise Rejected(Reason.TOO_SHORT, f"{duration_s:.2f} s, a window needs {settings.min_duration_s:g} s")
    lengths_s = [length_s for length_s in sorted(set(settings.lengths_s)) if length_s <= duration_s] or [duration_s]
    lines, avoid = lines_of(track, settings.min_trust)
    if any(line.words for line in lines):
        kind = "lyrics"
        found = [densest_windows(lines, length_s, duration_s, settings.per_length, avoid) for length_s in lengths_s]
    elif avoid:
        raise Rejected(Reason.LOW_TRUST, f"all {len(avoid)} lines are trusted less than {settings.min_trust:.2f}")
    else:
        kind = "energy"
        hop = round(settings.energy_hop_s * ENERGY_RATE_HZ)
        blocks = decode(local_path(track["uri"]), ENERGY_RATE_HZ, 2, sha256=track["sha256"])
        power = powers(blocks, hop)
        hop_s = hop / ENERGY_RATE_HZ
        found = [loudest_windows(power, hop_s, length_s, duration_s, settings.per_length) for length_s in lengths_s]
    rows = [
        _row(window, length_s, rank, kind)
        for length_s, windows in zip(lengths_s, found, strict=True)
        for rank, window in enumerate(windows, start=1)
    ]
    if not rows:
        raise Rejected(
            Reason.NO_WINDOW, f"no window holds a word and cuts none, {len(avoid)} lines of low trust kept out"
        )
    return rows


def lines_of(track: Row, min_trust: float = 0.0) -> tuple[list[Line], list[tuple[float, float]]]:
    """The lines that are trusted so much, and from when to when the others are sung. What has no trust is trusted."""
    lines, avoid = [], []
    for line in track["lines"] or ():
        trust = line.get("trust")
        if trust is not None and trust < min_trust:
            avoid.append((line["start_s"], line["end_s"]))
        else:
            words = tuple(Word(word["start_s"], word["end_s"]) for word in line["words"])
            lines.append(Line(line["start_s"], line["end_s"], words))
    return lines, avoid


def _row(window: Window, length_s: float, rank: int, kind: str) -> Row:
    return {
        "rank": rank,
        "length_s": length_s,
        "start_s": window.start_s,
        "end_s": window.end_s,
        "words": window.words,
        "words_per_s": window.words / length_s,
        "sung_s": window.sung_s,
        "lines": window.lines,
        "kind": kind,
    }
