from itertools import groupby, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.lyrics.align import Passage, Posteriors
from assets.lyrics.takes import best_of, ctc_log_likelihood, letters_of
from assets.lyrics.text import sung_lines
from assets.lyrics.transcribe import Heard

SYMBOLS = ("-", " ", *"abcdefghijklmnopqrstuvwxyz")
CUTS = [(0.0, 2.0), (4.0, 6.0)]


def take(*texts: str | None, dropped: dict[str, int] | None = None) -> Heard:
    """What was heard in each of the cuts."""
    said = [(cut, tuple(sung_lines([(text, None)]))) for cut, text in zip(CUTS, texts, strict=True) if text]
    return Heard("en", 1.0, tuple(Passage(*cut, lines) for cut, lines in said), dropped or {}, -0.5)


def sounds_like(*texts: str) -> Posteriors:
    """Posteriors in which the letters of each text lie one after the other in its cut, a frame each."""
    log_probs = np.full((400, len(SYMBOLS)), np.log(0.1 / (len(SYMBOLS) - 1)), np.float32)
    log_probs[:, 0] = np.log(0.9)
    for (start_s, _), text in zip(CUTS, texts, strict=True):
        for i, letter in enumerate(text):
            log_probs[round(start_s / 0.02) + 2 * i + 5] = np.log(0.1 / (len(SYMBOLS) - 1))
            log_probs[round(start_s / 0.02) + 2 * i + 5, SYMBOLS.index(letter)] = np.log(0.9)
    return Posteriors(log_probs, SYMBOLS, 0.02)


def words(heard: Heard) -> list[str]:
    return [word for line in heard.lines for word in line.words]


def test_in_each_cut_the_take_counts_that_sounds_most_like_it():
    takes = [take("cold rain", "we ran"), take("old grain", "we run")]
    assert words(best_of(takes, CUTS, sounds_like("cold rain", "we run"))) == ["cold", "rain", "we", "run"]


def test_a_take_that_heard_nothing_counts_where_nothing_is():
    takes = [take("cold rain", "thanks for watching"), take("cold rain", None)]
    assert words(best_of(takes, CUTS, sounds_like("cold rain", ""))) == ["cold", "rain"]


def test_of_equal_takes_the_first_counts_and_what_was_dropped_is_summed():
    takes = [take("Cold rain", None, dropped={"loop": 1}), take("cold rain", None, dropped={"loop": 2, "unlikely": 1})]
    found = best_of(takes, CUTS, sounds_like("cold rain", ""))
    assert (words(found), found.dropped) == (["Cold", "rain"], {"loop": 3, "unlikely": 1})


def test_letters_stand_with_spaces_between_words():
    assert [SYMBOLS[i] for i in letters_of(sung_lines([("Go, 2!", None), ("é", None)]), SYMBOLS, "en")] == list(
        "go two e"
    )


def test_text_longer_than_the_sound_cannot_be_it():
    assert ctc_log_likelihood(np.zeros((3, 2), np.float32), [1, 1, 1]) == -np.inf


@given(st.lists(st.integers(1, 2), max_size=3), st.integers(1, 5), st.integers(0, 99))
def test_the_likelihood_is_the_sum_over_all_ways_to_say_it(letters, frames, seed):
    raw = np.random.default_rng(seed).normal(size=(frames, 3))
    log_probs = (raw - np.logaddexp.reduce(raw, axis=1, keepdims=True)).astype(np.float32)
    paths = (path for path in product(range(3), repeat=frames) if [s for s, _ in groupby(path) if s] == letters)
    total = sum(np.exp(sum(log_probs[i, s] for i, s in enumerate(path))) for path in paths)
    assert np.exp(ctc_log_likelihood(log_probs, letters)) == pytest.approx(total, abs=1e-5)
