"""The models that judge songs: the profile's own separator, transcriber and aligner, and Whisper's encoder."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assets.lyrics.cuts import Span
from assets.lyrics.settings import LyricsSettings
from assets.scores.clips import Clip, Sound
from assets.stems.segments import vocal_segments
from assets.stems.separate import FULL_SCALE, HOP_S, separate
from assets.stems.settings import StemSettings
from resources.acoustics import AcousticModel, WhisperEncoder, aligner_of, open_acoustic_model
from resources.separators import Separator, open_separator, separator_of
from resources.transcribers import Transcriber, open_transcriber, transcriber_of

RATE_HZ = 16_000  # that all but the separator hear at
PIECE_S = 1.0
FRAMES_PER_S = 50  # of Whisper's encoder


@dataclass(frozen=True, slots=True)
class Judges:
    separator: Separator
    transcriber: Transcriber
    acoustics: AcousticModel
    encoder: WhisperEncoder

    def voice(self, sound: Sound, rate_hz: int, loudness_lufs: float) -> tuple[Sound, list[Span]]:
        """What is sung in a mono mix, t at 16 kHz, and when, as the stage `stems` finds both."""
        mix = resampled(sound, rate_hz, self.separator.rate_hz)
        heard: list[np.ndarray] = []
        levels = separate(
            lambda: [np.stack([mix, mix], axis=1)],
            self.separator,
            heard.append,
            lambda block: None,
            loudness_db=loudness_lufs,
        )
        voice = np.concatenate(heard).mean(axis=1) / FULL_SCALE
        spans = vocal_segments(levels.vocals, levels.mix, HOP_S, len(sound) / rate_hz)
        at_16_khz = resampled(np.asarray(voice, np.float32), self.separator.rate_hz, RATE_HZ)
        return at_16_khz, [(span.start_s, span.end_s) for span in spans]

    def pieces(self, clip: Clip) -> NDArray[np.float32]:
        """[seconds, 512] means of the encoder's states over each whole second of a clip, 30 s at most."""
        audio = resampled(clip.sound, clip.rate_hz, RATE_HZ)[: 30 * RATE_HZ]
        seconds = max(1, len(audio) // RATE_HZ)
        states = self.encoder.encode(audio)[: seconds * FRAMES_PER_S]
        return np.asarray(states.reshape(seconds, FRAMES_PER_S, -1).mean(axis=1), np.float32)


def open_judges(stems: StemSettings, lyrics: LyricsSettings, threads: int) -> Judges:
    """Raises ModelUnavailable: one of them cannot be had."""
    return Judges(
        open_separator(separator_of(stems.separator, fetch=True), threads),
        open_transcriber(transcriber_of(lyrics.transcriber, fetch=True), threads),
        open_acoustic_model(aligner_of(lyrics.aligner, fetch=True), threads),
        WhisperEncoder(threads),
    )


def resampled(sound: Sound, from_hz: int, to_hz: int) -> Sound:
    """By whole cycles of its spectrum: exact for what both rates can hold."""
    if from_hz == to_hz:
        return sound
    length = round(len(sound) * to_hz / from_hz)
    spectrum = np.fft.rfft(sound)
    kept = np.zeros(length // 2 + 1, spectrum.dtype)
    both = min(len(kept), len(spectrum))
    kept[:both] = spectrum[:both]
    return np.asarray(np.fft.irfft(kept, length) * (length / len(sound)), np.float32)
