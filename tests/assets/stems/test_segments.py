import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.stems.segments import SHORTEST_GAP_S, SHORTEST_S, Segment, vocal_segments

HOP_S = 0.05
VOICE, LEAK, BAND = 1e-2, 1e-6, 1e-2


def powers(*stretches: tuple[float, float]) -> np.ndarray:
    """(seconds, power) one after the other."""
    return np.concatenate([np.full(round(seconds / HOP_S), power) for seconds, power in stretches])


def segments(vocals, mix) -> list[Segment]:
    return vocal_segments(vocals, mix, HOP_S, len(vocals) * HOP_S)


def test_a_voice_between_two_solos_is_one_segment():
    vocals = powers((10, LEAK), (5, VOICE), (10, LEAK))
    (found,) = segments(vocals, vocals + BAND)
    assert found.start_s == pytest.approx(10, abs=0.2)
    assert found.end_s == pytest.approx(15, abs=0.2)


def test_a_long_pause_parts_two_segments_and_a_breath_does_not():
    vocals = powers((5, VOICE), (0.3, LEAK), (5, VOICE), (3, LEAK), (5, VOICE))
    assert len(segments(vocals, vocals + BAND)) == 2


def test_a_pause_of_a_voice_without_instruments_is_found():
    vocals = powers((5, VOICE), (2, 1e-8), (5, VOICE))
    assert len(segments(vocals, vocals)) == 2


def test_what_leaks_of_an_instrumental_is_no_singing():
    leak = powers((10, LEAK), (5, 10 * LEAK), (10, LEAK))
    assert segments(leak, np.full(len(leak), BAND)) == []


def test_silence_holds_no_singing():
    assert segments(np.zeros(100), np.zeros(100)) == []
    assert segments(np.zeros(0), np.zeros(0)) == []


def test_a_quiet_song_is_sung_where_a_loud_one_is():
    vocals = powers((4, LEAK), (3, VOICE), (4, LEAK), (2, VOICE), (1, LEAK))
    assert segments(vocals * 1e-4, (vocals + BAND) * 1e-4) == segments(vocals, vocals + BAND)


@given(st.lists(st.sampled_from([0.0, LEAK, 1e-4, VOICE]), max_size=200))
def test_segments_are_in_order_apart_and_inside_the_track(steps):
    vocals = np.array(steps, np.float64)
    found = segments(vocals, vocals + BAND)
    assert all(segment.end_s - segment.start_s >= SHORTEST_S - 1e-9 for segment in found)
    assert all(b.start_s - a.end_s >= SHORTEST_GAP_S - 1e-9 for a, b in zip(found, found[1:], strict=False))
    assert all(0 <= segment.start_s and segment.end_s <= len(vocals) * HOP_S for segment in found)
