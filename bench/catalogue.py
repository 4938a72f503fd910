"""What duplicates cost as a corpus grows: python bench/catalogue.py [DIR …] [--batches 20] [--tracks 2048]

The catalogue of batch after batch over fingerprints that are made up from real ones: a track is a row of stretches of
1.5 to 6 s, each cut from a fingerprint of the 28 real tracks, of the demo songs or of the songs in song-maker folders,
with some bits turned around throughout the stretch: terms follow each other as they do in music, and no two tracks
share a stretch. Some terms are left as they were, so that tracks have terms in common, and every other track begins and
ends in silence; how often two tracks have a term in common is printed beside how often real ones have. One track in a
hundred is a copy of one that came before: less its first seconds, with 5 % of its bits wrong; how many of those are
found is printed too.
"""

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from itertools import combinations
from pathlib import Path

import numpy as np
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from assets.catalogue.decide import catalogue_batch
from assets.catalogue.index import POSTINGS, RECORDINGS, DuplicateIndex, blocks
from assets.catalogue.likeness import TERMS_PER_S, tells_apart
from assets.catalogue.settings import CatalogueSettings
from assets.manifest.listing import batch_name
from assets.profile import HOUSE
from assets.scores.real import real_tracks
from assets.tracks.measure import measure
from assets.tracks.probe import probe
from assets.tracks.settings import TrackSettings
from resources.child import LIMITS
from resources.stores import FolderStore

CORPUS_TRACKS = 5_000_000
TURNED = 0.35  # of the bits of a stretch
# As much as real tracks have in common beside silence: terms that are left as they were, one by one; one in twenty with
# the two that follow.
COMMON, IN_A_ROW = 0.06, 0.05
COPY_EVERY = 100  # the tracks just after them are what is copied
WRONG = 0.05  # of the bits of a copy
SILENT_TERM, SILENCE = 627964279, 24  # what chromaprint makes of digital silence, and at most so many terms of it


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="*")
    parser.add_argument("--batches", type=int, default=20)
    parser.add_argument("--tracks", type=int, default=2048, help="in a batch")
    parser.add_argument("--minutes", type=float, default=3.5, help="of a track")
    arguments = parser.parse_args()
    pool = real_fingerprints(arguments.folders)
    corpus = Corpus(pool, arguments.tracks, round(60 * arguments.minutes * TERMS_PER_S))
    report_likeness(pool, corpus)
    sealed = [batch_name(number) for number in range(arguments.batches)]
    print("\n| batch | s | processor s | copies found | of | MB of postings | MB of recordings | peak memory, MB |")
    print("|---|---|---|---|---|---|---|---|")
    spent: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        store = FolderStore(Path(folder))
        index = DuplicateIndex(store)
        for number, batch in enumerate(sealed):
            tracks, copies = corpus.batch(number)
            start, start_cpu = time.perf_counter(), time.process_time()
            rows = catalogue_batch(batch, sealed, tracks, index, CatalogueSettings())
            seconds, processor = time.perf_counter() - start, time.process_time() - start_cpu
            spent.append(processor)
            found = {row["track_id"]: row["duplicate_of"] for row in rows if row["duplicate_of"]}
            hits = sum(found.get(copy) == original for copy, original in copies.items())
            wrong = len(found.keys() - copies.keys())
            sizes = [megabytes(store, prefix) for prefix in (POSTINGS, RECORDINGS)]
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
            note = f", {wrong} wrong" if wrong else ""
            print(
                f"| {number + 1} | {seconds:.1f} | {processor:.1f} | {hits}{note} | {len(copies)} "
                f"| {sizes[0]:.0f} | {sizes[1]:.0f} | {peak:.0f} |",
                flush=True,
            )

    extrapolate(spent, round(CORPUS_TRACKS / arguments.tracks) + 1, [size / len(sealed) for size in sizes])


def extrapolate(spent: Sequence[float], batches: int, megabytes_each: Sequence[float]) -> None:
    """Processor time of a whole corpus, by least squares over the batches that were measured."""
    measured = np.array([work_of(number) for number in range(len(spent))], np.float64)
    costs, *_ = np.linalg.lstsq(measured, np.array(spent), rcond=None)
    whole = np.array([work_of(number) for number in range(batches)], np.float64) @ costs
    print(
        "\nextrapolated, not measured: s(n) = "
        + " + ".join(
            f"{cost:.3f} {name}" for cost, name in zip(costs, ("", "· files", "· merged batches", "· n"), strict=True)
        )
    )
    postings, recordings = (batches * size / 1e3 for size in megabytes_each)
    print(f"{batches} batches: {whole.sum() / 3600:.1f} h, the last batch {whole[-1]:.0f} s; ", end="")
    print(f"{postings:.0f} GB of postings, {recordings:.0f} GB of recordings")


def work_of(number: int) -> tuple[int, int, int, int]:
    """What batch `number` costs goes with: 1, files of postings looked into, batches merged into them now, batches."""
    sizes = [size for _, size in blocks(number)]
    merged = sum(8**level for level in range(1, 8) if number and number % 8**level == 0)
    return 1, len(sizes), merged, number


class Corpus:
    """Made-up tracks: the same number gives the same batch."""

    def __init__(self, pool: Sequence[np.ndarray], tracks: int, terms: int) -> None:
        self.pool, self.tracks, self.terms = np.concatenate(pool), tracks, terms

    def batch(self, number: int) -> tuple[pa.Table, dict[str, str]]:
        """The tracks of a batch, and which of them are copies of which."""
        fingerprints, copies = [], {}
        random = np.random.default_rng([1, number])
        for row in range(self.tracks):
            fingerprint = self.original(number, row)
            if number and row % COPY_EVERY == 0:
                other = (int(random.integers(number)), 1 + int(random.integers(self.tracks // COPY_EVERY)) * COPY_EVERY)
                fingerprint = copied(self.original(*other), random)
                copies[name(number, row)] = name(*other)
            fingerprints.append(fingerprint)
        ids = [name(number, row) for row in range(self.tracks)]
        ends = np.cumsum([0, *map(len, fingerprints)]).astype(np.int32)
        columns = {
            "track_id": ids,
            "status": ["ok"] * len(ids),
            "sha256": [sha256(track.encode()).hexdigest() for track in ids],
            "fingerprint": pa.ListArray.from_arrays(pa.array(ends), pa.array(np.concatenate(fingerprints))),
        }
        return pa.table(columns), copies

    def original(self, number: int, row: int) -> np.ndarray:
        random = np.random.default_rng([number, row])
        terms = int(self.terms * random.uniform(0.7, 1.3))
        lengths = random.integers(12, 49, terms // 12)
        count = int(np.searchsorted(np.cumsum(lengths), terms)) + 1
        starts = random.integers(0, len(self.pool) - 49, count)
        turned = words_of(random.random((count, 32)) < TURNED)
        pieces = [
            self.pool[start : start + length] ^ mask
            for start, length, mask in zip(starts, lengths, turned, strict=False)
        ]
        fingerprint = np.concatenate(pieces)[:terms]
        (at,) = np.nonzero(random.random(terms - 2) < COMMON)
        common = random.integers(0, len(self.pool) - 2, len(at))
        row_of_three = random.random(len(at)) < IN_A_ROW
        for step in range(3):
            some = slice(None) if step == 0 else row_of_three
            fingerprint[at[some] + step] = self.pool[common[some] + step]
        if row % 2:
            fingerprint[: int(random.integers(1, SILENCE))] = SILENT_TERM
            fingerprint[-int(random.integers(1, SILENCE)) :] = SILENT_TERM
        return fingerprint


def name(number: int, row: int) -> str:
    return f"{number:05d}/{row:05d}"


def copied(original: np.ndarray, random: np.random.Generator) -> np.ndarray:
    start = int(random.integers(0, len(original) // 4))
    return original[start:] ^ words_of(random.random((len(original) - start, 32)) < WRONG)


def words_of(bits: np.ndarray) -> np.ndarray:
    return np.packbits(bits, axis=1).view(">u4")[:, 0].astype(np.uint32)


def real_fingerprints(folders: Sequence[Path]) -> list[np.ndarray]:
    files = [track.path for track in real_tracks()]
    files += [song for song in sorted((HOUSE / "demo" / "audio").iterdir()) if song.suffix not in (".txt", ".lrc")]
    for folder in folders:
        files += [folder / row["file"] for row in json.loads((folder / "truth" / "index.json").read_text())["songs"]]
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        found = list(threads.map(fingerprint_of, files))
    return [fingerprint for fingerprint in found if tells_apart(fingerprint)]


def report_likeness(pool: Sequence[np.ndarray], corpus: Corpus) -> None:
    made = [corpus.original(0, row) for row in range(min(corpus.tracks, 200))]
    print(
        "| fingerprints | terms | bits that change a term | terms in common, of 10^9 pairs | the same without silence |"
    )
    print("|---|---|---|---|---|")
    for kind, prints in (("real", pool), ("made up", made)):
        changed = np.mean(np.concatenate([np.bitwise_count(a[1:] ^ a[:-1]) for a in prints])) / 32
        equal, audible = shared(prints), shared([one[one != SILENT_TERM] for one in prints])
        cells = [f"{kind}, {len(prints)}", sum(map(len, prints)), f"{changed:.3f}"]
        print("| " + " | ".join(map(str, [*cells, f"{1e9 * equal:.1f}", f"{1e9 * audible:.1f}"])) + " |")


def shared(prints: Sequence[np.ndarray]) -> float:
    """Of the pairs of terms of different tracks, the share that is equal."""
    counts = [np.unique(one, return_counts=True) for one in prints]
    equal = 0
    for (a, times_a), (b, times_b) in combinations(counts, 2):
        _, at_a, at_b = np.intersect1d(a, b, assume_unique=True, return_indices=True)
        equal += int((times_a[at_a] * times_b[at_b]).sum())
    lengths = np.array([len(one) for one in prints], np.float64)
    return equal / ((lengths.sum() ** 2 - (lengths**2).sum()) / 2)


def megabytes(store: FolderStore, prefix: str) -> float:
    return sum((store.root / key).stat().st_size for key in store.list(prefix)) / 1e6


def fingerprint_of(file: Path) -> np.ndarray:
    return measure(file, probe(file, LIMITS).sample_rate_hz, TrackSettings(), LIMITS).fingerprint


if __name__ == "__main__":
    main()
