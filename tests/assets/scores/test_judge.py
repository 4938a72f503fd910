"""A demo song as it is, as another one, and as noise, heard by the embedded models."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from assets.lyrics.settings import LyricsSettings
from assets.scores.clips import Clip, System, compared
from assets.scores.judge import judge, sung_parts, words_heard
from assets.scores.judges import Judges, open_judges, resampled
from assets.stems.settings import StemSettings
from assets.tables import Row
from resources.ffmpeg import decode_mono
from training.codec import open_codec
from training.request import AskedLine, Request
from training.settings import CodecSettings

RATE_HZ, START_S, LENGTH_S = 44_100, 8.0, 10.0


@pytest.fixture(scope="module")
def judges() -> Judges:
    return open_judges(StemSettings(), LyricsSettings(), threads=1)


def clip_of(song: dict[str, Any]) -> Clip:
    """Ten seconds of a song, asked for with the words that lie in them, line by line."""
    lines = []
    for line in song["lines"]:
        inside = [
            word
            for word in song["words"]
            if max(START_S, line["start"] - 0.01) <= word["start"]
            and word["end"] <= min(START_S + LENGTH_S, line["end"] + 0.01)
        ]
        if inside:
            text = " ".join(word["w"] for word in inside)
            lines.append(AskedLine(text, inside[0]["start"] - START_S, inside[-1]["end"] - START_S))
    sound = decode_mono(song["path"], RATE_HZ, start_s=START_S, duration_s=LENGTH_S)
    request = Request(LENGTH_S, song["genre"], tuple(lines), "en" if lines else None)
    return Clip(System.REAL, song["id"], 0, request, song["tempo_bpm"], sound, RATE_HZ)


@pytest.fixture(scope="module")
def clips(demo_songs: dict[str, Any]) -> list[Clip]:
    real = [clip_of(demo_songs[kind]) for kind in ("pop", "instrumental")]
    return list(compared(real, open_codec(CodecSettings(iterations=8))))


@pytest.fixture(scope="module")
def heard(clips: list[Clip], judges: Judges) -> dict[tuple[str, int], Row]:
    numbers = {item: i for i, item in enumerate(dict.fromkeys(clip.item for clip in clips))}
    return {(str(clip.system), numbers[clip.item]): judge(clip, judges) for clip in clips}


def test_each_real_clip_stands_beside_its_codec_another_one_and_noise(clips: list[Clip]):
    assert [clip.system for clip in clips] == 2 * ["real", "codec", "shuffled", "noise"]
    assert len({len(clip.sound) for clip in clips}) == 1
    assert np.array_equal(clips[2].sound, clips[4].sound)


def test_a_single_clip_has_no_other_to_stand_in_for_it(clips: list[Clip]):
    codec = open_codec(CodecSettings(iterations=1))
    assert [clip.system for clip in compared(clips[:1], codec)] == ["real", "codec", "noise"]


def test_noise_is_as_loud_as_the_song_and_the_same_each_time(clips: list[Clip]):
    real, noise = clips[0].sound, clips[3].sound
    assert np.square(noise).mean() == pytest.approx(np.square(real).mean(), rel=1e-3)
    again = list(compared(clips[:1], open_codec(CodecSettings(iterations=1))))[-1].sound
    assert np.array_equal(noise, again)


def test_the_words_of_the_real_song_are_heard_and_those_of_another_are_not(heard):
    assert heard["real", 0]["word_error"] < 0.5
    assert heard["shuffled", 0]["word_error"] >= 0.9
    assert heard["noise", 0]["word_error"] >= 0.9


def test_words_after_more_than_whisper_hears_at_once_are_heard_too(clips: list[Clip], judges: Judges):
    silence = np.zeros(35 * RATE_HZ, np.float32)
    sound = np.concatenate([silence, clips[0].sound])
    late = replace(clips[0], sound=sound, request=replace(clips[0].request, duration_s=35.0 + LENGTH_S))
    voice, singing = judges.voice(late.sound, RATE_HZ, -20.0)
    found = words_heard(late, voice, singing, judges)
    assert found["words"] > 5
    assert found["word_error"] < 0.5


def test_pauses_and_what_is_before_the_first_word_are_not_read():
    parts = sung_parts([(6.0, 8.0), (8.5, 12.0), (20.0, 21.0), (50.0, 52.0)], 60.0)
    assert parts == [pytest.approx(part) for part in ((4.0, 14.0), (18.0, 23.0), (48.0, 54.0))]
    assert sung_parts([], 60.0) == []


def test_a_minute_that_is_sung_without_a_pause_is_read_in_parts_that_are_short_enough():
    parts = sung_parts([(0.0, 61.0)], 61.0)
    assert sum(end_s - start_s for start_s, end_s in parts) == pytest.approx(61.0)
    assert all(end_s - start_s <= 30.0 for start_s, end_s in parts)


def test_nobody_sings_in_an_instrumental(heard):
    assert heard["real", 1]["words"] == 0
    assert heard["real", 1]["word_error"] is None
    assert heard["real", 1]["words_heard"] == 0


def test_lines_of_the_real_song_begin_where_they_were_asked_for_and_not_where_they_are_spread_evenly(heard):
    assert heard["real", 0]["lines_near"] == 1.0
    assert heard["real", 0]["line_error_s"] < 0.1
    assert heard["noise", 0]["lines_near"] < 1.0
    assert heard["real", 0]["lines_near_unheard"] < 1.0


def test_the_tempo_of_the_real_song_is_its_own(heard):
    assert heard["real", 0]["tempo_agrees"] is True
    assert heard["noise", 0]["tempo_agrees"] is False


def test_levels_are_those_of_the_meter(heard, clips: list[Clip]):
    for row, clip in zip(heard.values(), clips, strict=True):
        peak_db = 20 * np.log10(np.abs(clip.sound).max())
        assert row["true_peak_dbtp"] == pytest.approx(peak_db, abs=1.5)
        assert row["clipped_ratio"] == 0.0
        assert row["length_error_s"] == 0.0


def test_silence_is_judged_and_named_silent(clips: list[Clip], judges: Judges):
    row = judge(replace(clips[0], sound=np.zeros_like(clips[0].sound)), judges)
    assert row["silent_ratio"] == 1.0
    assert row["words_heard"] == 0
    assert row["lufs"] == -70.0


def test_a_sound_that_is_resampled_and_back_is_the_same(clips: list[Clip]):
    low = resampled(clips[0].sound, RATE_HZ, 16_000)
    assert len(low) == 160_000
    again = resampled(resampled(low, 16_000, RATE_HZ), RATE_HZ, 16_000)
    assert np.abs(again - low).max() < 1e-3
