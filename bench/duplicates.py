"""Near-duplicates, found by the stages `tracks` and `catalogue`: python bench/duplicates.py [DIR …] [--batch 64]

Song-maker folders (those made with --bad hold five near-duplicates each), and the 28 real tracks of
`immich-memories-music` with five copies of each that are made here. All arrive in random order, in batches, so that a
copy comes before or after its original, in its batch or another. Scored are unordered pairs of all tracks; what lies in
bad/ arrives too, but is left out, since those clips are all of one song. A last batch holds the real tracks played 2 %
faster: not claimed, but told. Under the scores: the bit errors of every pair at its best offset, by brute force.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import imageio_ffmpeg
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from assets.catalogue.likeness import tells_apart, terms_needed
from assets.catalogue.settings import CatalogueSettings
from assets.manifest.batches import seal_batches
from assets.manifest.sources import list_source
from assets.profile import Profile, profile
from assets.scores.pairs import closed_pairs, score_pairs
from assets.scores.real import real_tracks
from assets.tables import Row
from assets.way import go
from resources.engines import LocalEngine
from resources.ffmpeg import local_path
from resources.ledger import Ledger
from resources.stores import open_store

WAYS = {
    "mp3 64 kbit/s": ("mp3", "-c:a libmp3lame -b:a 64k"),
    "opus 48 kbit/s mono": ("opus", "-ac 1 -c:a libopus -b:a 48k"),
    "aac 6 dB quieter": ("m4a", "-af volume=-6dB -c:a aac -b:a 128k"),
    "flac without its first 4.7 s": ("flac", "-ss 4.7 -c:a flac"),
    "vorbis at 22.05 kHz": ("ogg", "-ar 22050 -c:a libvorbis -q:a 3"),
}
FASTER = {"2 % faster": ("flac", "-af aresample=48000,asetrate=48960,aresample=48000 -c:a flac")}


@dataclass
class Corpus:
    """What arrives: files, those that count, and the true groups of them."""

    files: list[Row] = field(default_factory=list)
    counted: set[Path] = field(default_factory=set)
    groups: list[list[Path]] = field(default_factory=list)
    how: dict[Path, str] = field(default_factory=dict)  # how a copy was made


@dataclass(frozen=True, slots=True)
class Track:
    place: tuple[int, int]  # of arrival
    path: Path
    fingerprint: np.ndarray
    group: str | None
    duplicate_of: Path | None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="*")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--seed", type=int, default=1, help="of the order of arrival")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = profile().model_copy(update={"store": f"{folder}/store"})
        corpus = Corpus()
        for given in arguments.folders:
            add_folder(given.resolve(), corpus)
        add_real(Path(folder) / "copies", WAYS, corpus)
        random.Random(arguments.seed).shuffle(corpus.files)
        faster = Corpus()
        add_real(Path(folder) / "faster", FASTER, faster)
        last = [row for row in faster.files if local_path(row["uri"]) in faster.how]
        tracks = arrive([corpus.files, last], arguments.batch, settings)
    known = [track for track in tracks if track.path in corpus.counted]
    report_pairs(known, corpus, Counter(track.place[0] for track in tracks))
    report_margin(known, corpus, settings.catalogue)
    report_faster([track for track in tracks if track.path in corpus.counted | set(faster.how)], faster)


def add_folder(folder: Path, corpus: Corpus) -> None:
    index = json.loads((folder / "truth" / "index.json").read_text())
    for place in ("audio", "bad"):
        if (folder / place).is_dir():
            corpus.files += list_source(str(folder / place))
    copies = {folder / row["file"]: folder / row["of"] for row in index["duplicates"]}
    corpus.how |= {folder / row["file"]: row["how"] for row in index["duplicates"]}
    corpus.counted |= {folder / row["file"] for row in index["songs"]} | set(copies)
    corpus.groups += [[copy, original] for copy, original in copies.items()]


def add_real(folder: Path, ways: dict[str, tuple[str, str]], corpus: Corpus) -> None:
    """The real tracks, and copies of each that are made in `folder`."""
    folder.mkdir()
    for track in real_tracks():
        group = [track.path.resolve()]
        for number, (how, (end, options)) in enumerate(ways.items()):
            copy = folder / f"{track.path.stem} {number}.{end}"
            command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", track.path, "-map_metadata", "-1"]
            subprocess.run([*command, *options.split(), copy], check=True)
            corpus.how[copy] = how
            group.append(copy)
        corpus.groups.append(group)
        corpus.counted |= set(group)
    for place in sorted({track.path.parent for track in real_tracks()}):
        corpus.files += list_source(str(place))
    corpus.files += list_source(str(folder))


def arrive(parts: Iterable[list[Row]], batch_size: int, settings: Profile) -> list[Track]:
    """All files through the two stages, batch by batch; the tracks that are ok in `tracks`, in order of arrival."""
    ledger = Ledger(open_store(settings.store_root))
    engine = LocalEngine(settings.worker_count, settings.threads)
    for part in parts:
        seal_batches(part, ledger, batch_size, seal_short=True)
    tracks: list[Track] = []
    path_of: dict[str, Path] = {}
    for number, batch in enumerate(ledger.batches("manifest")):
        for _ in go(settings, batch, ledger, engine, last="catalogue"):
            pass
        path_of |= {row["track_id"]: local_path(row["uri"]) for row in ledger.read("manifest", batch).to_pylist()}
        rows = {row["track_id"]: row for row in ledger.read("tracks", batch).to_pylist()}
        for place, row in enumerate(ledger.read("catalogue", batch).to_pylist()):
            fingerprint = np.array(rows[row["track_id"]]["fingerprint"] or [], np.uint32)
            original = path_of[row["duplicate_of"]] if row["duplicate_of"] else None
            tracks.append(Track((number, place), path_of[row["track_id"]], fingerprint, row["group"], original))
    return tracks


def report_pairs(tracks: list[Track], corpus: Corpus, batches: Counter[int]) -> None:
    found: dict[str, list[Path]] = defaultdict(list)
    for track in tracks:
        found[track.group or f"none: {track.path}"].append(track.path)
    here = {track.path for track in tracks}
    score = score_pairs(corpus.groups, found.values())
    print(f"{len(tracks)} tracks in {len(batches)} batches; {len(corpus.counted - here)} did not become tracks")
    different = len(tracks) * (len(tracks) - 1) // 2 - score.true
    cells = [score.true, score.found, f"{score.precision:.4f}", f"{score.recall:.4f}", different, len(score.wrong)]
    print("| true pairs | found pairs | precision | recall | different tracks, pairs | false pairs among them |")
    print(f"|---|---|---|---|---|---|\n| {' | '.join(map(str, cells))} |")
    for name, pairs in (("wrong", score.wrong), ("missed", score.missed)):
        for pair in pairs:
            print(f"{name}: {sorted(f'{path.parent.parent.name}/{path.name}' for path in pair)}")
    late = [track.path for track in tracks if track.duplicate_of and place_of(track.duplicate_of, tracks) > track.place]
    print(f"kept though another of its group came first: {len(late)}; in no split: {sum(not t.group for t in tracks)}")


def place_of(path: Path, tracks: list[Track]) -> tuple[int, int]:
    return next((track.place for track in tracks if track.path == path), (0, 0))


def report_margin(tracks: list[Track], corpus: Corpus, settings: CatalogueSettings) -> None:
    """Bit errors of true pairs, and of the nearest of all others."""
    true = closed_pairs(corpus.groups)
    errors: dict[bool, list[tuple[float, Path, Path]]] = {True: [], False: []}
    bits = {track.path: as_signs(track.fingerprint) for track in tracks if tells_apart(track.fingerprint)}
    for a, b in combinations(bits, 2):
        needed = terms_needed(bits[a], bits[b], settings.min_overlap_s, settings.min_overlap_ratio)
        if (least := fewest_errors(bits[a], bits[b], needed)) is not None:
            errors[frozenset((a, b)) in true].append((least, a, b))
    shares = {kind: np.array([error for error, *_ in found]) for kind, found in errors.items()}
    edges = [0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5]
    print("\n| bit errors at the best offset | true pairs | different tracks |\n|---|---|---|")
    for low, high in zip(edges, edges[1:], strict=False):
        inside = {kind: int(((share >= low) & (share < high)).sum()) for kind, share in shares.items()}
        print(f"| {low:.2f} to {high:.2f} | {inside[True]} | {inside[False]} |")
    for kind, name, pick in ((True, "farthest true pair", max), (False, "nearest different tracks", min)):
        error, a, b = pick(errors[kind])
        print(f"{name}: {error:.3f}, {a.name} and {b.name}")
    by_way: dict[str, list[float]] = defaultdict(list)
    for error, a, b in errors[True]:
        if (a in corpus.how) != (b in corpus.how):
            by_way[corpus.how.get(a) or corpus.how[b]].append(error)
    for how, found in by_way.items():
        print(f"{how}: at most {max(found):.3f} over {len(found)} copies")


def as_signs(fingerprint: np.ndarray) -> np.ndarray:
    """[terms, 32] of -1 and 1."""
    bits = np.unpackbits(fingerprint.astype(">u4")[:, None].view(np.uint8), axis=1)
    return 2 * bits.astype(np.float32) - 1


def fewest_errors(a: np.ndarray, b: np.ndarray, needed: int) -> float | None:
    """The share of bits that differ at the best of all offsets with `needed` terms in common."""
    agree = np.zeros((len(a), len(a) + len(b)), np.float32)
    agree[:, : len(b)] = a @ b[::-1].T
    # Read in rows one shorter, each row moves one to the right of the one above, and a column holds one offset.
    agreed = agree.ravel()[: len(a) * (len(a) + len(b) - 1)].reshape(len(a), -1).sum(axis=0)
    offset = np.arange(len(agreed)) - (len(b) - 1)
    overlap = np.minimum(len(a), len(b) + offset) - np.maximum(0, offset)
    enough = overlap >= max(1, needed)
    return float((0.5 - agreed[enough] / (64 * overlap[enough])).min()) if enough.any() else None


def report_faster(tracks: list[Track], faster: Corpus) -> None:
    group_of = {track.path: track.group for track in tracks}
    hits = sum(group_of[copy] == group_of[original] for original, copy in faster.groups)
    print(f"\nnot claimed: played 2 % faster, {hits} of {len(faster.groups)} are found")


if __name__ == "__main__":
    main()
