"""Given lines in their places, whatever else is sung, and whatever else is written down."""

from dataclasses import replace

import numpy as np
import pytest

from assets.lyrics.align import Passage, Posteriors
from assets.lyrics.place import Listened, place_given
from assets.lyrics.settings import LyricsSettings
from assets.lyrics.text import sung_lines
from assets.tables import Reason, Rejected
from resources.ctc_head import SYMBOLS

FRAME_S = 0.02
LETTER_FRAMES = 3
SETTINGS = LyricsSettings()
VERSES = [
    "the river runs below the town",
    "a paper moon is on the sea",
    "nobody knows the way to go",
    "come home tonight",
]


def heard(sung, duration_s, seed=0, noise=1.0):
    """Posteriors in which every (text, start in seconds) is heard, letter by letter, and now and then a wrong one."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(0, noise, (round(duration_s / FRAME_S), len(SYMBOLS)))
    scores[:, 0] += 8
    for text, start_s in sung:
        frame = round(start_s / FRAME_S)
        for letter in text:
            scores[frame, SYMBOLS.index(letter)] += 16 if rng.random() < 0.9 else 0
            scores[frame, rng.integers(3, len(SYMBOLS))] += 9
            frame += LETTER_FRAMES
    log_probs = (scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)).astype(np.float32)
    one = Posteriors(log_probs, SYMBOLS, FRAME_S)
    return Listened(one, one, one)


def place(lines, listened):
    duration_s = listened.both.duration_s
    singing = [(0.0, duration_s)]
    return place_given(sung_lines((line, None) for line in lines), listened, singing, duration_s, "en", SETTINGS)


def starts_of(placing):
    return {line.text: round(line.start_s, 1) for line in placing.lines}


def test_a_solo_of_four_minutes_does_not_lose_what_comes_after_it():
    placing = place(VERSES, heard(zip(VERSES, [2, 6, 250, 254], strict=True), 260))
    assert list(starts_of(placing).values()) == pytest.approx([2.0, 6.0, 250.0, 254.0], abs=0.15)
    assert (placing.found, placing.notes["unsung"]) == (1.0, [])


def test_a_verse_that_is_not_sung_is_left_out_and_named():
    placing = place(VERSES, heard([(VERSES[0], 2), (VERSES[3], 9)], 14))
    assert starts_of(placing) == {VERSES[0]: 2.0, VERSES[3]: 9.0}
    assert placing.notes["unsung"] == VERSES[1:3]
    assert 0 < placing.found < 0.6


def test_a_verse_that_is_not_written_down_moves_no_other():
    placing = place([VERSES[0], VERSES[3]], heard(zip(VERSES, [2, 6, 10, 14], strict=True), 18))
    assert starts_of(placing) == pytest.approx({VERSES[0]: 2.0, VERSES[3]: 14.0}, abs=0.3)


def test_a_refrain_that_is_written_once_and_sung_twice_is_placed_once_and_nothing_slides():
    refrain = "hold on to me tonight"
    placing = place(
        [VERSES[0], refrain, VERSES[1]], heard([(VERSES[0], 1), (refrain, 5), (refrain, 9), (VERSES[1], 13)], 18)
    )
    assert starts_of(placing)[VERSES[0]] == 1.0
    assert starts_of(placing)[VERSES[1]] == 13.0
    assert starts_of(placing)[refrain] in (5.0, 9.0)


def faintly(listened, start_s, end_s):
    """The same with every letter there less likely than another one, which nobody sings."""
    log_probs = listened.both.log_probs.copy()
    for frame in range(round(start_s / FRAME_S), round(end_s / FRAME_S)):
        if log_probs[frame].argmax():
            log_probs[frame, SYMBOLS.index("z")] = log_probs[frame].max() + 4.0
    log_probs -= np.logaddexp.reduce(log_probs, axis=1, keepdims=True)
    one = Posteriors(log_probs, SYMBOLS, FRAME_S)
    return Listened(one, one, one)


def test_a_line_that_is_badly_heard_is_looked_for_where_somebody_sings_and_no_line_says_what():
    sung = faintly(heard(zip(VERSES, [2, 6, 10, 14], strict=True), 18, noise=0.1), 6, 9)
    lines = sung_lines((line, None) for line in VERSES)
    singing = [(2.0, 4.0), (6.0, 8.0), (10.0, 12.0), (14.0, 16.0)]
    placing = place_given(lines, sung, singing, 18.0, "en", SETTINGS)
    assert starts_of(placing)[VERSES[1]] == pytest.approx(6.0, abs=0.3)
    silent = [(2.0, 4.0), (10.0, 12.0), (14.0, 16.0)]
    placing = place_given(lines, sung, silent, 18.0, "en", SETTINGS)
    assert placing.notes["unsung"] == [VERSES[1]]


def test_backing_singers_who_sing_over_the_next_line_do_not_move_it():
    lead, echo, after = "we were dreaming in the rain", "in the rain", "nobody knows the way to go"
    both = heard([(lead, 2), (after, 5)], 10).both.log_probs
    over = heard([(echo, 5.1)], 10, seed=1).both.log_probs
    mixed = Posteriors(np.logaddexp(both, over) - np.float32(np.log(2)), SYMBOLS, FRAME_S)
    placing = place([f"{lead} ({echo})", after], Listened(mixed, mixed, mixed))
    assert [round(line.start_s, 1) for line in placing.lines] == [2.0, 5.0]
    assert [word.text for word in placing.lines[1].words] == after.split()


def test_backing_singers_who_answer_are_placed_after_the_lead():
    placing = place(["hold on (hold on) to me"], heard([("hold on", 2), ("hold on", 4), ("to me", 6)], 9))
    (line,) = placing.lines
    assert [round(word.start_s) for word in line.words] == [2, 2, 4, 4, 6, 6]


def test_lyrics_with_more_letters_than_the_track_has_frames_are_too_long():
    with pytest.raises(Rejected) as caught:
        place(VERSES * 9, heard([], 4))
    assert caught.value.reason == Reason.LYRICS_TOO_LONG


def test_lyrics_of_which_nothing_is_sung_are_placed_nowhere():
    placing = place(["quick brown foxes jump", "over lazy dogs"], heard(zip(VERSES, [2, 6, 10, 14], strict=True), 18))
    assert (list(placing.lines), placing.found) == ([], 0.0)


def test_a_line_squeezed_into_fewer_frames_than_it_needs_is_left_out(monkeypatch):
    narrow = [(0, Passage(2.0, 2.1, ())), (1, Passage(6.0, 8.0, ()))]
    lines = sung_lines((line, None) for line in VERSES[:2])
    passages = [replace(passage, lines=(lines[i],)) for i, passage in narrow]
    monkeypatch.setattr("assets.lyrics.place.find_passages", lambda *_: (list(enumerate(lines)), passages))
    placing = place(VERSES[:2], heard(zip(VERSES[:2], [2, 6], strict=True), 10))
    assert [line.text for line in placing.lines] == [VERSES[1]]
    assert placing.notes["unsung"] == [VERSES[0]]
