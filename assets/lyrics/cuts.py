"""Where to cut a track into stretches that a transcriber can hear whole: in the silences of the voice."""

from collections.abc import Sequence
from itertools import pairwise
from math import ceil, inf

Span = tuple[float, float]

MARGIN_S = 8.0  # of the silence around singing that a stretch takes along: what a separator overlooks lies next to it


def cut_at_silences(singing: Sequence[Span], duration_s: float, longest_s: float = 30.0) -> list[Span]:
    """Stretches of at most `longest_s` seconds that together hold all the singing of a track.

    As few stretches as will do, since each costs a transcriber the same however short it is; among equals, those that
    leave the most silence between them. A cut falls into singing only where one segment alone is longer than
    `longest_s`. O(n * k) for n segments of which k fit into a stretch.

    Args:
        singing: vocal segments in seconds, in order, none touching the next.

    Raises:
        ValueError: segments out of order, overlapping or outside the track.
    """
    if any(start_s >= end_s for start_s, end_s in singing) or any(a[1] > b[0] for a, b in pairwise(singing)):
        raise ValueError("vocal segments are out of order, empty, or overlap")
    if singing and (singing[0][0] < 0 or singing[-1][1] > duration_s):
        raise ValueError(f"singing from {singing[0][0]} to {singing[-1][1]} s in a track of {duration_s} s")
    pieces = [piece for segment in singing for piece in _halved(segment, longest_s)]
    if not pieces:
        return []
    groups = _packed(pieces, longest_s)
    return _with_margins([(pieces[a][0], pieces[b][1]) for a, b in groups], duration_s, longest_s)


def _halved(segment: Span, longest_s: float) -> list[Span]:
    """A segment in as few equal parts as are short enough."""
    start_s, end_s = segment
    parts = ceil((end_s - start_s) / longest_s)
    edges = [start_s + (end_s - start_s) * i / parts for i in range(parts)] + [end_s]
    return list(pairwise(edges))


def _packed(pieces: Sequence[Span], longest_s: float) -> list[tuple[int, int]]:
    """First and last piece of each stretch: the fewest stretches, then the most silence between them."""
    best: list[tuple[float, float, int]] = [(0, 0.0, 0)]  # stretches, minus the silence between them, first of the last
    for last, (_, end_s) in enumerate(pieces):
        choice = (inf, inf, last)
        for first in range(last, -1, -1):
            if end_s - pieces[first][0] > longest_s and first < last:
                break
            stretches, silence_s, _ = best[first]
            gap_s = pieces[first][0] - pieces[first - 1][1] if first else 0.0
            choice = min(choice, (stretches + 1, silence_s - gap_s, first))
        best.append(choice)
    groups, last = [], len(pieces)
    while last:
        first = best[last][2]
        groups.append((first, last - 1))
        last = first
    return groups[::-1]


def _with_margins(stretches: Sequence[Span], duration_s: float, longest_s: float) -> list[Span]:
    """Each stretch with some of the silence around it, as far as it stays short enough and apart from the next."""
    starts, ends = [start_s for start_s, _ in stretches], [end_s for _, end_s in stretches]
    widened = []
    for start_s, end_s, before_s, after_s in zip(starts, ends, [0.0, *ends], [*starts[1:], duration_s], strict=False):
        room_s = max(0.0, (longest_s - (end_s - start_s)) / 2)
        inner_before = start_s - before_s if before_s == 0.0 else (start_s - before_s) / 2
        inner_after = after_s - end_s if after_s == duration_s else (after_s - end_s) / 2
        widened.append(
            (
                start_s - max(0.0, min(MARGIN_S, room_s, inner_before)),
                end_s + max(0.0, min(MARGIN_S, room_s, inner_after)),
            )
        )
    return widened
