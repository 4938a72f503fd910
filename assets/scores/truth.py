"""Songs of which everything is known: what the pipeline is judged by, wherever they turn up in a corpus."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from assets.scores.words import TimedWord


@dataclass(frozen=True, slots=True)
class Truth:
    """A song as the song maker made it. `tempo_bpm` is None where no beat can be heard."""

    name: str
    kind: str  # pop, rap_peak, instrumental, …
    words: tuple[TimedWord, ...]
    tempo_bpm: float | None
    key: str


def read_truths(folder: Path) -> dict[str, Truth]:
    """The songs of a folder by the SHA-256 of their files: FOLDER/truth/*.json, and FOLDER/audio beside it."""
    truths = {}
    for file in sorted((folder / "truth").glob("*.json")):
        song = json.loads(file.read_text(encoding="utf-8"))
        audio = folder / "audio" / song["file"]
        truths[hashlib.sha256(audio.read_bytes()).hexdigest()] = Truth(
            name=song["title"],
            kind=song["type"],
            words=tuple(TimedWord(word["w"], word["start"], word["end"]) for word in song["words"]),
            tempo_bpm=song["tempo_bpm"] if song["tempo_audible"] else None,
            key=song["key"],
        )
    return truths
