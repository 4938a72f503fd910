"""A track's sound as a picture: time to the right, pitch upwards (mel), louder is lighter."""

import io
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain
from math import floor

import numpy as np
from numpy.typing import NDArray

Audio = NDArray[np.float32]

COLUMNS_PER_S = 40.0  # two columns and more in the shortest of sung words
MOST_COLUMNS = 16_000  # a WebP is at most 16,383 wide
BANDS = 96
SIZE = 1024  # samples of a spectrum
LOWEST_HZ, HIGHEST_HZ = 50.0, 11_000.0
RANGE_DB = 72.0  # so far below the loudest band, all is dark
QUALITY = 60  # of the WebP

# From silence to full level. Dark on a light page too: soft sounds can be told apart only on a dark ground.
COLOURS = ((13, 17, 33), (27, 41, 82), (38, 92, 130), (56, 150, 148), (150, 212, 160), (255, 249, 219))


def columns_per_s(duration_s: float) -> float:
    """Columns a second, so many that a long track still fits into one picture."""
    return min(COLUMNS_PER_S, MOST_COLUMNS / max(duration_s, 1.0))


def mel_columns(blocks: Iterable[Audio], rate_hz: int, per_s: float) -> Iterator[NDArray[np.float32]]:
    """Power in each band as float32 [columns, BANDS], as mono audio [samples] comes in; the audio is not kept.

    Column i is the `SIZE` samples around i / per_s seconds; beyond both ends is silence.
    """
    window, bank = np.hanning(SIZE).astype(np.float32), mel_bank(rate_hz)
    half = np.zeros(SIZE // 2, np.float32)
    held, start, column = np.zeros(0, np.float32), 0, 0  # `held` begins at sample `start`, counted from the silence
    for block in chain([half], blocks, [half]):
        held = np.concatenate([held, block])
        ready = floor((start + len(held) - SIZE) * per_s / rate_hz) + 1  # columns whose samples are all there
        if ready <= column:
            continue
        firsts = (np.arange(column, ready) * (rate_hz / per_s)).astype(int)
        frames = held[(firsts - start)[:, None] + np.arange(SIZE)]
        yield (np.abs(np.fft.rfft(frames * window)) ** 2 @ bank).astype(np.float32)
        column = ready
        unused = min(int(column * rate_hz / per_s) - start, len(held))
        held, start = held[unused:], start + unused


@cache
def mel_bank(rate_hz: int) -> NDArray[np.float32]:
    """Float32 [SIZE // 2 + 1, BANDS]: triangles, evenly apart on the mel scale, none narrower than a bin."""
    highest = 2595 * np.log10(1 + min(HIGHEST_HZ, rate_hz / 2) / 700)
    edges = np.linspace(2595 * np.log10(1 + LOWEST_HZ / 700), highest, BANDS + 2)
    edges_hz = 700 * (10 ** (edges / 2595) - 1)
    centres_hz = edges_hz[1:-1]
    bin_hz = rate_hz / SIZE
    bins_hz = np.arange(SIZE // 2 + 1)[:, None] * bin_hz
    below_hz = np.maximum(centres_hz - edges_hz[:-2], bin_hz)
    above_hz = np.maximum(edges_hz[2:] - centres_hz, bin_hz)
    away_hz = bins_hz - centres_hz
    bank = np.clip(1 - np.where(away_hz < 0, -away_hz / below_hz, away_hz / above_hz), 0, None)
    return (bank / bank.sum(axis=0)).astype(np.float32)


def picture(power: NDArray[np.float32]) -> bytes:
    """A WebP of power [columns, BANDS], a pixel each, low pitch at the bottom. The same power gives the same bytes."""
    from PIL import Image

    level_db = 10 * np.log10(np.maximum(power, 1e-12))
    shade = np.clip(1 + (level_db - level_db.max(initial=0.0)) / RANGE_DB, 0, 1)
    stops = np.linspace(0, 1, len(COLOURS))
    colours = np.array(COLOURS, float)
    pixels = np.stack([np.interp(shade, stops, colours[:, channel]) for channel in range(3)], axis=-1)
    file = io.BytesIO()
    image = Image.fromarray(np.rint(pixels).astype(np.uint8).transpose(1, 0, 2)[::-1])
    image.save(file, "WEBP", quality=QUALITY, method=4)
    return file.getvalue()
