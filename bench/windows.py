"""What it costs to find the densest windows: python bench/windows.py

Words come at random, two singers at a time, three a second; k = 2 windows of each default length.
"""

import time

import numpy as np

from assets.windows.densest import Line, Word, densest_windows
from assets.windows.settings import WindowSettings

WORDS = (100, 1_000, 10_000, 100_000)
LINE_WORDS = 6


def song(words: int, seed: int = 1) -> tuple[list[Line], float]:
    random = np.random.default_rng(seed)
    starts_s = np.cumsum(random.exponential(1 / 3, words))
    ends_s = starts_s + random.uniform(0.05, 0.6, words)
    sung = [Word(float(start_s), float(end_s)) for start_s, end_s in zip(starts_s, ends_s, strict=True)]
    lines = [tuple(sung[i : i + LINE_WORDS]) for i in range(0, words, LINE_WORDS)]
    return [Line(line[0].start_s, line[-1].end_s, line) for line in lines], float(ends_s.max()) + 10


def main() -> None:
    settings = WindowSettings()
    densest_windows(song(10)[0], 10.0, 60.0, 1)  # what the first call costs is not the search's
    print(f"{len(settings.lengths_s)} lengths, {settings.per_length} windows each")
    print(f"{'words':>8} {'track':>9} {'ms':>9} {'us/word':>9} {'us/word/log2(words)':>20}")
    for words in WORDS:
        lines, duration_s = song(words)
        start = time.perf_counter()
        for length_s in settings.lengths_s:
            densest_windows(lines, length_s, duration_s, settings.per_length)
        seconds = time.perf_counter() - start
        each_us = 1e6 * seconds / words
        print(
            f"{words:8d} {duration_s / 60:7.0f} m {1e3 * seconds:9.1f} {each_us:9.2f} {each_us / np.log2(words):20.3f}"
        )


if __name__ == "__main__":
    main()
