"""How well the aligner's acoustic model places given words: one table, a row for each thing it may listen to.

    python -m bench.ctc_head DIR [--stems DIR] [--threads 2]

DIR is a folder that the song maker made. It listens to the true vocals and to the mix and, where --stems holds
NAME.vocals.flac for the song files in DIR/audio, to those vocals and to the mean of both posteriors. `lost` songs have
less than a fifth of their words within 0.3 s; `x real time` is the listening alone, seconds per second of audio.
"""

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from assets.lyrics.align import blended
from assets.lyrics.place import listened, place_given
from assets.lyrics.settings import LyricsSettings
from assets.lyrics.text import SungLine, sung_lines
from bench.songmaker import score
from resources.acoustics import CTC_HEAD, RATE_HZ, AcousticModel, open_acoustic_model
from resources.ffmpeg import decode
from resources.models import LocalModel


@dataclass(slots=True)
class Heard:
    """Errors of word starts in seconds, song by song, and what listening cost."""

    errors: list[np.ndarray] = field(default_factory=list)
    listening_s: float = 0.0
    audio_s: float = 0.0

    def row(self, name: str) -> str:
        pooled = np.concatenate(self.errors)
        found = [float(np.mean(np.abs(e) <= 0.3)) for e in self.errors]
        return (
            f"{name:28} {len(pooled):6} {np.mean(np.abs(pooled) <= 0.3):10.1%} {min(found):11.1%} "
            f"{sum(f < 0.2 for f in found):5} {np.median(np.abs(pooled)) * 1000:10.0f} "
            f"{np.median(pooled) * 1000:8.0f} {np.mean(np.abs(pooled) > 1):9.1%} "
            f"{self.listening_s / max(self.audio_s, 1e-9):12.3f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("songs", type=Path)
    parser.add_argument("--stems", type=Path, help="a folder of NAME.vocals.flac, NAME as in DIR/audio")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    model = open_acoustic_model(LocalModel(CTC_HEAD), args.threads)
    heard: dict[str, Heard] = defaultdict(Heard)
    for file in sorted((args.songs / "truth").glob("*/truth.json")):
        truth = json.loads(file.read_text())
        if not truth["words"]:
            continue
        song = args.songs / truth["file"]
        vocals = listen(model, file.parent / truth["stems"]["vocals"], heard["true vocals"])
        mix = listen(model, song, heard["mix"])
        log_probs = {"true vocals": vocals, "mix": mix}
        if args.stems:
            separated = listen(model, args.stems / f"{song.stem}.vocals.flac", heard["separated vocals"])
            log_probs |= {"separated vocals": separated, "mean of mix and separated": blended(mix, separated)}
        lines = sung_lines((line, None) for line in (file.parent / "lyrics.txt").read_text().splitlines())
        for name, posteriors in log_probs.items():
            heard[name].errors.append(errors_of(model, posteriors, lines, truth["words"]))
    print(
        f"{'listening to':28} {'words':>6} {'placed_0.3':>10} {'worst song':>11} {'lost':>5} {'median ms':>10} "
        f"{'bias ms':>8} {'over 1 s':>9} {'x real time':>12}"
    )
    for name, result in heard.items():
        print(result.row(name))


def errors_of(
    model: AcousticModel, log_probs: np.ndarray, lines: Sequence[SungLine], words: Sequence[Mapping[str, Any]]
) -> np.ndarray:
    """Of every true word how far from it the pipeline's code puts it, seconds; infinite where it leaves it out."""
    duration_s = len(log_probs) * model.frame_s
    singing, settings = [(0.0, duration_s)], LyricsSettings()
    heard = listened(settings, model, log_probs, log_probs, singing)
    placing = place_given(lines, heard, singing, duration_s, "en", settings)
    found = [{"w": word.text, "start": word.start_s} for line in placing.lines for word in line.words]
    errors = np.full(len(words), np.inf)
    for i, j in score.match_words(words, found)[0]:
        errors[i] = found[j]["start"] - words[i]["start"]
    return errors


def listen(model: AcousticModel, file: Path, cost: Heard) -> np.ndarray:
    audio = np.concatenate(list(decode(file, RATE_HZ, 1)))[:, 0]
    began_s = time.perf_counter()
    log_probs = model.log_probs(audio)
    cost.listening_s += time.perf_counter() - began_s
    cost.audio_s += len(audio) / RATE_HZ
    return log_probs


if __name__ == "__main__":
    main()
