"""One decode of a whole track, and all that is measured on the way."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import ffmpeg
import numpy as np

from assets.tables import Reason, Rejected
from assets.tracks.bandwidth import Spectrum
from assets.tracks.settings import TrackSettings
from resources.child import Child, DecodeError, Limits
from resources.ffmpeg import BITEXACT, first_audio, opened

FINGERPRINT_RATE_HZ = 11025  # chromaprint's own
MOMENT_S = 0.4  # EBU R128's momentary window
FULL_SCALE = 0.999
LOUDEST_PEAK = 10.0  # +20 dBFS: no master does that, a damaged stream does
NO_LEVEL_DB = -200.0
METER_RATE_HZ = 48_000  # what EBU R128 gives its filters for
LEAST_METER_RATE_HZ = 22_050  # under it, ffmpeg's meter is off by some 0.3 LU unless it is given more


@dataclass(frozen=True, slots=True)
class Measured:
    sample_rate_hz: int
    channels: int
    duration_s: float
    integrated_lufs: float
    true_peak_dbtp: float
    clipped_ratio: float
    silent_ratio: float
    bandwidth_hz: float
    fingerprint: np.ndarray  # uint32, chromaprint's terms, eight a second


def measure(path: Path, stated_rate_hz: int, settings: TrackSettings, limits: Limits) -> Measured:
    """Decode a track once and measure it.

    Loudness and true peak are EBU R128's, to 0.1 dB, by ffmpeg. Bounded memory at any length.

    Raises:
        DecodeError: the decoder failed.
        Rejected: too_short, too_long, silent, not_finite, or corrupt (a peak out of all bounds).
    """
    # In memory: a worker that is killed leaves no temporary file, and a full disk is not taken for a bad track.
    with opened(path) as file, os.fdopen(os.memfd_create("fingerprint"), "rb") as prints:
        with Child(_arguments(stated_rate_hz, prints.fileno()), limits, stdin=file, outputs=[prints.fileno()]) as child:
            statistics = Statistics(settings)
            for rate_hz, block in _second_by_second(child):
                statistics.add(rate_hz, block)
            if statistics.frames:
                statistics.check()  # before ffmpeg's end: a few samples are too few for its filters, and it says so
            child.finish()
            log = child.log
        if not statistics.frames:
            raise Rejected(Reason.TOO_SHORT, "not one sample decodes")
        prints.seek(0)
        fingerprint = np.frombuffer(prints.read(), np.uint32)
    return statistics.measured(_said(log, r"I:\s+(\S+) LUFS"), _said(log, r"Peak:\s+(\S+) dBFS"), fingerprint)


class Statistics:
    """Running sums over the samples of a track; `check` and `measured` say what they come to."""

    def __init__(self, settings: TrackSettings) -> None:
        self.settings = settings
        self.rate_hz = self.channels = 0
        self.frames = self.not_finite = self.clipped = 0
        self.peak = 0.0
        self.moments_db: list[np.ndarray] = []
        self.spectrum: Spectrum | None = None

    def add(self, rate_hz: int, block: np.ndarray) -> None:
        """The next second [n, channels]."""
        self.rate_hz, self.channels = rate_hz, block.shape[1]
        self.frames += len(block)
        if self.duration_s > self.settings.max_duration_s:
            raise Rejected(Reason.TOO_LONG, f"longer than {self.settings.max_duration_s:g} s")
        finite = np.isfinite(block)
        if not finite.all():
            self.not_finite += int((~finite).sum())
            block = np.where(finite, block, np.float32(0))
        size = np.abs(block)
        self.peak = max(self.peak, float(size.max()))
        if self.peak > LOUDEST_PEAK:
            raise Rejected(Reason.CORRUPT, f"a peak of {self.peak:.3g} where full scale is 1")
        self.clipped += int((size >= FULL_SCALE).sum())
        if self.spectrum is None:
            self.spectrum = Spectrum(rate_hz)
        self.spectrum.add(block)
        self.moments_db.append(_moments_db(block, round(MOMENT_S * rate_hz)))

    @property
    def duration_s(self) -> float:
        return self.frames / self.rate_hz if self.rate_hz else 0.0

    def check(self) -> None:
        """Raises Rejected where this is no music to keep."""
        if self.duration_s < self.settings.min_duration_s:
            raise Rejected(Reason.TOO_SHORT, f"{self.duration_s:.3f} s")
        ratio = self.not_finite / (self.frames * self.channels)
        if ratio > self.settings.max_not_finite_ratio:
            raise Rejected(Reason.NOT_FINITE, f"{ratio:.3%} of the samples are NaN or infinite")
        loudest_db = float(np.concatenate(self.moments_db).max())
        if loudest_db < self.settings.min_level_db:
            raise Rejected(Reason.SILENT, f"its loudest {MOMENT_S * 1000:.0f} ms are at {loudest_db:.0f} dBFS")

    def measured(self, integrated_lufs: float, true_peak_dbtp: float, fingerprint: np.ndarray) -> Measured:
        assert self.spectrum is not None
        return Measured(
            sample_rate_hz=self.rate_hz,
            channels=self.channels,
            duration_s=self.duration_s,
            integrated_lufs=integrated_lufs,
            true_peak_dbtp=true_peak_dbtp,
            clipped_ratio=self.clipped / (self.frames * self.channels),
            silent_ratio=float((np.concatenate(self.moments_db) < self.settings.silence_db).mean()),
            bandwidth_hz=self.spectrum.bandwidth_hz(),
            fingerprint=fingerprint,
        )


def _arguments(stated_rate_hz: int, prints: int) -> list[str]:
    copies = first_audio().filter_multi_output("asplit", 3)
    samples, loudness, fingerprint = (copies[i] for i in range(3))
    if stated_rate_hz < LEAST_METER_RATE_HZ:
        loudness = loudness.filter("aresample", METER_RATE_HZ)
    graph = ffmpeg.merge_outputs(
        samples.filter("aformat", sample_fmts="flt").output("pipe:1", format="wav", acodec="pcm_f32le", **BITEXACT),
        loudness.filter("ebur128", peak="true", framelog="quiet").output("-", format="null"),
        fingerprint.filter("aresample", FINGERPRINT_RATE_HZ)
        .filter("aformat", sample_fmts="s16", channel_layouts="mono")
        .output(f"pipe:{prints}", format="chromaprint", fp_format="raw"),
    )
    return ["-loglevel", "info", *graph.get_args(overwrite_output=True)]


def _second_by_second(child: Child) -> Iterator[tuple[int, np.ndarray]]:
    """The rate and the blocks of float32 [rate, channels] of a wav stream, the last block shorter."""
    held = bytearray()
    while (at := held.find(b"data")) < 0 or len(held) < at + 8:
        if not (more := child.read()):
            return
        held += more
    channels, rate_hz = int.from_bytes(held[22:24], "little"), int.from_bytes(held[24:28], "little")
    del held[: at + 8]
    second = 4 * channels * rate_hz
    while more := child.read():
        held += more
        while len(held) >= second:
            yield rate_hz, np.frombuffer(bytes(held[:second]), np.float32).reshape(-1, channels)
            del held[:second]
    if held:
        yield rate_hz, np.frombuffer(bytes(held), np.float32).reshape(-1, channels)


def _moments_db(block: np.ndarray, length: int) -> np.ndarray:
    """RMS without its mean of each `length` samples of a block, in the louder channel; a rest under a half is left."""
    starts = range(0, max(1, len(block) - length // 2), length)
    variances = [float(block[start : start + length].var(axis=0, dtype=np.float64).max()) for start in starts]
    return 10 * np.log10(np.maximum(variances, 10 ** (NO_LEVEL_DB / 10)))


def _said(log: str, pattern: str) -> float:
    found = re.findall(pattern, log)
    if not found:
        raise DecodeError("corrupt", "no loudness could be measured")
    return max(NO_LEVEL_DB, float(found[-1]))
