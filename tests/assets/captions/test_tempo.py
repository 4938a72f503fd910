import numpy as np
import pytest

from assets.captions.spectra import RATE_HZ
from assets.captions.tempo import onset_rate, onsets, tempo_of


def drums(bpm, seconds=20.0):
    """A kick on every beat, a snare on every second one, hats on eighths."""
    random, audio = np.random.default_rng(0), np.zeros(int(seconds * RATE_HZ), np.float32)
    time_s = np.arange(int(0.1 * RATE_HZ)) / RATE_HZ
    noise = random.standard_normal(len(time_s))
    kick = np.sin(2 * np.pi * 60 * time_s) * np.exp(-time_s * 30)
    for step in range(int(seconds * bpm / 30) - 1):
        start = round(step * 30 / bpm * RATE_HZ)
        hit = 0.1 * noise * np.exp(-time_s * 90)
        hit += kick if step % 2 == 0 else 0
        hit += 0.6 * noise * np.exp(-time_s * 40) if step % 4 == 2 else 0
        audio[start : start + len(hit)] += hit[: len(audio) - start]
    return audio


@pytest.mark.parametrize("bpm", [72, 96, 120, 143])
def test_the_tempo_of_drums_is_found(bpm):
    tempo = tempo_of(drums(bpm))
    assert any(tempo.bpm == pytest.approx(bpm * times, rel=0.02) for times in (0.5, 1, 2))


def test_the_level_does_not_change_the_tempo():
    assert tempo_of(drums(100)).bpm == tempo_of(drums(100) * 0.001).bpm


@pytest.mark.parametrize(
    "audio",
    [
        np.zeros(10 * RATE_HZ, np.float32),
        np.zeros(0, np.float32),
        drums(120, seconds=2.0),
        np.random.default_rng(0).standard_normal(20 * RATE_HZ).astype(np.float32),
    ],
    ids=["silence", "nothing", "two seconds", "noise"],
)
def test_where_there_is_no_pulse_there_is_no_tempo(audio):
    assert tempo_of(audio) is None


def test_clear_onsets_are_counted():
    assert onset_rate(onsets(drums(120))) == pytest.approx(4, abs=0.5) or onset_rate(
        onsets(drums(120))
    ) == pytest.approx(2, abs=0.3)
