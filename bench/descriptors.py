"""Tempo and key, ours beside two libraries: python bench/descriptors.py [DIR …] [--store STORE] [--out rows.json]

Over the songs of song-maker folders that have an accompaniment, and the 28 real tracks of `immich-memories-music`.
Ours runs twice: as the stage `captions` calls it, on the mix less the vocals that the stage `stems` separated, and on
the mix alone like the others. Speed is audio time by processor time of tempo and key together, without decoding and
separation. Needs the extra `bench`. With --store, what was separated is kept there for the next time.
"""

import argparse
import json
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from assets.captions.key import TONICS, key_of
from assets.captions.spectra import RATE_HZ, Audio
from assets.captions.stage import heard_of
from assets.captions.tempo import tempo_of
from assets.manifest.batches import seal_batches
from assets.manifest.sources import list_source
from assets.profile import profile
from assets.scores.facts import beat_agrees, key_agreement, tempo_agrees
from assets.scores.real import PACKAGE, real_tracks
from assets.stage import input_rows
from assets.tables import Row
from assets.way import go, way
from bench.songs import BATCH
from resources.engines import LocalEngine
from resources.ffmpeg import decode_mono, local_path
from resources.ledger import Ledger
from resources.stores import open_store

Found = tuple[float | None, str | None]
# How often each degree of a key was thought to fit by listeners: Krumhansl & Kessler, 1982.
KRUMHANSL = {
    "major": (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    "minor": (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
}


@dataclass(frozen=True, slots=True)
class Heard:
    """A track as the methods hear it, mono."""

    mix: Audio  # at 22.05 kHz
    vocals: Audio
    mix_44k: Audio


@dataclass(frozen=True, slots=True)
class Song:
    corpus: str
    path: Path
    tempo_bpm: float
    key: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="*")
    parser.add_argument("--store", type=Path)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    songs = [song for folder in arguments.folders for song in songs_of(folder)]
    songs += [Song(PACKAGE, track.path, track.tempo_bpm, track.key) for track in real_tracks()]
    methods = {"ours": ours, "ours, on the mix": ours_on_the_mix, "librosa": of_librosa, "Essentia": of_essentia}
    with tempfile.TemporaryDirectory() as folder:
        rows = list(measure(songs, arguments.store or Path(folder), methods))
    if arguments.out:
        arguments.out.write_text(json.dumps(rows, indent=1))
    report(rows, [*dict.fromkeys(song.corpus for song in songs)], list(methods))


def songs_of(folder: Path) -> Iterator[Song]:
    for listed in json.loads((folder / "truth" / "index.json").read_text())["songs"]:
        truth = json.loads((folder / "truth" / listed["id"] / "truth.json").read_text())
        if truth["tempo_audible"]:
            yield Song(folder.name, (folder / truth["file"]).resolve(), truth["tempo_bpm"], truth["key"])


def measure(
    songs: list[Song], store: Path, methods: Mapping[str, Callable[[Heard], Found]]
) -> Iterator[dict[str, Any]]:
    """One row for each song and method."""
    settings = profile().model_copy(update={"store": str(store.absolute())})
    inputs = separated(songs, Ledger(open_store(settings.store_root)), settings)
    silence = np.random.default_rng(0).normal(0, 0.1, 10 * RATE_HZ).astype(np.float32)
    for method in methods.values():
        method(Heard(silence, 0 * silence, np.repeat(silence, 2)))  # what a first call loads and compiles
    for song in songs:
        if (track := inputs.get(song.path)) is None:
            print(f"not separated: {song.path}", file=sys.stderr)
            continue
        mix, vocals = heard_of(settings.captions, open_store(settings.store_root), track)
        heard = Heard(mix, vocals, decode_mono(song.path, 44_100))
        for name, method in methods.items():
            start = time.process_time()
            tempo_bpm, key = method(heard)
            yield {
                "corpus": song.corpus,
                "song": song.path.name,
                "method": name,
                "true": [song.tempo_bpm, song.key],
                "found": [tempo_bpm, key],
                "tempo": tempo_agrees(song.tempo_bpm, tempo_bpm),
                "beat": beat_agrees(song.tempo_bpm, tempo_bpm),
                "key": song.key == key or key_agreement(song.key, key) == 1,
                "mirex": key_agreement(song.key, key),
                "seconds": time.process_time() - start,
                "audio_s": len(mix) / RATE_HZ,
            }


def separated(songs: list[Song], ledger: Ledger, settings: Any) -> dict[Path, Row]:
    """What the stage `captions` gets, by file."""
    wanted = {song.path for song in songs}
    files = [
        row
        for place in sorted({path.parent for path in wanted})
        for row in list_source(str(place))
        if local_path(row["uri"]) in wanted
    ]
    if BATCH not in ledger.batches("manifest"):
        seal_batches(files, ledger, batch_size=len(files), seal_short=True)
    engine = LocalEngine(settings.worker_count, settings.threads)
    for _ in go(settings, BATCH, ledger, engine, last="stems"):
        pass
    captions = way(settings)["captions"]
    return {local_path(row["uri"]): row for row in input_rows(captions, BATCH, ledger)}


def ours(heard: Heard) -> Found:
    return of_melisma(heard.mix - heard.vocals)


def ours_on_the_mix(heard: Heard) -> Found:
    return of_melisma(heard.mix)


def of_melisma(audio: Audio) -> Found:
    tempo, key = tempo_of(audio), key_of(audio)
    return tempo.bpm if tempo else None, key.name if key else None


def of_librosa(heard: Heard) -> Found:
    """Its beat tracker; it has no key, so the usual recipe: Krumhansl's profiles on the mean of its CQT chroma."""
    import librosa

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tempo, _ = librosa.beat.beat_track(y=heard.mix, sr=RATE_HZ)
        chroma = librosa.feature.chroma_cqt(y=heard.mix, sr=RATE_HZ).mean(axis=1)
    fits = {
        f"{TONICS[mode][tonic]} {mode}": np.corrcoef(chroma, np.roll(profile, tonic))[0, 1]
        for mode, profile in KRUMHANSL.items()
        for tonic in range(12)
    }
    return float(np.atleast_1d(tempo)[0]) or None, max(fits, key=lambda key: fits[key])


def of_essentia(heard: Heard) -> Found:
    """Its extractors of rhythm and key, as they come."""
    import essentia

    essentia.log.infoActive = False
    import essentia.standard as es

    found: list[Any] = [None, None]
    with suppress(RuntimeError):  # it refuses what is too short or too quiet for it
        found[0] = float(es.RhythmExtractor2013(method="multifeature")(heard.mix_44k)[0]) or None
    tonic, mode, _ = es.KeyExtractor()(heard.mix_44k)
    return found[0], f"{tonic} {mode}"


def report(rows: list[dict[str, Any]], corpora: list[str], methods: list[str]) -> None:
    print("| songs | method | tempo within 4 % | or a multiple | key | key, MIREX | x real time |")
    print("|---|---|---|---|---|---|---|")
    for corpus in [*corpora, "all"]:
        for method in methods:
            some = [row for row in rows if row["method"] == method and corpus in (row["corpus"], "all")]
            shares = [np.mean([row[name] for row in some]) for name in ("tempo", "beat", "key")]
            mirex = np.mean([row["mirex"] for row in some])
            speed = sum(row["audio_s"] for row in some) / sum(row["seconds"] for row in some)
            cells = [f"{corpus}, {len(some)}", method, *(f"{share:.1%}" for share in shares), f"{mirex:.3f}"]
            print(f"| {' | '.join(cells)} | {speed:.0f} |")


if __name__ == "__main__":
    main()
