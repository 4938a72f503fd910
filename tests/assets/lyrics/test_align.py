from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.lyrics.align import (
    Passage,
    Posteriors,
    TextTooLong,
    align,
    blended,
    hushed,
    passages_by_anchor,
)
from assets.lyrics.text import SungLine, spell, sung_lines

SYMBOLS = ("_", " ", "'", *"abcdefghijklmnopqrstuvwxyz")
FRAME_S = 0.02
WORDS = ["we", "run", "little", "1999", "𗀀𗀁", "don't"]


def lines_of(*texts):
    return sung_lines([(text, None) for text in texts])


def sung(words, starts_s, duration_s, sure=0.9):
    """Posteriors of somebody who sings each letter for one frame, every other frame, from the start of its word."""
    rest = (1 - sure) / (len(SYMBOLS) - 1)
    probabilities = np.full((round(duration_s / FRAME_S), len(SYMBOLS)), rest)
    probabilities[:, 0] = sure
    for word, start_s in zip(words, starts_s, strict=True):
        for i, letter in enumerate(spell(word, SYMBOLS)):
            frame = round(start_s / FRAME_S) + 2 * i
            probabilities[frame] = rest
            probabilities[frame, letter] = sure
    return Posteriors(np.log(probabilities).astype(np.float32), SYMBOLS, FRAME_S)


def whole(lines, duration_s):
    return [Passage(0.0, duration_s, tuple(lines))]


def test_every_word_is_found_where_it_is_sung():
    words, starts_s = ["hold", "on", "to", "me"], [1.0, 1.5, 4.0, 4.4]
    heard = sung(words, starts_s, 6.0)
    (line,) = align(whole(lines_of("Hold on, to ME!"), 6.0), heard, [(0.9, 2.2), (3.9, 5.0)], 6.0)
    assert [word.text for word in line.words] == ["Hold", "on,", "to", "ME!"]
    assert np.allclose([word.start_s for word in line.words], starts_s, atol=FRAME_S)
    assert all(word.confidence > 0.8 for word in line.words)


def test_a_word_ends_where_the_next_one_starts_or_the_singing_stops():
    heard = sung(["hold", "on", "me"], [1.0, 1.5, 4.0], 6.0)
    (line,) = align(whole(lines_of("hold on me"), 6.0), heard, [(0.9, 2.2), (3.9, 5.0)], 6.0)
    assert np.allclose([word.end_s for word in line.words], [1.5, 2.2, 5.0], atol=FRAME_S)


def test_a_word_in_letters_the_model_does_not_know_stands_between_its_neighbours():
    heard = sung(["hold", "me"], [1.0, 4.0], 6.0)
    (line,) = align(whole(lines_of("hold 𗀀𗀁 me"), 6.0), heard, [(0.5, 5.0)], 6.0)
    before, unknown, after = line.words
    assert before.start_s < unknown.start_s < after.start_s
    assert unknown.confidence == 0.0


def test_a_line_of_unknown_letters_alone_is_kept():
    heard = sung(["hold"], [1.0], 6.0)
    lines = align(whole(lines_of("𗀀𗀁", "hold", "𗀂"), 6.0), heard, [(0.5, 5.0)], 6.0)
    assert [line.text for line in lines] == ["𗀀𗀁", "hold", "𗀂"]
    assert lines[0].start_s < lines[1].start_s < lines[2].start_s


def test_more_text_than_audio_is_said_to_be_too_long():
    with pytest.raises(TextTooLong) as caught:
        align(whole(lines_of("we were dreaming in the rain " * 20), 2.0), sung([], [], 2.0), [(0.0, 2.0)], 2.0)
    assert caught.value.passage.end_s == 2.0


def test_a_line_time_keeps_a_repeated_line_in_its_place():
    heard = sung(["go", "go"], [2.0, 20.0], 30.0)
    lines = [SungLine("go", ("go",), 19.5)]
    (line,) = align(passages_by_anchor(lines, 30.0, 1.0), heard, [(1.0, 29.0)], 30.0)
    assert line.start_s == pytest.approx(20.0, abs=FRAME_S)


def test_lines_go_from_one_anchor_to_the_next():
    lines = [SungLine("a", ("a",)), SungLine("b", ("b",), 10.0), SungLine("c", ("c",)), SungLine("d", ("d",), 20.0)]
    found = [(p.start_s, p.end_s, [line.text for line in p.lines]) for p in passages_by_anchor(lines, 30.0, 1.0)]
    assert found == [(0.0, 11.0, ["a"]), (9.0, 21.0, ["b", "c"]), (19.0, 30.0, ["d"])]


@pytest.mark.parametrize("anchors_s", [(10.0, 5.0), (10.0, 99.0), (-5.0, -4.0)])
def test_anchors_out_of_order_or_outside_the_track_are_named(anchors_s):
    lines = [SungLine("a", ("a",), anchor_s) for anchor_s in anchors_s]
    with pytest.raises(ValueError, match="out of order, or outside"):
        passages_by_anchor(lines, 30.0, 1.0)


def test_hushed_posteriors_draw_no_word_into_a_solo():
    heard = sung(["go", "go"], [2.0, 20.0], 30.0, sure=0.6)
    passages = whole(lines_of("go"), 30.0)
    singing = [(19.0, 21.0)]
    quiet = Posteriors(hushed(heard.log_probs, FRAME_S, singing, 0.5, 3.0), SYMBOLS, FRAME_S)
    (line,) = align(passages, quiet, singing, 30.0)
    assert line.start_s == pytest.approx(20.0, abs=FRAME_S)


def test_hushed_and_blended_posteriors_are_probabilities():
    one, other = sung(["go"], [1.0], 3.0).log_probs, sung(["me"], [2.0], 3.02).log_probs
    both = blended(one, other)
    assert both.shape == one.shape
    assert np.allclose(np.exp(both).sum(axis=1), 1.0, atol=1e-4)
    assert np.allclose(np.exp(hushed(both, FRAME_S, [(0.5, 1.5)], 0.1, 3.0)).sum(axis=1), 1.0, atol=1e-4)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=5), min_size=1, max_size=6),
    st.integers(0, 2**32 - 1),
    st.data(),
)
def test_whatever_was_heard_words_and_lines_are_in_order_and_inside_the_track(texts, seed, data):
    duration_s = 20.0
    noise = np.random.default_rng(seed).normal(size=(1000, len(SYMBOLS)), scale=3.0)
    log_probs = (noise - np.logaddexp.reduce(noise, axis=1, keepdims=True)).astype(np.float32)
    lines = lines_of(*(" ".join(words) for words in texts))
    anchors = sorted(data.draw(st.lists(st.floats(0, 10), min_size=len(lines), max_size=len(lines))))
    if data.draw(st.booleans()):
        lines = [SungLine(line.text, line.words, anchor) for line, anchor in zip(lines, anchors, strict=True)]
    passages = passages_by_anchor(lines, duration_s, 1.0)
    try:
        placed = align(passages, Posteriors(log_probs, SYMBOLS, FRAME_S), [(3.0, 7.0), (8.0, 19.0)], duration_s)
    except TextTooLong:
        return
    words = [word for line in placed for word in line.words]
    assert [line.text for line in placed] == [line.text for line in lines]
    assert all(0 <= word.start_s < word.end_s <= duration_s for word in words)
    assert all(a.start_s < b.start_s and a.end_s <= b.start_s + 1e-9 for a, b in pairwise(words))
