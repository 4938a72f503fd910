"""What can be asked of a song, in plain values: a prompt, lines of lyrics with their times, a length, a track.

Also how lyrics are laid out for the model: all their symbols in a row, and each symbol at a frame inside its line.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite

from training.phonemes import INDEX, LINE, PAD, WORD, section_of, symbols_of


class Track(StrEnum):
    """Which track of a song is wanted."""

    MIX = "mix"
    VOCALS = "vocals"
    ACCOMPANIMENT = "accompaniment"


@dataclass(frozen=True, slots=True)
class AskedLine:
    """A line of lyrics and when it is to be sung; without times it is up to the model."""

    text: str
    start_s: float | None = None
    end_s: float | None = None
    section: str = ""  # as lyrics name it: Chorus


@dataclass(frozen=True, slots=True)
class SungWord:
    """A word and when it is sung, seconds from the start of its window."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class SungLine:
    """A line as a window of a track holds it."""

    text: str
    words: tuple[SungWord, ...]
    section: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    duration_s: float
    prompt: str = ""
    lines: tuple[AskedLine, ...] = ()
    language: str | None = None
    track: Track = Track.MIX


@dataclass(frozen=True, slots=True)
class Layout:
    """Lyrics as indices into the symbols: all in a row, and one at each frame (that of `PAD` where nothing is)."""

    row: tuple[int, ...]
    grid: tuple[int, ...]


def layout_of(lines: Sequence[AskedLine], language: str | None, frames: int, frame_s: float) -> Layout:
    """Lyrics over a song of so many frames.

    Inside its line each symbol has an equal share of the time. Of symbols that fall on one frame the first is kept
    there; in the row all are. Lines without times are in the row alone.

    Raises:
        ValueError: a line ends before it starts, has one time and not the other, or times that are no numbers, or is
            outside the song by more than a frame.
    """
    row: list[int] = []
    grid = [INDEX[PAD]] * frames
    for line in lines:
        if (line.start_s is None) != (line.end_s is None):
            raise ValueError(f"the line {line.text!r} has one of its times and not the other")
        mark = section_of(line.section)
        words = symbols_of(line.text, language)
        symbols = [symbol for i, word in enumerate(words) for symbol in ((INDEX[WORD],) if i else ()) + word]
        row += [*([mark] if mark is not None else []), *symbols, INDEX[LINE]]
        if line.start_s is None or line.end_s is None:
            continue
        if not (isfinite(line.start_s) and isfinite(line.end_s)):
            raise ValueError(f"the line {line.text!r} is from {line.start_s} s to {line.end_s} s: these are no times")
        if line.end_s < line.start_s:
            raise ValueError(f"the line {line.text!r} ends at {line.end_s} s, before it starts at {line.start_s} s")
        if line.start_s < -frame_s or line.end_s > (frames + 1) * frame_s:
            raise ValueError(
                f"the line {line.text!r} is from {line.start_s:g} s to {line.end_s:g} s, outside the song, which is "
                f"{frames * frame_s:g} s long: move it, or ask for a longer song"
            )
        span_s = line.end_s - line.start_s
        for i, symbol in enumerate(symbols):
            frame = int((line.start_s + span_s * i / len(symbols)) / frame_s)
            if 0 <= frame < frames and grid[frame] == INDEX[PAD]:
                grid[frame] = symbol
    return Layout(tuple(row), tuple(grid))
