"""Whether a quiet song is taken apart as well as a loud one: the same song at two levels, one table.

    python bench/quiet.py DIR [--songs 11] [--loud -20] [--quiet -45]

Both go through a 24-bit FLAC file and are measured as in `tracks`, then separated as in `stems`.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from assets.stems.separate import FULL_SCALE, separate
from assets.tracks.measure import measure
from assets.tracks.settings import TrackSettings
from bench.songmaker import score
from resources.ffmpeg import LIMITS, decode, encode
from resources.models import LocalModel
from resources.separators import SPLEETER, Separator, open_separator

RATE_HZ = 44_100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--songs", type=int, default=11)
    parser.add_argument("--loud", type=float, default=-20.0, help="LUFS")
    parser.add_argument("--quiet", type=float, default=-45.0, help="LUFS")
    arguments = parser.parse_args()
    separator = open_separator(LocalModel(SPLEETER), threads=2)
    apart: list[float] = []
    print(f"| song | SDR at {arguments.loud:g} LUFS, dB | at {arguments.quiet:g} LUFS | apart |\n|---|---|---|---|")
    for song, file, vocals in songs(arguments.folder, arguments.songs):
        loudness_db = song["loudness"]["lufs"]
        loud, quiet = (
            sdr_db(vocals, separated(file, separator, gain_db) * 10 ** (-gain_db / 20))
            for gain_db in (arguments.loud - loudness_db, arguments.quiet - loudness_db)
        )
        apart.append(abs(loud - quiet))
        print(f"| {song['type']} | {loud:.2f} | {quiet:.2f} | {apart[-1]:.2f} |", flush=True)
    print(f"\nfarthest apart: {max(apart):.2f} dB")


def songs(folder: Path, count: int) -> Iterator[tuple[dict[str, Any], Path, np.ndarray]]:
    """Songs that have both stems, with their true vocals [n, channels] at 44.1 kHz."""
    found = 0
    for song in json.loads((folder / "truth" / "index.json").read_text())["songs"]:
        truth = json.loads((folder / "truth" / song["id"] / "truth.json").read_text())
        stems = truth["stems"]
        if stems["vocals_silent"] or stems["accompaniment_silent"] or found == count:
            continue
        found += 1
        vocals, _ = score.load_audio(folder / "truth" / song["id"] / "vocals.flac", RATE_HZ)
        yield truth, folder / "audio" / Path(song["file"]).name, vocals / stems["gain"]


def separated(file: Path, separator: Separator, gain_db: float) -> np.ndarray:
    """The vocals of a song at another level, float64 [n, 2]."""
    gain = np.float32(10 ** (gain_db / 20))
    vocals: list[np.ndarray] = []
    with tempfile.TemporaryDirectory() as folder:
        moved = Path(folder) / "moved.flac"
        encode(moved, (gain * block for block in decode(file, RATE_HZ, 2)), RATE_HZ, "flac")
        loudness_db = measure(moved, RATE_HZ, TrackSettings(), LIMITS).integrated_lufs
        separate(partial(decode, moved, RATE_HZ, 2), separator, vocals.append, lambda _: None, loudness_db=loudness_db)
    return np.concatenate(vocals) / FULL_SCALE


def sdr_db(true: np.ndarray, found: np.ndarray) -> float:
    samples = min(len(true), len(found))
    found = found if true.shape[1] == found.shape[1] else found.mean(axis=1, keepdims=True)
    return float(score.sdr(true[:samples], found[:samples]))


if __name__ == "__main__":
    main()
