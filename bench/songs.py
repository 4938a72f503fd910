"""Runs the embedded pipeline over a folder of song-maker songs, and writes what it found as predictions for score.py.

    python bench/songs.py DIR --out predictions.json [--lyrics given|none]

DIR/audio (and DIR/bad where there is one) is all that the pipeline sees; with `--lyrics given`, also the words of each
song, from the .txt beside it or else from DIR/truth. The store stands beside the predictions, in NAME-store.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from assets.manifest.batches import seal_batches
from assets.manifest.sources import list_source
from assets.profile import profile
from assets.tables import Row, Status
from assets.way import go
from assets.windows.settings import WindowSettings
from resources.engines import LocalEngine
from resources.ffmpeg import local_path
from resources.ledger import Ledger
from resources.stores import open_store

WINDOW_S = 20.0
BATCH = "b00000"
BEFORE_SHARDS = ("tracks", "catalogue", "stems", "lyrics", "captions", "windows")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--lyrics", choices=["given", "none"], default="given")
    arguments = parser.parse_args()
    store_root = arguments.out.resolve().parent / f"{arguments.out.stem}-store"
    shutil.rmtree(store_root, ignore_errors=True)
    # The one best window: with two of a length, their sum counts, and neither need be the best.
    windows = WindowSettings(lengths_s=(WINDOW_S,), per_length=1)
    settings = profile().model_copy(update={"store": str(store_root), "windows": windows})
    ledger = Ledger(open_store(str(store_root)))
    files = list(listed(arguments.folder, arguments.lyrics == "given"))
    seal_batches(files, ledger, batch_size=max(1, len(files)), seal_short=True)
    engine = LocalEngine(settings.worker_count, settings.threads)
    for outcome in go(settings, BATCH, ledger, engine, last=BEFORE_SHARDS[-1]):
        speed = outcome.audio_s / outcome.seconds if outcome.audio_s else 0.0
        print(f"{outcome.stage:10} {outcome.counts}  {outcome.seconds:7.1f} s  {speed:6.1f} x real time", flush=True)
    predictions = predict(arguments.folder, ledger, arguments.out.resolve().parent)
    arguments.out.write_text(json.dumps(predictions, indent=1, ensure_ascii=True))


def listed(folder: Path, lyrics_given: bool) -> Iterator[Row]:
    """The folder's files as the manifest takes them, with or without their words."""
    words = truth_lyrics(folder) if lyrics_given else {}
    for place in ("audio", "bad"):
        if (folder / place).is_dir():
            for row in list_source(str(folder / place)):
                if not lyrics_given:
                    row["lyrics_uri"] = None
                elif row["lyrics_uri"] is None:
                    row["lyrics"] = words.get(local_path(row["uri"]).name)
                yield row


def truth_lyrics(folder: Path) -> dict[str, str]:
    index = folder / "truth" / "index.json"
    if not index.exists():
        return {}
    songs = json.loads(index.read_text())["songs"]
    texts = {Path(song["file"]).name: (folder / "truth" / song["id"] / "lyrics.txt").read_text() for song in songs}
    return {name: text for name, text in texts.items() if text.strip()}


def predict(folder: Path, ledger: Ledger, beside: Path) -> dict[str, Any]:
    """Predictions in the format of score.py, and under `files` what became of every input by its relative path."""
    tables = {name: rows_of(ledger, name) for name in ("manifest", *BEFORE_SHARDS)}
    root = folder.absolute()
    path_of = {track: local_path(rows[0]["uri"]) for track, rows in tables["manifest"].items()}
    songs, files, duplicates = {}, {}, []
    for track, path in path_of.items():
        rows = {name: tables[name][track] for name in BEFORE_SHARDS if track in tables[name]}
        files[str(path.relative_to(root))] = fate(rows, path_of, root)
        if original := rows["catalogue"][0]["duplicate_of"] if "catalogue" in rows else None:
            duplicates.append([path.name, path_of[original].name])
        if path.parent.name == "audio" and "stems" in rows and rows["stems"][0]["status"] == Status.OK:
            songs[path.name] = song(rows, ledger, beside)
    for place in ("audio", "bad"):
        for path in sorted((root / place).glob("*/")):
            name = str(path.relative_to(root))
            inside = [found for file, found in files.items() if file.startswith(f"{name}/")]
            # Somebody may ask what became of a folder: what became of what is in it, or nothing.
            files.setdefault(name, inside[0] if inside else {"status": "rejected", "reason": "not_audio"})
    return {"songs": songs, "duplicates": duplicates, "files": files}


def rows_of(ledger: Ledger, stage: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in ledger.read(stage, BATCH).to_pylist():
        found.setdefault(row["track_id"], []).append(row)
    return found


def fate(rows: dict[str, list[Row]], path_of: dict[str, Path], root: Path) -> Row:
    """A duplicate is good audio: it counts as ok here, with the file that it repeats."""
    first = {name: found[0] for name, found in rows.items()}
    trouble = next((row for row in first.values() if row["status"] != Status.OK), None)
    original = first["catalogue"]["duplicate_of"] if "catalogue" in first else None
    track = first["tracks"]
    if original:
        trouble = None
    return {
        "status": trouble["status"] if trouble else "ok",
        "reason": trouble["reason"] if trouble else None,
        "detail": trouble["detail"] if trouble else None,
        "duplicate_of": str(path_of[original].relative_to(root)) if original else None,
        "duration_s": track["duration_s"],
        "integrated_lufs": track["integrated_lufs"],
        "true_peak_dbtp": track["true_peak_dbtp"],
    }


def song(rows: dict[str, list[Row]], ledger: Ledger, beside: Path) -> dict[str, Any]:
    stems = rows["stems"][0]
    found: dict[str, Any] = {
        "stems": {
            stem: str(local_path(ledger.store.uri(stems[f"{stem}_uri"])).relative_to(beside))
            for stem in ("vocals", "accompaniment")
        }
    }
    if "lyrics" in rows and rows["lyrics"][0]["status"] == Status.OK:
        words = [word for line in rows["lyrics"][0]["lines"] for word in line["words"]]
        found["words"] = [{"w": w["text"], "start": w["start_s"], "end": w["end_s"]} for w in words]
        found["trust"] = rows["lyrics"][0]["trust"]
    windows = [row for row in rows.get("windows", ()) if row["status"] == Status.OK and row["rank"] == 1]
    if windows:
        best = min(windows, key=lambda row: abs(row["length_s"] - WINDOW_S))
        found["window"] = [best["start_s"], best["end_s"]]
    if "captions" in rows and rows["captions"][0]["status"] == Status.OK:
        found |= {"tempo": rows["captions"][0]["tempo_bpm"], "key": rows["captions"][0]["key"]}
    return found


if __name__ == "__main__":
    main()
