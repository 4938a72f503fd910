"""The network of line durations: what it gives, whatever it has learnt."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from training.durations.network import Durations, bins_of, hear
from training.durations.parts import LEAST_S
from training.lrc import clock, read_lrc, write_lrc
from training.request import AskedLine, Request
from training.settings import DurationSettings

SMALL = DurationSettings(width=16, layers=2, heads=2, sways=2, prompt_words=64)
SONG = Request(
    40.0,
    "slow and quiet",
    (
        AskedLine("hold on to the rain", section="Verse"),
        AskedLine("oh", section="Verse"),
        AskedLine("beautiful stranger", section="Chorus"),
    ),
    "en",
)


def awake(seed: int = 0) -> Durations:
    """A network whose last layer is open, as if it had learnt a little."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Durations(SMALL).eval()
        torch.nn.init.normal_(model.out.weight, std=0.2)
    return model


MODEL = awake()


def edges_s(request: Request) -> list[float]:
    times = [time for line in request.lines for time in (line.start_s, line.end_s)]
    return [0.0, *(time for time in times if time is not None), request.duration_s]


@st.composite
def requests(draw: st.DrawFn) -> Request:
    texts = draw(st.lists(st.sampled_from(["oh", "hold on to the rain", "ночь"]), min_size=1, max_size=8))
    lines, at_s = [], 0.0
    for text in texts:
        start_s, end_s = at_s + draw(st.floats(0.1, 5)), at_s + draw(st.floats(5.1, 9))
        pinned = draw(st.booleans())
        section = draw(st.sampled_from(["", "Verse", "Chorus"]))
        lines.append(AskedLine(text, start_s, end_s, section) if pinned else AskedLine(text, section=section))
        at_s = end_s
    return Request(at_s + draw(st.floats(0.1, 30)), draw(st.text(max_size=20)), tuple(lines), "en")


@given(requests(), st.integers(0, 2**31), st.sampled_from([None, 60.0, 171.5]))
def test_lines_keep_their_order_inside_the_song_and_pins_their_times(song: Request, seed: int, tempo_bpm: float | None):
    for done in (MODEL.mean(song, tempo_bpm), MODEL.draw(song, torch.Generator().manual_seed(seed), tempo_bpm)):
        times = edges_s(done)
        assert len(times) == 2 * len(song.lines) + 2
        assert all(before <= after for before, after in pairwise(times))
        for asked, line in zip(song.lines, done.lines, strict=True):
            assert line == (asked if asked.start_s is not None else replace(line, text=asked.text))
            assert line.start_s is not None and line.end_s is not None
            assert asked.start_s is not None or line.end_s - line.start_s >= LEAST_S - 1e-9


@given(requests())
def test_what_is_printed_has_the_same_length_order_and_pins_to_the_hundredth(song: Request):
    printed = read_lrc(write_lrc(MODEL.mean(song)))
    assert printed.duration_s == pytest.approx(song.duration_s, abs=0.00501)
    assert all(before <= after for before, after in pairwise(edges_s(printed)))
    for asked, line in zip(song.lines, printed.lines, strict=True):
        assert (line.text, line.section) == (asked.text, asked.section)
        assert asked.start_s is None or line.start_s == pytest.approx(asked.start_s, abs=0.00501)


def test_untrained_it_shares_time_out_by_syllables():
    spread = Durations(SMALL).eval()(hear([SONG], [None], SMALL))
    five, one, five_too = (spread.lengths(spread.centre[None])[0, 0, [1, 3, 5]] - LEAST_S).tolist()
    assert five == pytest.approx(5 * one)
    assert five_too == pytest.approx(5 * one)


def test_a_song_comes_out_the_same_alone_and_beside_a_longer_one():
    longer = replace(SONG, lines=SONG.lines * 3, prompt="many more words than the other has")
    with torch.inference_mode():
        beside, alone = MODEL(hear([SONG, longer], [None, 90.0], SMALL)), MODEL(hear([SONG], [None], SMALL))
    assert beside.mean()[0].tolist() == pytest.approx([*alone.mean()[0].tolist(), *[0.0] * 12], abs=1e-4)


def test_the_mean_is_always_the_same_and_draws_are_many():
    assert MODEL.mean(SONG) == MODEL.mean(SONG)
    drawn = [MODEL.draw(SONG, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize(
    "other",
    [
        replace(SONG, prompt="fast and loud"),
        replace(SONG, lines=(replace(SONG.lines[0], section="Chorus"), *SONG.lines[1:])),
        replace(SONG, lines=(replace(SONG.lines[0], start_s=1.0, end_s=2.0), *SONG.lines[1:])),
        replace(SONG, lines=(*SONG.lines[:2], AskedLine("strengths and months", section="Chorus"))),
    ],
    ids=["prompt", "section", "pin", "sounds"],
)
def test_what_is_told_moves_the_lines(other: Request):
    assert MODEL.mean(other).lines[1] != MODEL.mean(SONG).lines[1]


def test_a_tempo_that_is_told_moves_the_lines():
    assert MODEL.mean(SONG, 80.0) != MODEL.mean(SONG) != MODEL.mean(SONG, 160.0)


def test_a_word_of_a_prompt_is_the_same_bin_in_any_case_and_place():
    assert bins_of("Slow, loud", 4096) == bins_of("loud slow", 4096)[::-1]


def test_bad_requests_are_named():
    with pytest.raises(ValueError, match="no lyrics to be timed"):
        MODEL.mean(Request(10.0))


def test_what_is_taken_out_of_an_lrc_is_timed_anew_and_the_rest_stays():
    written = write_lrc(MODEL.mean(SONG))
    first, second, third = read_lrc(written).lines
    edited = written.replace(f"[{clock(second.start_s or 0)}]{second.text}", second.text)
    edited = edited.replace(second.text, f"[{clock(first.end_s or 0)}]\n{second.text}")
    again = MODEL.mean(read_lrc(edited)).lines
    assert again[::2] == (first, third)
    assert (first.end_s or 0) < (again[1].start_s or 0) < (again[1].end_s or 0) < (third.start_s or 0)
