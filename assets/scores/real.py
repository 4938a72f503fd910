"""Real recordings whose tempo and key are known: 28 instrumental tracks of 30 s that a pip package carries.

Their licence file says with which tempo and key each was made.
"""

import re
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

PACKAGE = "immich_memories_music"
LICENCE = "licenses/LICENSE-MUSIC"
TRACK = re.compile(r"^\s+(\w+\.opus)\s+(\d+) bpm\s+(\S+ (?:major|minor))\s", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class RealTrack:
    path: Path
    tempo_bpm: float
    key: str


def real_tracks() -> list[RealTrack]:
    """In the order of their names. Raises PackageNotFoundError where the package is not installed."""
    package = distribution(PACKAGE)
    named = {name: (float(bpm), key) for name, bpm, key in TRACK.findall(package.read_text(LICENCE) or "")}
    folder = Path(str(package.locate_file(f"{PACKAGE}/tracks")))
    return [RealTrack(path, *named[path.name]) for path in sorted(folder.rglob("*.opus"), key=lambda path: path.name)]
