"""Magnitude spectra, as tempo, key and brightness read them."""

import numpy as np
from numpy.typing import NDArray

Audio = NDArray[np.float32]
RATE_HZ = 22_050  # all that is measured for captions lies below 11 kHz


def frames_of(audio: Audio, size: int, hop: int) -> Audio:
    """Float32 [frames, size], one frame every `hop` samples, the first centred on the first sample."""
    padded = np.pad(audio, (size // 2, size // 2 + size))
    return np.lib.stride_tricks.sliding_window_view(padded, size)[: len(audio) + 1 : hop]


def magnitudes(audio: Audio, size: int, hop: int) -> Audio:
    """Float32 [frames, size // 2 + 1], of mono audio [samples], in slices so that the windowed frames stay small."""
    window = np.hanning(size).astype(np.float32)
    frames = frames_of(audio, size, hop)
    slices = (frames[i : i + 1024] for i in range(0, len(frames), 1024))
    return np.concatenate([np.abs(np.fft.rfft(part * window)).astype(np.float32) for part in slices])
