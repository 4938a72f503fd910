"""A song in parts: a gap, a line, a gap, a line … and a gap at the end, which may be of no length.

Lines with times are pinned. What lies between two pins, or between a pin and an end of the song, and holds a line
without times, is a stretch: its length is given, and its parts share it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import isfinite

from training.phonemes import symbols_of
from training.request import AskedLine, Request

LEAST_S = 0.02  # of a part that is not pinned, so that printed hundredths keep its order


@dataclass(frozen=True, slots=True)
class Stretch:
    """The parts `first` … `last`, a gap both, and the time that they fill."""

    first: int
    last: int
    start_s: float
    end_s: float

    @property
    def spare_s(self) -> float:
        """What is to be shared once each part has the least."""
        return self.end_s - self.start_s - LEAST_S * (self.last - self.first + 1)


def stretches_of(request: Request) -> tuple[Stretch, ...]:
    """What is to be shared out in a song, in order; nothing where every line is pinned.

    Raises:
        ValueError: there are no lines, or one that nobody can sing; the song has no length; pins that are half there,
            out of the song, out of order or overlap, or that leave too little time for what lies between them.
    """
    lines = request.lines
    if not (isfinite(request.duration_s) and request.duration_s > 0):
        raise ValueError(f"a song has a length, got {request.duration_s} s: ask for some seconds")
    if not lines:
        raise ValueError("there are no lyrics to be timed: ask for at least one line")
    for number, line in enumerate(lines, 1):
        if not symbols_of(line.text, request.language):
            raise ValueError(f"line {number} ({line.text!r}) has nothing that can be sung: take it out")
    _check_pins(request)
    pins = [(-1, 0.0, 0.0), *_pinned(lines), (len(lines), request.duration_s, request.duration_s)]
    return tuple(
        _stretch(2 * before + 2, 2 * after, end_s, start_s)
        for (before, _, end_s), (after, start_s, _) in pairwise(pins)
        if after - before > 1
    )


def lengths_of(request: Request) -> list[float | None]:
    """Seconds of each part, as the pins give it; none for the parts of a stretch."""
    edges: list[float | None] = [0.0]
    for line in request.lines:
        edges += [line.start_s, line.end_s]
    edges.append(request.duration_s)
    return [None if a is None or b is None else b - a for a, b in pairwise(edges)]


def timed(request: Request, lengths_s: Sequence[float]) -> Request:
    """The request with a time for each line, from seconds for each part; pins stay as they are, to the last bit.

    In each stretch the lengths count as shares of it.
    """
    lines = list(request.lines)
    for stretch in stretches_of(request):
        inside = lengths_s[stretch.first : stretch.last + 1]
        scale = (stretch.end_s - stretch.start_s) / sum(inside)
        at_s = stretch.start_s
        for part, length_s in enumerate(inside[:-1], stretch.first):
            before_s, at_s = at_s, min(at_s + scale * length_s, stretch.end_s)
            if part % 2:
                lines[part // 2] = replace(lines[part // 2], start_s=before_s, end_s=at_s)
    return replace(request, lines=tuple(lines))


def _pinned(lines: Sequence[AskedLine]) -> list[tuple[int, float, float]]:
    return [
        (index, line.start_s, line.end_s)
        for index, line in enumerate(lines)
        if line.start_s is not None and line.end_s is not None
    ]


def _check_pins(request: Request) -> None:
    for number, line in enumerate(request.lines, 1):
        if (line.start_s is None) != (line.end_s is None):
            raise ValueError(f"line {number} ({line.text!r}) has one of its times and not the other: give both or none")
    end_s, before = 0.0, "the song begins"
    for index, start_s, line_end_s in _pinned(request.lines):
        name = f"line {index + 1} ({request.lines[index].text!r})"
        if not (isfinite(start_s) and isfinite(line_end_s) and start_s < line_end_s):
            raise ValueError(f"{name} is pinned from {start_s} to {line_end_s} s: it has to end after it starts")
        if start_s < end_s:
            raise ValueError(f"{name} is pinned to {start_s:g} s, before {before} at {end_s:g} s: move one of them")
        if line_end_s > request.duration_s:
            raise ValueError(
                f"{name} is pinned to end at {line_end_s:g} s, after the song does at {request.duration_s:g} s: "
                "pin it sooner, or ask for a longer song"
            )
        end_s, before = line_end_s, f"line {index + 1} ends"


def _stretch(first: int, last: int, start_s: float, end_s: float) -> Stretch:
    stretch = Stretch(first, last, start_s, end_s)
    if stretch.spare_s <= 0:
        one, other = first // 2 + 1, last // 2
        named = f"line {one} has" if one == other else f"lines {one} to {other} have"
        raise ValueError(f"{named} {end_s - start_s:g} s, which is too little: move or take away a pin beside them")
    return stretch
