"""What can be known of the parts of a song before it is sung, in numbers.

Letters: k part, f feature.

Of lines: how much there is to sing, how it begins and ends, where it stands, what was sung before. A gap is known by
the lines on both sides of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from math import log, log1p

import numpy as np
from numpy.typing import NDArray

from training.parts import Stretch, lengths_of, stretches_of
from training.phonemes import INDEX, MARKS, SECTIONS, SYMBOLS, VOWELS, count_syllables, section_of, symbols_of
from training.request import AskedLine, Request

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


NOTHING = Counts(*(0,) * len(fields(Counts)))
PLACES = len(SECTIONS) + 8  # numbers that say where a line stands
FEATURES = 12 + 2 * len(fields(Counts)) + 2 * PLACES


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


@lru_cache(maxsize=100_000)
def _logs(counts: Counts) -> tuple[float, ...]:
    return tuple(log1p(getattr(counts, field.name)) for field in fields(counts))


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
    if tempo_bpm is not None and not tempo_bpm > 0:
        raise ValueError(f"a tempo is above 0 beats a minute, got {tempo_bpm}: leave it out where it is not known")
    stretches = stretches_of(request)
    lines = request.lines
    counts = [counts_of(line.text, request.language) for line in lines]
    around = [NOTHING, *counts, NOTHING]
    places = [_place(lines, i) for i in range(-1, len(lines) + 1)]
    tempo = (1.0, log(tempo_bpm / 100)) if tempo_bpm is not None else (0.0, 0.0)
    whole = (*tempo, log(request.duration_s / 30), log1p(len(lines)))
    stretch_of = {k: i for i, stretch in enumerate(stretches, 1) for k in range(stretch.first, stretch.last + 1)}
    rows = []
    for k, length_s in enumerate(lengths_of(request)):
        before, after = (k + 1) // 2, k // 2 + 1  # in `around` and `places`: a line is before itself
        known = (0.0, 0.0) if length_s is None else (1.0, log(max(length_s, 0.05)))
        new = float(_section(lines, before - 1) != _section(lines, after - 1))
        sides = (*_logs(around[before]), *_logs(around[after]), *places[before], *places[after])
        row = (float(k % 2), new, *known, *whole, *sides)
        room = _room(stretches[stretch_of[k] - 1], counts, k) if k in stretch_of else (0.0,) * 4
        rows.append((*row, *room))
    return Features(
        np.array(rows, dtype=np.float32),
        np.array([counts[k // 2].syllables if k % 2 else 0 for k in range(len(rows))], dtype=np.float32),
        np.array([stretch_of.get(k, 0) for k in range(len(rows))], dtype=np.int64),
        np.array([stretch.spare_s for stretch in stretches]),
    )


def _room(stretch: Stretch, counts: Sequence[Counts], k: int) -> tuple[float, ...]:
    """How much time there is in a stretch, for how much, and how much of it lies before."""
    own = range(stretch.first // 2, stretch.last // 2)
    length_s = stretch.end_s - stretch.start_s
    syllables = sum(counts[i].syllables for i in own)
    before = sum(counts[i].syllables for i in own if 2 * i + 1 < k)
    return log(length_s / 30), log(length_s / syllables), log(length_s / len(own)), before / syllables


def _place(lines: Sequence[AskedLine], i: int) -> tuple[float, ...]:
    """Where a line stands, and in what; zeros before the first and after the last."""
    if not 0 <= i < len(lines):
        return (0.0,) * PLACES
    mark = section_of(lines[i].section)
    section = tuple(float(mark == INDEX[f"[{name}]"]) for name in SECTIONS)
    first = next(j for j in range(i, -1, -1) if j == 0 or _section(lines, j - 1) != _section(lines, i))
    past = next((j for j in range(i, len(lines)) if _section(lines, j) != _section(lines, i)), len(lines))
    sung = sum(line.text == lines[i].text for line in lines[:i])
    heard = sum(_section(lines, j) == _section(lines, i) for j in range(first))
    return (
        1.0,
        *section,
        i / len(lines),
        float(i == len(lines) - 1),
        log1p(i - first),
        log1p(past - 1 - i),
        log1p(past - first),
        log1p(sung),
        log1p(heard),
    )


def _section(lines: Sequence[AskedLine], i: int) -> str | None:
    return lines[i].section if 0 <= i < len(lines) else None
