"""Which stretches of a track are heard by a captioner that cannot hear all of it."""

from collections.abc import Sequence

Span = tuple[float, float]  # from, to, seconds

SUNG_S = 5.0  # as much singing tells a voice


def windows_to_hear(duration_s: float, sung: Sequence[Span], count: int, length_s: float) -> list[Span]:
    """At most `count` stretches of `length_s`, in order and spread evenly over the track; one of the whole where it is
    no longer than that. They overlap only where the track is too short for all of them.

    If anything is sung (`sung`: in order, apart from each other) but hardly in any of them, the one that can be moved
    least to hold the stretch with the most singing is moved there.

    Raises:
        ValueError: a track, a count or a length that is not positive.
    """
    if duration_s <= 0 or count < 1 or length_s <= 0:
        raise ValueError(f"cannot choose {count} stretches of {length_s} s from {duration_s} s")
    if duration_s <= length_s:
        return [(0.0, duration_s)]
    count = min(count, -int(-duration_s // length_s))
    # The middles of as many equal parts: never only the start, which is often an introduction.
    starts = [min(max((i + 0.5) * duration_s / count - length_s / 2, 0.0), duration_s - length_s) for i in range(count)]
    chosen = [(start_s, start_s + length_s) for start_s in starts]
    best = most_sung(duration_s, sung, length_s)
    wanted_s = min(SUNG_S, sung_s(best, sung))
    if all(sung_s(window, sung) < wanted_s for window in chosen):
        nearest = min(range(count), key=lambda i: abs(chosen[i][0] - best[0]))
        chosen[nearest] = best
    return sorted(chosen)


def most_sung(duration_s: float, sung: Sequence[Span], length_s: float) -> Span:
    """The earliest stretch of `length_s` with the most singing: it starts or ends with some, or with the track."""
    last_s = duration_s - length_s
    edges = [edge for a, b in sung for edge in (a, b - length_s)]
    starts = sorted({0.0, last_s, *(min(max(edge, 0.0), last_s) for edge in edges)})
    start_s = max(starts, key=lambda s: round(sung_s((s, s + length_s), sung), 6))
    return start_s, start_s + length_s


def sung_s(window: Span, sung: Sequence[Span]) -> float:
    """Seconds of singing in a stretch."""
    return sum(max(0.0, min(window[1], b) - max(window[0], a)) for a, b in sung)
