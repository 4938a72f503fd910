"""Which tracks of a batch are recordings that arrived before: in an earlier batch, or earlier in the same one."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

import numpy as np

from assets.catalogue.likeness import likeness, moving_bit_errors, tells_apart, terms_needed
from assets.catalogue.postings import LAST_POSITION, WHOLE_FILE, Columns, Postings, joined, ordered
from assets.catalogue.settings import CatalogueSettings

FEWEST_VOTES = 2  # equal terms at one offset, or two that are neighbours, before two tracks are compared
MOST_OFFSETS = 4  # tried for a pair, by votes
TRACKS_AT_ONCE = 256  # owners have 8 bits below
LARGEST_SHIFT = 1 << 17
Terms = tuple[np.ndarray, np.ndarray]  # of a recording, with their positions
Place = tuple[int, int]  # number of the batch, row in it: the order of arrival


@dataclass(frozen=True, slots=True)
class Recording:
    """What a track is recognised by; its group and split, once it has them."""

    track_id: str
    sha256: str
    fingerprint: np.ndarray  # uint32
    group: str = ""
    split: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """An earlier track that holds the same recording; `covers` is the share of the later one that it holds."""

    place: Place
    bit_errors: float
    covers: float


class Earlier(Protocol):
    """What arrived before a batch."""

    def postings(self) -> Iterator[Postings]: ...

    def recordings(self, places: Sequence[Place]) -> Mapping[Place, Recording]: ...


def postings_of(recordings: Mapping[Place, Recording]) -> Columns:
    """The sorted postings of some recordings: their terms, and a term for the file itself."""
    return _postings({place: _terms_of(recording) for place, recording in recordings.items()})


def find_duplicates(
    batch: Mapping[Place, Recording], earlier: Earlier, settings: CatalogueSettings
) -> dict[Place, list[Match]]:
    """For each recording of a batch the earlier ones that it matches, in the order of their arrival.

    A match is the same file, or fingerprints that agree. What arrives later is never looked at.
    """
    places = sorted(batch)
    found: dict[Place, list[Match]] = {place: [] for place in places}
    terms = {place: _terms_of(batch[place]) for place in places}
    own = Postings([_postings(terms)])
    for start in range(0, len(places), TRACKS_AT_ONCE):
        some = places[start : start + TRACKS_AT_ONCE]
        offsets = _candidates([terms[place] for place in some], chain([own], earlier.postings()))
        pairs = {(some[asked], other): at for (asked, other), at in offsets.items() if other < some[asked]}
        others = sorted({other for _, other in pairs if other not in batch})
        known = {**earlier.recordings(others), **batch}
        for (place, other), at in sorted(pairs.items()):
            if match := _compare(batch[place], known[other], other, at, settings):
                found[place].append(match)
    return found


def _postings(terms: Mapping[Place, Terms]) -> Columns:
    pieces: list[Columns] = []
    for (batch, row), (some, positions) in sorted(terms.items(), key=lambda item: item[0]):
        pieces.append((some, np.full_like(some, batch), np.full_like(some, row), positions))
    term, batches, rows, positions = joined(pieces)
    return ordered((term, batches.astype(np.uint16), rows.astype(np.uint16), positions.astype(np.uint16)))


def _terms_of(recording: Recording) -> Terms:
    """The terms to list or to look up, with their positions; the last stands for the file itself.

    Of terms that repeat only the first: silence and held tones are long, and alike in many recordings.
    """
    terms = recording.fingerprint[: LAST_POSITION + 1] if tells_apart(recording.fingerprint) else np.zeros(0, np.uint32)
    (positions,) = np.nonzero(np.append(True, terms[1:] != terms[:-1])[: len(terms)])
    own = np.array([int(recording.sha256[:8], 16)], np.uint32)
    return np.concatenate([terms[positions], own]), np.append(positions, WHOLE_FILE)


def _candidates(asked: Sequence[Terms], sources: Iterable[Postings]) -> dict[tuple[int, Place], list[int]]:
    """Pairs worth a comparison with the offsets that most terms vote for: (index into asked, place) -> offsets.

    The offset of a pair that shares the file's own hash is given as `WHOLE_FILE`.
    """
    terms = np.concatenate([some for some, _ in asked])
    owners = np.repeat(np.arange(len(asked)), [len(some) for some, _ in asked])
    positions = np.concatenate([at for _, at in asked]).astype(np.int64)
    by_term = np.argsort(terms, kind="stable")
    unique, starts = np.unique(terms[by_term], return_index=True)
    starts = np.append(starts, len(terms))
    offsets: dict[tuple[int, Place], list[tuple[int, int]]] = defaultdict(list)
    for source in sources:
        index, (_, batch, row, position) = source.find(unique)
        repeats = (starts[1:] - starts[:-1])[index]
        hits = np.repeat(np.arange(len(index)), repeats)
        within = np.arange(len(hits)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
        query = by_term[starts[index[hits]] + within]
        mine, theirs = positions[query], position[hits].astype(np.int64)
        whole = (mine == WHOLE_FILE) & (theirs == WHOLE_FILE)
        usable = whole | ((mine != WHOLE_FILE) & (theirs != WHOLE_FILE))
        shift = np.where(whole, WHOLE_FILE, mine - theirs)
        # One number for each vote sorts faster than four: 8 bits of owner, 16 of batch, 16 of row, 18 of shift.
        pair = (owners[query] << 32 | batch[hits].astype(np.int64) << 16 | row[hits]) << 18 | (shift + LARGEST_SHIFT)
        votes, counts = np.unique(pair[usable], return_counts=True)
        shifts = (votes & (1 << 18) - 1) - LARGEST_SHIFT
        beside = np.diff(votes) == 1  # a copy cut between two frames votes for both of its shifts
        support = counts.copy()
        support[:-1] += counts[1:] * beside
        support[1:] += counts[:-1] * beside
        kept = (support >= FEWEST_VOTES) | (shifts == WHOLE_FILE)
        found = zip(*(column[kept].tolist() for column in (votes >> 18, counts, shifts)), strict=True)
        for vote, count, offset in found:
            offsets[vote >> 32, (vote >> 16 & 0xFFFF, vote & 0xFFFF)].append((-count, offset))
    return {pair: [offset for _, offset in sorted(votes)[: MOST_OFFSETS + 1]] for pair, votes in offsets.items()}


def _compare(
    later: Recording, other: Recording, place: Place, offsets: Sequence[int], settings: CatalogueSettings
) -> Match | None:
    if later.sha256 == other.sha256:
        return Match(place, 0.0, 1.0)
    a, b = later.fingerprint, other.fingerprint
    near = sorted({offset + step for offset in offsets if offset != WHOLE_FILE for step in (-1, 0, 1)})
    fit = likeness(a, b, near, terms_needed(a, b, settings.min_overlap_s, settings.min_overlap_ratio))
    if fit is None or fit.bit_errors > settings.max_bit_errors:
        return None
    start = max(0, fit.offset)
    shared, theirs = a[start : start + fit.overlap], b[start - fit.offset : start - fit.offset + fit.overlap]
    if not tells_apart(shared) or moving_bit_errors(shared, theirs) > settings.max_bit_errors:
        return None
    return Match(place, fit.bit_errors, fit.overlap / len(a))
