"""What is drawn for a sample: shares are kept, nothing is given away, and times move by no more than was set."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.data.draws import Draw, Given, draw_of, jittered, lines_between, mask_of, random_of, states_of
from training.guidance import V_I, Guidance, State, both, mixdown, nested
from training.request import AskedLine, SungLine, SungWord, Track
from training.stages import STAGES, StageSettings, ToldShares

JOINT = STAGES["joint"]
LINE = SungLine(
    "hello there you", (SungWord("hello", 1.0, 1.4), SungWord("there", 1.5, 2.0), SungWord("you", 2.2, 3.0))
)


def drawn(stage: StageSettings, count: int = 4000) -> list[Draw]:
    return [draw_of(stage, random_of(0, 0, index)) for index in range(count)]


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
def test_each_sample_is_told_as_much_as_the_shares_say(stage: StageSettings):
    found = Counter(draw.state for draw in drawn(stage))
    shares = stage.told
    wanted = {"v_i": shares.both, "i_c": shares.prompt, "v_c": shares.lyrics, "u": shares.nothing}
    assert {state: found[State(state)] / 4000 for state in wanted} == pytest.approx(wanted, abs=0.03)


@pytest.mark.parametrize("blend", [both(3), mixdown(3, 2, 2, 0.6, 0.4), nested(3, 2, 2, 0.6, 0.4)])
def test_every_state_that_guidance_asks_for_is_trained_in_the_last_stage(blend):
    asked = {state for state, _ in Guidance(blend).blend.terms} | {state for state, _ in V_I.terms}
    assert asked <= {draw.state for draw in drawn(JOINT)} == states_of(JOINT)


def test_music_is_told_no_lyrics_and_makes_the_accompaniment_alone():
    found = drawn(STAGES["music"])
    assert {draw.state for draw in found} == {State.NOTHING, State.INSTRUMENTS}
    assert {draw.track for draw in found} == {Track.ACCOMPANIMENT}


def test_the_track_that_is_to_be_made_is_never_given_whole():
    assert all(draw.given != draw.track.value for draw in drawn(JOINT))


def test_everything_that_may_be_given_is_given_at_times():
    assert {draw.given for draw in drawn(JOINT)} == set(Given)


def test_the_same_sample_of_the_same_epoch_is_taken_in_the_same_way():
    assert draw_of(JOINT, random_of(3, 1, 7)) == draw_of(JOINT, random_of(3, 1, 7))


def test_another_epoch_takes_samples_in_other_ways():
    assert [draw_of(JOINT, random_of(3, 1, i)) for i in range(20)] != [
        draw_of(JOINT, random_of(3, 2, i)) for i in range(20)
    ]


def test_shares_that_do_not_add_up_to_one_are_refused():
    with pytest.raises(ValueError, match=r"add up to 1, not to 1\.2"):
        ToldShares(both=0.9)


@given(st.sampled_from([Given.BEGINNING, Given.SURROUNDINGS]), st.integers(10, 300), st.integers(0, 10_000))
def test_of_the_song_itself_a_part_is_given_and_a_part_is_to_be_made(kind: Given, frames: int, seed: int):
    mask = mask_of(kind, frames, np.random.default_rng(seed))
    assert 0 < mask.sum() < frames


@given(st.integers(10, 300), st.integers(0, 10_000))
def test_a_gap_is_filled_in_one_piece(frames: int, seed: int):
    mask = mask_of(Given.SURROUNDINGS, frames, np.random.default_rng(seed)).astype(int)
    assert np.count_nonzero(np.diff(mask) == -1) <= 1
    assert np.count_nonzero(np.diff(mask) == 1) <= 1


@given(st.floats(0.0, 0.49), st.integers(0, 10_000))
def test_edges_of_a_line_move_by_no_more_than_was_set_and_stay_in_order(jitter: float, seed: int):
    (moved,) = jittered([AskedLine("la", 2.0, 4.0)], jitter, 10.0, np.random.default_rng(seed))
    assert abs(moved.start_s - 2.0) <= 2 * jitter + 1e-9
    assert abs(moved.end_s - 4.0) <= 2 * jitter + 1e-9
    assert 0 <= moved.start_s <= moved.end_s <= 10.0


def test_a_part_of_a_window_holds_whole_words_with_times_from_its_start():
    assert lines_between([LINE], 1.45, 5.0) == [AskedLine("there you", pytest.approx(0.05), pytest.approx(1.55))]


def test_a_line_that_lies_elsewhere_is_not_in_the_part():
    assert lines_between([LINE], 3.0, 5.0) == []
