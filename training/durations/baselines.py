"""What the network of line durations has to beat: lines as long as they have syllables, and these on the beat."""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import replace
from itertools import accumulate

from training.durations.features import counts_of
from training.durations.parts import LEAST_S, stretches_of, timed
from training.request import Request


def syllable_s_of(songs: Iterable[Request]) -> float:
    """Seconds of a syllable by which the lines of songs, all with their times, are missed least: Σ |length − n·s|.

    That is the median of the lines' seconds a syllable, in which each line counts by its syllables.
    """
    lines = [(line, counts_of(line.text, song.language).syllables) for song in songs for line in song.lines]
    paces = sorted(
        ((line.end_s - line.start_s) / n, n)
        for line, n in lines
        if n and line.start_s is not None and line.end_s is not None
    )
    if not paces:
        raise ValueError("there is no line with times to learn the pace of syllables from")
    reached = list(accumulate(n for _, n in paces))
    return paces[bisect_left(reached, reached[-1] / 2)][0]


def by_syllables(request: Request, syllable_s: float) -> Request:
    """Each free line is as long as its syllables; the gaps share evenly what is left. Pins stay.

    Where that is more than there is, all of it is shortened alike. Raises as `stretches_of`.
    """
    lengths_s = [0.0] * (2 * len(request.lines) + 1)
    for stretch in stretches_of(request):
        sung = range(stretch.first + 1, stretch.last, 2)
        for part in sung:
            lengths_s[part] = syllable_s * counts_of(request.lines[part // 2].text, request.language).syllables
        left_s = stretch.end_s - stretch.start_s - sum(lengths_s[part] for part in sung)
        for part in range(stretch.first, stretch.last + 1, 2):
            lengths_s[part] = max(LEAST_S, left_s / (len(sung) + 1))
    return timed(request, lengths_s)


def on_the_beat(request: Request, tempo_bpm: float) -> Request:
    """Lines with times, each moved to the nearest beats; at least one beat long, and none over the next one.

    Beats count from the start of the song. A line for which there is no beat left stays as it is.
    """
    beat_s = 60 / tempo_bpm
    starts = [None if line.start_s is None else round(line.start_s / beat_s) for line in request.lines]
    lines = []
    for line, start, follower in zip(request.lines, starts, [*starts[1:], None], strict=True):
        if line.start_s is None or line.end_s is None or start is None:
            raise ValueError(f"the line {line.text!r} has no times to be moved to the beat")
        past = int(request.duration_s / beat_s) if follower is None else follower
        end = min(max(round(line.end_s / beat_s), start + 1), past)
        lines.append(replace(line, start_s=start * beat_s, end_s=end * beat_s) if end > start else line)
    return replace(request, lines=tuple(lines))
