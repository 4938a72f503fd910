"""Lines find the stretches in which they are sung, and only those lines do."""

import itertools
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.lyrics.assign import assign

UNSUNG_NATS = 1.0


def heard(text: str, symbols: int = 5, sure: float = 6.0) -> np.ndarray:
    """Log probabilities in which each figure of the text is heard for a frame, and a dot is silence."""
    log_probs = np.full((len(text), symbols), -sure, np.float32)
    for frame, letter in enumerate(text):
        log_probs[frame, 0 if letter == "." else int(letter)] = 0
    return log_probs


def test_each_line_is_where_its_letters_are():
    found = assign(heard("..123...32.1.."), [(1, 2, 3), (3, 2, 1)], UNSUNG_NATS)
    assert [(each.first, each.last) for each in found if each] == [(2, 5), (8, 12)]


def test_a_line_that_nobody_sings_is_left_out_and_the_others_stay():
    first, missing, last = assign(heard("..123.......321"), [(1, 2, 3), (4, 4, 4, 4), (3, 2, 1)], UNSUNG_NATS)
    assert missing is None
    assert (first.first, first.last, last.first, last.last) == (2, 5, 12, 15)


def test_singing_that_is_not_in_the_lines_pushes_nothing_aside():
    found = assign(heard(".123.4142434.321."), [(1, 2, 3), (3, 2, 1)], UNSUNG_NATS)
    assert [(each.first, each.last) for each in found if each] == [(1, 4), (13, 16)]


def test_a_refrain_is_found_each_time_it_is_sung():
    found = assign(heard(".123..4.4.123..123"), [(1, 2, 3), (4, 4), (1, 2, 3), (1, 2, 3)], UNSUNG_NATS)
    assert [each.first for each in found if each] == [1, 6, 10, 15]


def test_a_doubled_letter_needs_silence_in_between():
    (once,) = assign(heard(".11.."), [(1, 1)], 100.0)
    (twice,) = assign(heard(".1.1."), [(1, 1)], 100.0)
    assert (once.loss, twice.loss) == (6.0, 0.0)


def test_a_line_without_letters_is_never_sung():
    assert assign(heard(".1."), [(), (1,)], UNSUNG_NATS)[0] is None
    assert assign(heard(".1."), [(), ()], UNSUNG_NATS) == [None, None]
    assert assign(heard(""), [(1,)], UNSUNG_NATS) == [None]


likeness = st.integers(-4, 0).map(float)


@given(st.lists(st.tuples(likeness, likeness, likeness), min_size=1, max_size=7), st.data())
def test_no_other_way_through_costs_less(frames: list[tuple[float, float, float]], data: st.DataObject):
    log_probs = np.array(frames, np.float32)
    lines = data.draw(st.lists(st.lists(st.integers(1, 2), min_size=1, max_size=2), min_size=1, max_size=3))
    found = assign(log_probs, lines, 0.75)
    total = sum(each.loss if each else 0.75 * len(line) for each, line in zip(found, lines, strict=True))
    assert total == pytest.approx(min(costs(log_probs, lines)), abs=1e-3)


def costs(log_probs: np.ndarray, lines: list[list[int]]) -> list[float]:
    """What every choice of lines and every way of laying their letters on the frames costs, one by one."""
    losses = log_probs.max(axis=1, keepdims=True) - log_probs
    found = []
    for sung in itertools.product((False, True), repeat=len(lines)):
        letters = [(i, j, letter) for i, line in enumerate(lines) if sung[i] for j, letter in enumerate(line)]
        left_out = sum(0.75 * len(line) for line, kept in zip(lines, sung, strict=True) if not kept)
        for runs in layings(len(losses), letters):
            letters_cost = sum(losses[a:b, letter].sum() for (a, b), (_, _, letter) in zip(runs, letters, strict=True))
            blanks_cost = sum(
                losses[before[1] : after[0], 0].sum()
                for (before, after), (one, other) in zip(pairwise(runs), pairwise(letters), strict=True)
                if one[0] == other[0]
            )
            found.append(float(letters_cost + blanks_cost) + left_out)
    return found


def layings(frames: int, letters: list[tuple[int, int, int]], start: int = 0):
    if not letters:
        yield []
        return
    for a in range(start, frames):
        for b in range(a + 1, frames + 1):
            gap = len(letters) > 1 and (letters[1][0] != letters[0][0] or letters[1][2] == letters[0][2])
            for rest in layings(frames, letters[1:], b + gap):
                yield [(a, b), *rest]
