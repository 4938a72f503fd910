"""Damages small real audio files, and sends the damaged ones through the `tracks` stage as a run does.

    python bench/fuzz.py --count 2000 --seed 1

Prints what became of them by reason. Exits with 1 where the pipeline is at fault: a row that failed, one that took
longer than its limits, a process or file left behind, or a track that is ok and decodes to another length than its row
says (of those, a quarter is looked at).
"""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from assets.manifest.batches import seal_batches
from assets.manifest.listing import batch_name
from assets.manifest.sources import list_source
from assets.stage import run_stage
from assets.tables import Row, Status
from assets.tracks.settings import TrackSettings
from assets.tracks.stage import tracks_stage
from bench.leftovers import left_behind, watched_scratch
from bench.mutants import mutant, sources
from resources.engines import LocalEngine
from resources.ffmpeg import DecodeError, decode, local_path
from resources.ledger import Ledger
from resources.stores import FolderStore

HOUSE = Path(__file__).resolve().parents[1]
RATE_HZ = 44_100
SETTINGS = TrackSettings()
EACH = 4  # of the tracks that are ok, every so many-th is decoded again
SLACK_S = 0.05  # what a codec's padding may come to at another rate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="a folder for the files that the pipeline was at fault for")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "music").mkdir()
        with watched_scratch(place / "tmp") as scratch:
            damages = dict(write_mutants(place / "music", arguments.seed, arguments.count))
            rows, seconds = run(place, arguments.workers)
            faults = list(faults_of(rows, seconds)) + list(later_faults(rows))
            left = left_behind(scratch, place / "store" / ".parts")
        for row, fault in faults:
            path = local_path(row["uri"]) if row["uri"] else None
            print(f"{path.name if path else row['track_id']} ({damages[path.name] if path else ''}): {fault}")
            if arguments.keep and path:
                arguments.keep.mkdir(parents=True, exist_ok=True)
                (arguments.keep / path.name).write_bytes(path.read_bytes())
    fates = Counter(f"{row['status']} {row['reason'] or ''}".strip() for row in rows)
    print(f"| {len(rows)} mutants, seed {arguments.seed} | |\n|---|---|")
    for fate, count in fates.most_common():
        print(f"| {fate} | {count} |")
    print(f"| slowest, s | {max(seconds.values()):.1f} |")
    print(f"| faults | {len(faults)} |\n| left behind | {len(left)} |")
    sys.exit(1 if faults or left else 0)


def write_mutants(folder: Path, seed: int, count: int) -> Iterator[tuple[str, str]]:
    """Names of files, and what was done to them."""
    song = sorted((HOUSE / "demo" / "audio").glob("Northern*.mp3"))[0]
    originals = sources(song, folder)
    for number in range(count):
        name, done, data = mutant(originals, seed, number)
        kind, ending = name.split(".")
        path = folder / f"{number:05d}-{kind}.{ending}"
        path.write_bytes(data)
        yield path.name, done


def run(place: Path, workers: int) -> tuple[list[Row], dict[str, float]]:
    """The rows of `tracks`, each with the uri of its file; and the seconds each track took."""
    ledger = Ledger(FolderStore(place / "store"))
    files = list(list_source(str(place / "music")))
    seal_batches(files, ledger, batch_size=len(files), seal_short=True)
    batch = batch_name(0)
    run_stage(tracks_stage(SETTINGS, 1), batch, ledger, LocalEngine(workers))
    uris = {row["track_id"]: row["uri"] for row in ledger.read("manifest", batch, ["track_id", "uri"]).to_pylist()}
    rows = [row | {"uri": uris[row["track_id"]]} for row in ledger.read("tracks", batch).to_pylist()]
    return rows, {row["track_id"]: row["seconds"] for row in ledger.efforts("tracks", batch).to_pylist()}


def faults_of(rows: list[Row], seconds: dict[str, float]) -> Iterator[tuple[Row, str]]:
    for row in rows:
        if row["status"] == Status.FAILED:
            yield row, f"{row['reason']}: {row['detail']}"
        elif seconds[row["track_id"]] > 2 * SETTINGS.decode_timeout_s:
            yield row, f"took {seconds[row['track_id']]:.0f} s"


def later_faults(rows: list[Row]) -> Iterator[tuple[Row, str]]:
    for row in [row for row in rows if row["status"] == Status.OK][::EACH]:
        if fault := later_fault(row):
            yield row, fault


def later_fault(row: Row) -> str | None:
    """What `stems` and `shards` would run into: they decode the track again, at their own rate."""
    try:
        samples = sum(len(block) for block in decode(local_path(row["uri"]), RATE_HZ, 2))
    except DecodeError as error:
        return f"is ok, and does not decode later: {error.reason}: {error}"
    off_s = samples / RATE_HZ - row["duration_s"]
    return f"lasts {row['duration_s']:.3f} s, and {off_s:+.3f} s more later" if abs(off_s) > SLACK_S else None


if __name__ == "__main__":
    main()
