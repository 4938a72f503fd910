"""The song maker's bad files and odd names, together with good songs, through the embedded pipeline.

    python bench/badfiles.py --seeds 611 612 613 614 --work DIR

For each seed a few short songs and all bad files are made in DIR (and kept for the next time), and go in twice: the
good ones alone, and all together. What is to be rejected must be so for a fitting reason, what is to be accepted must
have the length and the levels that another decoder and another meter find, nothing may fail, no good song may come out
differently beside bad ones, and nothing may be left behind. Prints a table, and every fault; exits with 1 where there
is one.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from assets.manifest.batches import seal_batches
from assets.profile import profile
from assets.tables import Row
from assets.way import go
from bench.leftovers import left_behind, watched_scratch
from bench.songs import BEFORE_SHARDS, fate, listed, rows_of
from resources.engines import LocalEngine
from resources.ffmpeg import local_path
from resources.ledger import Ledger
from resources.stores import FolderStore

MAKER = Path(__file__).with_name("songmaker") / "songmaker.py"
# What may be said of an input that is to be rejected, by its kind in the song maker's index.
FITTING = {
    "truncated": {"truncated", "not_audio"},
    "empty": {"empty"},
    "not_audio": {"not_audio"},
    "drm": {"drm"},
    "silence": {"silent"},
    "short": {"too_short"},
    "not_finite": {"not_finite"},
    "header": {"odd_rate", "odd_channels", "not_audio"},
    "symlink": {"missing", "not_audio"},
}
DURATION_SLACK_S = 0.06  # a frame of mp3, and what decoders do about the encoder's delay
LOUDNESS_SLACK_LU = 0.25
PEAK_SLACK_DB = 0.35


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--count", type=int, default=3, help="songs besides those with odd names")
    parser.add_argument("--secs", type=float, default=20.0, help="length of the songs")
    parser.add_argument("--until", choices=BEFORE_SHARDS, default=BEFORE_SHARDS[-1], help="the last stage to run")
    arguments = parser.parse_args()
    tables, all_faults = [], []
    for seed in arguments.seeds:
        folder = made(arguments.work, seed, arguments.count, arguments.secs)
        table, faults = judged(folder, arguments.work / f"run{seed}", arguments.until)
        tables.append({"seed": seed, "until": arguments.until} | table)
        print(tables[-1], *faults, sep="\n", file=sys.stderr, flush=True)
        all_faults += [f"seed {seed}: {fault}" for fault in faults]
    print(f"| {' | '.join(tables[0])} |\n|{'---|' * len(tables[0])}")
    for table in tables:
        print(f"| {' | '.join(map(str, table.values()))} |")
    print("\n".join(all_faults))
    sys.exit(1 if all_faults else 0)


def made(work: Path, seed: int, count: int, secs: float) -> Path:
    folder = work / f"songs{seed}"
    if not (folder / "truth" / "index.json").exists():
        shutil.rmtree(folder, ignore_errors=True)
        options = ["--out", folder, "--count", count, "--secs", secs, "--seed", seed, "--bad"]
        subprocess.run([sys.executable, "-W", "ignore", str(MAKER), *map(str, options)], check=True)
    return folder


def judged(folder: Path, run: Path, until: str) -> tuple[dict[str, str], list[str]]:
    """A row of the table, and every fault in words."""
    index = json.loads((folder / "truth" / "index.json").read_text())
    shutil.rmtree(run, ignore_errors=True)
    run.mkdir(parents=True)
    with watched_scratch(run / "tmp") as scratch:
        alone = processed(folder, run / "alone", ("audio",), until)
        together = processed(folder, run / "together", ("audio", "bad"), until)
        left = left_behind(scratch, run / "alone" / ".parts", run / "together" / ".parts")
    files = files_of(folder, together)
    faults = {
        "reject": list(wrongly_kept(index["bad"], files)),
        "accept": list(wrongly_measured(index["bad"], files, folder)),
        "either": [
            f"{bad['file']}: {files[bad['file']]['reason']}"
            for bad in index["bad"]
            if bad["expect"] == "either" and files[bad["file"]]["status"] not in ("ok", "rejected")
        ],
        "songs": list(wrong_songs(index["songs"], files, folder)),
        "pairs": wrong_pairs(index["duplicates"], files),
        "changed": changed(alone, together),
        "left behind": left,
    }
    of = {kind: sum(bad["expect"] == kind for bad in index["bad"]) for kind in ("reject", "accept", "either")}
    row = {"inputs": str(len(files))}
    row |= {f"{kind} right": f"{count - len(faults[kind])} of {count}" for kind, count in of.items()}
    row |= {
        "good songs right": f"{len(index['songs']) - len(faults['songs'])} of {len(index['songs'])}",
        "near-duplicates wrong": str(len(faults["pairs"])),
        "rows changed by bad files": str(len(faults["changed"])),
        "left behind": str(len(left)),
        "store, MB": f"{size_of(run / 'together') / 1e6:.0f}",
    }
    return row, [f"{kind}: {fault}" for kind, found in faults.items() for fault in found]


def files_of(folder: Path, ledger: Ledger) -> dict[str, Row]:
    """What became of every input, by its path from `folder`; a folder counts as what is in it, or as no audio."""
    tables = {stage: rows_of(ledger, stage) for stage in done_in(ledger)}
    root = folder.absolute()
    path_of = {track: local_path(rows[0]["uri"]) for track, rows in rows_of(ledger, "manifest").items()}
    found = {}
    for track, path in path_of.items():
        rows = {stage: table[track] for stage, table in tables.items() if track in table}
        found[str(path.relative_to(root))] = fate(rows, path_of, root)
    for path in sorted((root / "bad").glob("*/")):
        name = str(path.relative_to(root))
        inside = [row for file, row in found.items() if file.startswith(f"{name}/")]
        found.setdefault(name, inside[0] if inside else {"status": "rejected", "reason": "not_audio"})
    return found


def done_in(ledger: Ledger) -> list[str]:
    return [stage for stage in BEFORE_SHARDS if ledger.batches(stage)]


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def processed(folder: Path, store: Path, places: tuple[str, ...], until: str) -> Ledger:
    ledger = Ledger(FolderStore(store))
    inside = tuple(f"{folder.absolute() / place}/" for place in places)
    files = [row for row in listed(folder, lyrics_given=True) if str(local_path(row["uri"])).startswith(inside)]
    seal_batches(files, ledger, batch_size=len(files), seal_short=True)
    settings = profile().model_copy(update={"store": str(store)})
    engine = LocalEngine(settings.worker_count, settings.threads)
    for outcome in go(settings, "b00000", ledger, engine, last=until):
        print(f"{outcome.stage:10} {outcome.counts}  {outcome.seconds:7.1f} s", file=sys.stderr, flush=True)
    return ledger


def wrongly_kept(listed_bad: list[Row], files: dict[str, Row]) -> Iterator[str]:
    for bad in listed_bad:
        found = files[bad["file"]]
        if bad["expect"] != "reject":
            continue
        if found["status"] != "rejected" or found["reason"] not in FITTING[bad["kind"]]:
            yield f"{bad['file']} ({bad['note']}) is {found['status']} {found['reason']}"


def wrongly_measured(listed_bad: list[Row], files: dict[str, Row], folder: Path) -> Iterator[str]:
    for bad in listed_bad:
        if bad["expect"] == "accept" and (fault := measured_fault(folder / bad["file"], files[bad["file"]])):
            yield f"{bad['file']}: {fault}"


def wrong_songs(songs: list[Row], files: dict[str, Row], folder: Path) -> Iterator[str]:
    for song in songs:
        found = files[song["file"]]
        fault = measured_fault(folder / song["file"], found)
        if fault is None and abs(found["duration_s"] - song["duration"]) > DURATION_SLACK_S:
            fault = f"lasts {found['duration_s']:.3f} s, and was made {song['duration']:.3f} s long"
        if fault:
            yield f"{song['file']!r}: {fault}"


def measured_fault(path: Path, found: Row) -> str | None:
    """Where a track that must be ok is not, or does not have the length and levels that other tools find."""
    if found["status"] != "ok":
        return f"{found['status']} {found['reason']}: {found['detail']}"
    duration_s, loudness_lufs, peak_db = measured_otherwise(path)
    pairs = (
        ("duration_s", duration_s, DURATION_SLACK_S),
        ("integrated_lufs", loudness_lufs, LOUDNESS_SLACK_LU),
        ("true_peak_dbtp", peak_db, PEAK_SLACK_DB),
    )
    wrong = [
        f"{name} {found[name]:.2f}, and not {true:.2f}"
        for name, true, slack in pairs
        if abs(found[name] - true) > slack
    ]
    return "; ".join(wrong) or None


def measured_otherwise(path: Path) -> tuple[float, float, float]:
    """Length, loudness and true peak by libsndfile (or, for what it cannot read, the system's ffmpeg), pyloudnorm and
    scipy."""
    import pyloudnorm
    import soundfile
    from scipy.signal import resample_poly

    try:
        samples, rate_hz = soundfile.read(path, always_2d=True)
    except soundfile.LibsndfileError:
        command = ["ffmpeg", "-v", "error", "-i", f"file:{path}", "-f", "wav", "-c:a", "pcm_f32le", "-y", "/dev/stdout"]
        wav = subprocess.run(command, capture_output=True, check=True).stdout
        rate_hz, channels = int.from_bytes(wav[24:28], "little"), int.from_bytes(wav[22:24], "little")
        samples = np.frombuffer(wav[wav.index(b"data") + 8 :], np.float32).reshape(-1, channels).astype(float)
    peak = max(float(np.abs(resample_poly(samples, 8, 1)).max()), float(np.abs(samples).max()))
    loudness_lufs = pyloudnorm.Meter(rate_hz).integrated_loudness(samples)
    return len(samples) / rate_hz, float(loudness_lufs), float(20 * np.log10(peak))


def wrong_pairs(true: list[Row], files: dict[str, Row]) -> list[str]:
    """Near-duplicates among the songs that were missed or made up; those in bad/ all come from one song."""
    audio = {
        name: file["duplicate_of"] for name, file in files.items() if name.startswith("audio/") and file["duplicate_of"]
    }
    group = {pair["file"]: pair["of"] for pair in true}
    missed = [f"{copy} is a copy of {of}" for copy, of in group.items() if root_of(copy, audio) != root_of(of, audio)]
    return missed + [
        f"{name} is no copy of {of}" for name, of in audio.items() if root_of(name, group) != root_of(of, group)
    ]


def root_of(name: str, original: dict[str, Any]) -> str:
    while name in original:
        name = original[name]
    return name


def changed(alone: Ledger, together: Ledger) -> list[str]:
    """Rows and objects of good songs that are others when bad files go in beside them."""
    found = []
    for stage in done_in(alone):
        rows, others = rows_of(alone, stage), rows_of(together, stage)
        found += [f"{stage} {track}" for track in rows if bytes_of(rows[track]) != bytes_of(others.get(track, []))]
    for key in (*alone.store.list("stems/"), *alone.store.list("lyrics/")):
        if not together.store.exists(key) or sha256(alone, key) != sha256(together, key):
            found.append(key)
    return found


def bytes_of(rows: list[Row]) -> bytes:
    return json.dumps(rows, sort_keys=True).encode()


def sha256(ledger: Ledger, key: str) -> str:
    with ledger.store.open(key) as file:
        return hashlib.sha256(file.read()).hexdigest()


if __name__ == "__main__":
    main()
