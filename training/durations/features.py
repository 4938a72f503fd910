"""What can be known of the parts of a song before it is sung, in numbers.

Letters: k part, f feature.

Of lines: how much there is to sing, how it begins and ends, where it stands, what was sung before. A gap is known by
the lines on both sides of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from math import inf, log, log1p
from statistics import mean

import numpy as np
from numpy.typing import NDArray

from training.durations.parts import Stretch, lengths_of, stretches_of
from training.phonemes import INDEX, SECTIONS, SYMBOLS, section_of, symbols_of
from training.request import AskedLine, Request
from training.syllables import MARKS, VOWELS, count_syllables

STRESSED, HALF, LONG, FIRST_BYTE = INDEX["ˈ"], INDEX["ˌ"], INDEX["ː"], INDEX["<00>"]
PAUSES = tuple(",.;:!?…—-")


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there is to sing in a line."""

    words: int
    syllables: int
    stressed: int
    half_stressed: int
    long: int  # vowels that are marked so, or glide into another
    vowels: int
    consonants: int
    first: int  # consonants before the first vowel
    last: int  # consonants after the last
    bytes: int  # letters of a language that nobody reads to us
    pause: int  # 1 where its last sign asks for one


SIDES = 10 + len(fields(Counts)) + len(SECTIONS)  # numbers of a line beside a part
NOWHERE = (0.0,) * SIDES  # beside the first gap and the last
FEATURES = 14 + 2 * SIDES


@lru_cache(maxsize=100_000)
def counts_of(text: str, language: str | None) -> Counts:
    """A printed line, counted by its sounds. All but the pause are 0 where nothing can be sung."""
    words = symbols_of(text, language)
    symbols = [symbol for word in words for symbol in word]
    sounds = [symbol for symbol in symbols if SYMBOLS[symbol] not in MARKS and symbol < FIRST_BYTE]
    sung = [SYMBOLS[symbol] in VOWELS for symbol in sounds]
    first = sung.index(True) if any(sung) else len(sung)
    last = sung[::-1].index(True) if any(sung) else 0
    glides = sum(SYMBOLS[a] in VOWELS and SYMBOLS[b] in VOWELS for a, b in zip(symbols, symbols[1:], strict=False))
    return Counts(
        words=len(words),
        syllables=sum(map(count_syllables, words)),
        stressed=symbols.count(STRESSED),
        half_stressed=symbols.count(HALF),
        long=symbols.count(LONG) + glides,
        vowels=sum(sung),
        consonants=len(sung) - sum(sung),
        first=first,
        last=last,
        bytes=sum(symbol >= FIRST_BYTE for symbol in symbols),
        pause=int(text.rstrip().endswith(PAUSES)),
    )


@dataclass(frozen=True, slots=True)
class Features:
    """A song in numbers. Stretches count from 1; 0 is what is pinned."""

    parts: NDArray[np.float32]  # k f
    syllables: NDArray[np.float32]  # k: of a line; 0 of a gap
    stretch: NDArray[np.int64]  # k: which stretch a part is of
    spare_s: NDArray[np.float64]  # of each stretch: what its parts share above the least that each has


def features_of(request: Request, tempo_bpm: float | None) -> Features:
    """A song as the network hears it.

    Raises:
        ValueError: the request cannot be met (`stretches_of`), or the tempo is not above 0.
    """
    if tempo_bpm is not None and not 0 < tempo_bpm < inf:
        raise ValueError(f"a tempo is above 0 beats a minute, got {tempo_bpm}: leave it out where it is not known")
    stretches, lengths_s = stretches_of(request), lengths_of(request)
    lines = request.lines
    counts = [counts_of(line.text, request.language) for line in lines]
    whole = (*_log(tempo_bpm, 100), *_log(_pace_s(counts, lengths_s[1::2]), 1), log(request.duration_s / 30))
    sides = [NOWHERE, *(_side(lines, counts, lengths_s[1::2], i) for i in range(len(lines))), NOWHERE]
    stretch_of = {k: i for i, stretch in enumerate(stretches, 1) for k in range(stretch.first, stretch.last + 1)}
    rows = []
    for k, length_s in enumerate(lengths_s):
        before, after = (k + 1) // 2, k // 2 + 1  # in `sides`; a line is before itself
        new = before == 0 or after > len(lines) or lines[before - 1].section != lines[after - 1].section
        room = _room(stretches[stretch_of[k] - 1], counts, k) if k in stretch_of else (0.0,) * 4
        rows.append((k % 2, new, *_log(length_s, 1), *whole, log1p(len(lines)), *room, *sides[before], *sides[after]))
    return Features(
        np.array(rows, dtype=np.float32),
        np.array([counts[k // 2].syllables if k % 2 else 0 for k in range(len(rows))], dtype=np.float32),
        np.array([stretch_of.get(k, 0) for k in range(len(rows))], dtype=np.int64),
        np.array([stretch.spare_s for stretch in stretches]),
    )


def _log(value: float | None, usual: float) -> tuple[float, float]:
    """Whether a value is known, and how far it is from the usual."""
    return (0.0, 0.0) if value is None else (1.0, log(max(value / usual, 0.05)))


def _pace_s(counts: Sequence[Counts], lengths_s: Sequence[float | None]) -> float | None:
    """Seconds of a syllable in the lines that are pinned."""
    pinned = [(length_s, count.syllables) for length_s, count in zip(lengths_s, counts, strict=True) if length_s]
    return sum(length_s for length_s, _ in pinned) / sum(n for _, n in pinned) if pinned else None


def _room(stretch: Stretch, counts: Sequence[Counts], k: int) -> tuple[float, ...]:
    """How much time there is in a stretch, for how much, and how much of it lies before."""
    own = range(stretch.first // 2, stretch.last // 2)
    length_s = stretch.end_s - stretch.start_s
    syllables = sum(counts[i].syllables for i in own)
    before = sum(counts[i].syllables for i in own if 2 * i + 1 < k)
    return log(length_s / 30), log(length_s / syllables), log(length_s / len(own)), before / syllables


def _side(
    lines: Sequence[AskedLine], counts: Sequence[Counts], lengths_s: Sequence[float | None], i: int
) -> tuple[float, ...]:
    """What a part knows of a line beside it, or of the line that it is: what there is to sing, and where it stands."""
    line, mark = lines[i], section_of(lines[i].section)
    first = next(j for j in range(i, -1, -1) if j == 0 or lines[j - 1].section != line.section)
    past = next((j for j in range(i, len(lines)) if lines[j].section != line.section), len(lines))
    alike = [length_s for j, length_s in enumerate(lengths_s) if length_s and lines[j].text == line.text and j != i]
    return (
        1.0,
        *_logs(counts[i]),
        *_log(mean(alike) if alike else None, 1),
        *(float(mark == INDEX[f"[{name}]"]) for name in SECTIONS),
        i / len(lines),
        float(i == len(lines) - 1),
        log1p(i - first),
        log1p(past - 1 - i),
        log1p(past - first),
        log1p(sum(other.text == line.text for other in lines[:i])),
        log1p(sum(other.section == line.section for other in lines[:first])),
    )


@lru_cache(maxsize=100_000)
def _logs(counts: Counts) -> tuple[float, ...]:
    return tuple(log1p(getattr(counts, field.name)) for field in fields(counts))
