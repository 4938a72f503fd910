"""What a base-size wav2vec2 hears in whole songs: ours, in equal windows, beside the plain loop over tracks.

    python -m bench.emissions [--repeats 3] [--threads 2] [--batch 4] [--device cpu] [--quick]

The real configuration of wav2vec2-base with random weights, and the demo's songs, one after the other and again until
they are as long as is wanted. Plain is what a model's own example does: one forward pass over each track. Medians over
the repeats, in each of which both have their turn.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from bench.transcription import demo_songs, peak_memory
from resources.acoustics import RATE_HZ

LETTERS = ["<pad>", "<s>", "</s>", "<unk>", "|", *"ETAONIHSRDLUMWCFGYPBVK'XJQZ"]  # of wav2vec2-base-960h
WRITTEN = [0, *range(4, len(LETTERS))]
CLIP_S = 18.0  # shorter than a window: ours and the plain pass hear the same
MINUTES = (1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True)
class Emissions:
    """Differences are the largest between logarithms of probabilities; seconds are medians; ratios plain : ours."""

    range_nats: float  # from the smallest to the largest of what is compared
    clip_difference: float  # short tracks, against the plain pass
    window_difference: float  # a long track, against each of its windows by itself
    loop_ratio: float  # over the demo's songs, whose mean length is loop_minutes
    loop_minutes: float
    minutes: tuple[float, ...]
    ours_s: tuple[float, ...]
    plain_s: tuple[float, ...]


def run(
    songs: Sequence[np.ndarray],
    *,
    repeats: int = 3,
    threads: int = 2,
    batch: int = 4,
    device: str = "cpu",
    minutes: Sequence[float] = MINUTES,
) -> Emissions:
    """Songs are float32 [samples] at 16 kHz."""
    from resources.wav2vec2 import Wav2Vec2

    with tempfile.TemporaryDirectory() as name:
        folder = save_base(Path(name))
        ours = Wav2Vec2(folder, threads, device=device, batch=batch)
        single = Wav2Vec2(folder, threads, device=device, batch=1)
    clips = [song[: round(CLIP_S * RATE_HZ)] for song in songs]
    heard = [(ours.log_probs(clip), plain(ours, clip)) for clip in clips]
    long = grown(songs, min(minutes))
    ours_s, plain_s = [], []
    for each in minutes:
        track = grown(songs, each)
        a, b = timed(lambda track=track: ours.log_probs(track), lambda track=track: plain(ours, track), repeats)  # type: ignore[misc]
        ours_s.append(median(a))
        plain_s.append(median(b))
    a, b = timed(
        lambda: [ours.log_probs(song) for song in songs], lambda: [plain(ours, song) for song in songs], repeats
    )
    return Emissions(
        range_nats=float(max(theirs.max() - theirs.min() for _, theirs in heard)),
        clip_difference=max(float(np.abs(mine[: len(theirs)] - theirs).max()) for mine, theirs in heard),
        window_difference=float(np.abs(ours.log_probs(long) - single.log_probs(long)).max()),
        loop_ratio=median(theirs / mine for mine, theirs in zip(a, b, strict=True)),
        loop_minutes=sum(map(len, songs)) / len(songs) / RATE_HZ / 60,
        minutes=tuple(minutes),
        ours_s=tuple(ours_s),
        plain_s=tuple(plain_s),
    )


def save_base(folder: Path) -> Path:
    import torch
    from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC

    torch.manual_seed(0)
    Wav2Vec2ForCTC(Wav2Vec2Config(vocab_size=len(LETTERS))).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(folder)
    (folder / "vocab.json").write_text(json.dumps({letter: i for i, letter in enumerate(LETTERS)}))
    return folder


def plain(ours: Any, track: np.ndarray) -> np.ndarray:
    """One pass of the same network over a whole track."""
    import torch
    from transformers import Wav2Vec2FeatureExtractor

    values = Wav2Vec2FeatureExtractor(do_normalize=True)(track, sampling_rate=RATE_HZ, return_tensors="pt").input_values
    with torch.inference_mode():
        logits = ours.model(values.to(ours.device)).logits[0]
        heard: np.ndarray = logits[:, WRITTEN].log_softmax(-1).cpu().numpy()
    return heard


def grown(songs: Sequence[np.ndarray], minutes: float) -> np.ndarray:
    together = np.concatenate(songs)
    return np.resize(together, round(minutes * 60 * RATE_HZ))


def timed(ours: Callable[[], object], theirs: Callable[[], object], repeats: int) -> tuple[list[float], list[float]]:
    """Seconds of each, in turns."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeats):
        for function, into in zip((ours, theirs), seconds, strict=True):
            began_s = time.perf_counter()
            function()
            into.append(time.perf_counter() - began_s)
    return seconds


def table(found: Emissions) -> str:
    lines = [
        "| emissions of wav2vec2-base, random weights | |",
        "|---|---|",
        f"| largest difference to the plain pass, tracks of {CLIP_S:g} s | {found.clip_difference:.1e} "
        f"(of a range of {found.range_nats:.2f}) |",
        f"| largest difference of windows in a batch to windows alone | {found.window_difference:.1e} |",
        f"| plain loop : ours, songs of {found.loop_minutes:.1f} min | {found.loop_ratio:.2f} |",
        "",
        "| minutes of a track | ours, s | s a minute | plain pass, s | s a minute | plain : ours |",
        "|---|---|---|---|---|---|",
    ]
    for minutes, mine, theirs in zip(found.minutes, found.ours_s, found.plain_s, strict=True):
        lines.append(
            f"| {minutes:g} | {mine:.1f} | {mine / minutes:.1f} | {theirs:.1f} | {theirs / minutes:.1f} | "
            f"{theirs / mine:.2f} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--quick", action="store_true", help="two songs, 30 s and a minute, once: to see that it works")
    arguments = parser.parse_args()
    songs = [song.audio for song in demo_songs()]
    settings = {"threads": arguments.threads, "batch": arguments.batch, "device": arguments.device}
    if arguments.quick:
        print(table(run(songs[:2], repeats=1, minutes=(0.5, 1.0), **settings)))
    else:
        print(table(run(songs, repeats=arguments.repeats, **settings)))
    print(f"\nmost memory of this process: {peak_memory(arguments.device)}")


if __name__ == "__main__":
    main()
