"""What a sample is: a window of a track with all that is known about it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from assets.shards.quotes import without_quotes
from assets.tables import Row

STAGES = ("tracks", "catalogue", "stems", "lyrics", "captions", "windows")  # a sample is made from all of these

HAIR_S = 2e-6  # windows are whole microseconds, words need not be

# The columns that a sample is made from. `shards` reads these, and nothing else.
READS: Mapping[str, tuple[str, ...]] = {
    "tracks": ("uri", "sha256", "duration_s", "license", "genre", "parameter_hash"),
    "catalogue": ("split", "parameter_hash"),
    "stems": ("vocals_uri", "gain_db", "models", "parameter_hash"),
    "lyrics": ("language", "origin", "lines", "trust", "models", "parameter_hash"),
    "captions": ("caption", "short_caption", "tags", "tempo_bpm", "key", "models", "parameter_hash"),
    "windows": ("rank", "length_s", "start_s", "end_s", "words", "kind", "parameter_hash"),
}


@dataclass(frozen=True, slots=True)
class EncodedSample:
    """A sample as it will lie in a shard: `members` are (extension, bytes), in the order of their extensions."""

    name: str
    track_id: str
    split: str
    start_s: float
    end_s: float
    words: int
    kind: str
    members: tuple[tuple[str, bytes], ...]


def sample_name(track_id: str, window: Row) -> str:
    """What a shard calls a window: without dots, since WebDataset takes all after the first one for the extension."""
    length_s = window["length_s"]
    length = f"{length_s:.0f}s" if length_s == int(length_s) else f"{1000 * length_s:.0f}ms"
    return f"{track_id}-{length}-{window['rank']}"


def sample_json(track: Row, window: Row, rate_hz: int) -> bytes:
    """All that is known about a window, as JSON with its keys sorted. Times of lines and words count from its start."""
    lyrics, captions = track["lyrics"], without_quotes(track["captions"], track["lyrics"])
    lines = lines_within(lyrics["lines"] or (), window["start_s"], window["end_s"], track["tracks"]["duration_s"])
    sample = {
        "sample": sample_name(track["track_id"], window),
        "track_id": track["track_id"],
        "split": track["catalogue"]["split"],
        "rate_hz": rate_hz,
        "duration_s": _time(window["end_s"] - window["start_s"]),
        "window": {name: window[name] for name in ("kind", "rank", "length_s", "start_s", "end_s", "words")},
        "lyrics": {
            "language": lyrics["language"],
            "origin": lyrics["origin"],
            "trust": lyrics["trust"],
            "text": "\n".join(line["text"] for line in lines),
            "lines": lines,
        },
        "caption": captions["caption"],
        "short_caption": captions["short_caption"],
        "tags": captions["tags"],
        "tempo_bpm": captions["tempo_bpm"],
        "key": captions["key"],
        "genre": track["tracks"]["genre"],
        "license": track["tracks"]["license"],
        "provenance": {
            "uri": track["tracks"]["uri"],
            "sha256": track["tracks"]["sha256"],
            "batch": track["batch"],
            "stages": {stage: _made_with(window if stage == "windows" else track[stage]) for stage in STAGES},
        },
    }
    return json.dumps(sample, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def lines_within(lines: Iterable[Row], start_s: float, end_s: float, duration_s: float) -> list[dict[str, Any]]:
    """The lines as a window holds them: its whole words only, with times from its start.

    A line that the window holds in part has the text of the words that are there, and `whole` is false. As for the
    search of windows, words end with the track at the latest, and what lies a microsecond outside lies inside.
    """

    def inside(word: Row) -> bool:
        return bool(word["start_s"] >= start_s - HAIR_S and min(word["end_s"], duration_s) <= end_s + HAIR_S)

    def relative(seconds: float) -> float:
        return _time(min(max(seconds, start_s), end_s) - start_s)

    held = []
    for line in lines:
        words = [word for word in line["words"] if inside(word)]
        if not words:
            continue
        whole = len(words) == len(line["words"])
        held.append(
            {
                "text": line["text"] if whole else " ".join(word["text"] for word in words),
                "start_s": relative(line["start_s"] if whole else min(word["start_s"] for word in words)),
                "end_s": relative(line["end_s"] if whole else max(word["end_s"] for word in words)),
                "confidence": line["confidence"],
                "trust": line.get("trust"),  # null in tables made before there was any
                "whole": whole,
                "words": [
                    {
                        "text": word["text"],
                        "start_s": relative(word["start_s"]),
                        "end_s": relative(word["end_s"]),
                        "confidence": word["confidence"],
                        "trust": word.get("trust"),
                    }
                    for word in words
                ],
            }
        )
    return held


def _made_with(row: Row) -> dict[str, Any]:
    return {"parameter_hash": row["parameter_hash"], "models": row.get("models") or []}


def _time(seconds: float) -> float:
    """To the microsecond, as windows are: a difference of floats has a tail that says nothing."""
    return round(seconds, 6)
