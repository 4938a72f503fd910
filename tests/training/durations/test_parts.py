"""A song in gaps and lines: what is pinned stays, and the rest is shared out."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.durations.parts import LEAST_S, lengths_of, stretches_of, timed
from training.request import AskedLine, Request

WORDS = st.sampled_from(["oh", "hold on to the rain", "beautiful stranger", "ночь"])


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """Songs of up to ten lines, some of them pinned, with time for the others."""
    texts = draw(st.lists(WORDS, min_size=1, max_size=10))
    edges_s = [0.0]
    for _ in texts:
        gap_s, line_s = draw(st.floats(0.2, 9)), draw(st.floats(0.2, 9))
        edges_s += [edges_s[-1] + gap_s, edges_s[-1] + gap_s + line_s]
    pinned = [draw(st.booleans()) for _ in texts]
    lines = tuple(
        AskedLine(text, edges_s[2 * i + 1], edges_s[2 * i + 2]) if pinned[i] else AskedLine(text)
        for i, text in enumerate(texts)
    )
    return Request(edges_s[-1] + draw(st.floats(0.2, 9)), lines=lines, language="en")


@given(requests(), st.data())
def test_whatever_the_shares_lines_keep_their_order_and_pins_their_times(request_: Request, data: st.DataObject):
    count = 2 * len(request_.lines) + 1
    shares = data.draw(st.lists(st.floats(1e-3, 1e3), min_size=count, max_size=count))
    done = timed(request_, shares)
    for asked, line in zip(request_.lines, done.lines, strict=True):
        assert asked.start_s is None or asked == line
    edges_s = [0.0, *(edge for line in done.lines for edge in (line.start_s, line.end_s)), request_.duration_s]
    assert all(a <= b for a, b in pairwise(edges_s))
    assert sum(lengths_of(done)) == pytest.approx(request_.duration_s, abs=1e-9)


@given(requests())
def test_every_free_line_is_in_one_stretch_and_no_pinned_one_is(request_: Request):
    inside = [part for stretch in stretches_of(request_) for part in range(stretch.first, stretch.last + 1)]
    assert len(set(inside)) == len(inside)
    assert {part // 2 for part in inside if part % 2} == {
        index for index, line in enumerate(request_.lines) if line.start_s is None
    }


def test_a_song_without_pins_is_one_stretch():
    (stretch,) = stretches_of(Request(30.0, lines=(AskedLine("oh"), AskedLine("no"))))
    assert (stretch.first, stretch.last, stretch.start_s, stretch.end_s) == (0, 4, 0.0, 30.0)
    assert stretch.spare_s == pytest.approx(30 - 5 * LEAST_S)


def test_where_all_is_pinned_nothing_is_shared():
    request = Request(9.0, lines=(AskedLine("oh", 0.0, 4.0), AskedLine("no", 4.0, 9.0)))
    assert stretches_of(request) == ()
    assert timed(request, [1.0] * 5) == request


OH, NO = AskedLine("oh"), AskedLine("no")


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (Request(30.0), "no lyrics"),
        (Request(30.0, lines=(OH, AskedLine("—"))), r"line 2 \('—'\) has nothing that can be sung: take it out"),
        (Request(0.0, lines=(OH,)), "a song has a length, got 0.0 s"),
        (Request(float("nan"), lines=(OH,)), "a song has a length"),
        (Request(9.0, lines=(OH, replace(NO, start_s=1.0))), "line 2 .* has one of its times and not the other"),
        (Request(9.0, lines=(replace(OH, start_s=3.0, end_s=2.0),)), "line 1 .* has to end after it starts"),
        (Request(9.0, lines=(replace(OH, start_s=-1.0, end_s=2.0),)), "line 1 .* before the song begins"),
        (
            Request(9.0, lines=(replace(OH, start_s=2.0, end_s=9.5),)),
            "line 1 .* after the song does at 9 s: pin it sooner, or ask for a longer song",
        ),
        (
            Request(9.0, lines=(replace(OH, start_s=2.0, end_s=4.0), NO, replace(NO, start_s=3.0, end_s=5.0))),
            "line 3 .* is pinned to 3 s, before line 1 ends at 4 s: move one of them",
        ),
        (
            Request(9.0, lines=(replace(OH, start_s=5.0, end_s=6.0), replace(NO, start_s=1.0, end_s=2.0))),
            "line 2 .* is pinned to 1 s, before line 1 ends at 6 s",
        ),
        (
            Request(9.0, lines=(replace(OH, start_s=2.0, end_s=4.0), NO, NO, replace(NO, start_s=4.05, end_s=5.0))),
            "lines 2 to 3 have 0.05 s, which is too little: move or take away a pin beside them",
        ),
        (Request(0.01, lines=(OH,)), "line 1 has 0.01 s, which is too little"),
    ],
)
def test_what_cannot_be_timed_is_named_with_what_to_do(request_: Request, says: str):
    with pytest.raises(ValueError, match=says):
        stretches_of(request_)
