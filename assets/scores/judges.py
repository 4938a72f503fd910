"""The models that judge songs: the profile's own separator, transcriber and aligner, and Whisper's encoder."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assets.lyrics.settings import LyricsSettings
from assets.scores.clips import Clip, Sound
from assets.stems.separate import spread_of
from assets.stems.settings import StemSettings
from resources.acoustics import AcousticModel, WhisperEncoder, aligner_of, open_acoustic_model
from resources.separators import Separator, open_separator, separator_of
from resources.transcribers import Transcriber, open_transcriber, transcriber_of

RATE_HZ = 16_000  # that they hear at, the separator apart
PIECE_S = 1.0
FRAMES_PER_S = 50  # of Whisper's encoder


@dataclass(frozen=True, slots=True)
class Judges:
    separator: Separator
    transcriber: Transcriber
    acoustics: AcousticModel
    encoder: WhisperEncoder

    def vocals(self, sound: Sound, rate_hz: int, loudness_lufs: float) -> Sound:
        """The voice that is heard in a mono mix, t at its own rate."""
        mix = resampled(sound, rate_hz, self.separator.rate_hz)
        blocks = [np.stack([mix, mix], axis=1)]
        spread = spread_of(blocks) if self.separator.hears_twice else None
        voice = np.concatenate(list(self.separator.vocals(blocks, loudness_lufs, spread))).mean(axis=1)
        return resampled(np.asarray(voice, np.float32), self.separator.rate_hz, rate_hz)[: len(sound)]

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
