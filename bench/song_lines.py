"""When the song maker's songs sing their lines, without making a sound.

The song maker itself plans the songs, sets their lines on its grid of bars and places their words. Only its voice and
its vocoder are taken from it: the voice says each sound in 70 ms, and the vocoder says nothing. Such a song takes a
twentieth of a second. (A voice draws from the same random numbers, so with it, a song of the same seed is another one.)
"""

from functools import cache
from typing import Any

import numpy as np

from bench.songmaker import songmaker
from training.durations.fit import TimedSong
from training.request import AskedLine, Request

VOICES = ("joe", "joan")
KINDS = ("pop", "rap_peak", "acappella", "long_breaks", "backing")  # the others are laid out like pop
RATE_HZ = 22_050
SOUND_S = 0.07


def sung_song(seed: int, index: int) -> TimedSong:
    """The song of that seed and index, its genre for a prompt. The same again, each time."""
    silence()
    song = songmaker.Song(seed, index, KINDS[index % len(KINDS)], list(VOICES), None)
    _, lines, *_ = songmaker.make_vocals(song)
    sung = tuple(
        AskedLine(line["text"], line["start"], line["end"], song.sections[line["section"]]["label"]) for line in lines
    )
    return TimedSong(Request(song.duration, song.genre, sung, "en"), song.bpm)


@cache
def silence() -> None:
    """Takes voice and vocoder from the song maker, for as long as this process runs."""
    singer: Any = vars(songmaker)["singer"]
    voice = MuteVoice(singer.piper())
    singer.piper = lambda: voice
    singer.pyworld = MuteVocoder
    singer.upsample = lambda y, rate_hz: np.ones(int(len(y) * singer.SR / rate_hz))


class MuteVoice:
    """A voice of piper that knows its phonemes, and is silent."""

    def __init__(self, voice: Any) -> None:
        self.config, self.phonemize = voice.config, voice.phonemize
        self.config.sample_rate = RATE_HZ
        self.blank = voice.config.phoneme_id_map["_"][0]

    def phoneme_ids_to_audio(self, ids: list[int], *_: Any, **__: Any) -> tuple[Any, Any]:
        durations = np.array([0 if i == self.blank else round(SOUND_S * RATE_HZ) for i in ids])
        return np.ones(int(durations.sum())), durations


class MuteVocoder:
    """What the song maker asks of pyworld, of two bands and without sound."""

    @staticmethod
    def harvest(x: Any, rate_hz: int, frame_period: float, **_: Any) -> tuple[Any, Any]:
        frames = int(1000 * len(x) / rate_hz / frame_period) + 1
        return np.full(frames, 100.0), np.arange(frames) * frame_period / 1000

    @staticmethod
    def cheaptrick(x: Any, f0: Any, *_: Any) -> Any:
        return np.ones((len(f0), 2))

    d4c = cheaptrick

    @staticmethod
    def synthesize(f0: Any, sp: Any, ap: Any, rate_hz: int, period_ms: float) -> Any:
        return np.ones(int(len(f0) * period_ms / 1000 * rate_hz))
