import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.phonemes import INDEX, LINE, PAD, SYMBOLS
from training.request import AskedLine, layout_of


def sung(grid: tuple[int, ...]) -> dict[int, str]:
    return {frame: SYMBOLS[index] for frame, index in enumerate(grid) if index != INDEX[PAD]}


def test_symbols_lie_evenly_inside_the_span_of_their_line():
    layout = layout_of([AskedLine("hello", 1.0, 2.0)], "en", frames=30, frame_s=0.1)
    assert list(sung(layout.grid)) == [10, 11, 13, 15, 16, 18]
    assert "".join(sung(layout.grid).values()) == "həlˈoʊ"


def test_a_line_without_times_is_read_but_lies_nowhere():
    layout = layout_of([AskedLine("hello")], "en", frames=30, frame_s=0.1)
    assert not sung(layout.grid)
    assert len(layout.row) == len("həlˈoʊ") + 1


def test_a_section_is_marked_before_its_line():
    layout = layout_of([AskedLine("oh", section="Chorus 2")], "en", frames=3, frame_s=0.1)
    assert (SYMBOLS[layout.row[0]], layout.row[-1]) == ("[chorus]", INDEX[LINE])


@given(st.floats(0, 5), st.floats(0, 5), st.integers(0, 40))
def test_nothing_is_sung_outside_its_line_or_the_song(start_s: float, length_s: float, more_frames: int):
    line = AskedLine("never gonna give you up", start_s, start_s + length_s)
    frames = int((start_s + length_s) / 0.1) + more_frames
    frames_sung = sung(layout_of([line], "en", frames, 0.1).grid)
    assert all(int(start_s / 0.1) <= frame <= (start_s + length_s) / 0.1 for frame in frames_sung)
    assert all(frame < frames for frame in frames_sung)


@pytest.mark.parametrize(("start_s", "end_s"), [(0.5, 1.0000001), (0.5, 1.09), (-0.001, 0.5)])
def test_a_line_may_pass_an_end_of_the_song_by_less_than_a_frame(start_s: float, end_s: float):
    assert sung(layout_of([AskedLine("oh", start_s, end_s)], "en", 10, 0.1).grid)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (AskedLine("oh", 2.0, 1.0), "ends at 1.0 s, before it starts at 2.0 s"),
        (AskedLine("oh", 2.0), "one of its times and not the other"),
        (
            AskedLine("oh", 100.0, 120.0),
            "the line 'oh' is from 100 s to 120 s, outside the song, which is 1 s long: move",
        ),
        (AskedLine("oh", -5.0, -4.0), "the line 'oh' is from -5 s to -4 s, outside the song"),
        (AskedLine("oh", 0.5, 2.0), "the line 'oh' is from 0.5 s to 2 s, outside the song"),
        (AskedLine("oh", 0.5, float("inf")), "the line 'oh' is from 0.5 s to inf s: these are no times"),
        (AskedLine("oh", float("nan"), 1.0), "the line 'oh' is from nan s to 1.0 s: these are no times"),
    ],
)
def test_times_that_cannot_be_are_named_with_their_line(line: AskedLine, says: str):
    with pytest.raises(ValueError, match=says):
        layout_of([line], "en", 10, 0.1)
