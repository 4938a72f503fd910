"""How fast the road is, and what Dagster, tables and ledger add to the bare work.

    python bench/pipeline.py FOLDER [FOLDER …]

Every stage over all files of the folders, no lyrics given, in two fresh stores: once as Dagster runs it, once as a bare
loop that calls the same functions in the same worker processes and encodes the same audio, without tables and ledger.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
HOUSE = Path(__file__).resolve().parents[1]
BATCH = "b00000"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--run", choices=["dagster", "bare"], help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        result = {"dagster": with_dagster, "bare": bare}[arguments.run](arguments.out.parent)
        arguments.out.write_text(json.dumps(result))
        return
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("bare", "dagster"):
            place = Path(folder) / kind
            place.mkdir()
            write_manifest(arguments.folders, place / "songs.jsonl")
            found[kind] = measured(kind, arguments.folders, place)
    report(found)


def write_manifest(folders: list[Path], file: Path) -> None:
    from assets.manifest.sources import list_source

    rows = [{"uri": row["uri"]} for folder in folders for row in list_source(str(folder))]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))


def measured(kind: str, folders: list[Path], place: Path) -> dict[str, Any]:
    """Runs one kind in a process of its own, and watches the memory of its whole tree (PSS, every half second)."""
    (place / "profile.toml").write_text(f'store = "{place / "store"}"\n')
    (place / "dagster").mkdir()
    (place / "dagster" / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    environment = os.environ | {"MELISMA_PROFILE": str(place / "profile.toml"), "DAGSTER_HOME": str(place / "dagster")}
    command = [sys.executable, __file__, *map(str, folders), "--run", kind, "--out", str(place / "result.json")]
    process = subprocess.Popen(command, env=environment, cwd=HOUSE)
    peak = [0]

    def watch() -> None:
        while process.poll() is None:
            peak[0] = max(peak[0], tree_pss(process.pid))
            time.sleep(0.5)

    watcher = threading.Thread(target=watch)
    watcher.start()
    if process.wait():
        raise SystemExit(f"the {kind} run failed")
    watcher.join()
    return json.loads((place / "result.json").read_text()) | {"peak_bytes": peak[0]}


def tree_pss(pid: int) -> int:
    total = 0
    try:
        tree = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    for process in tree:
        try:
            total += process.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied, ProcessLookupError):
            continue
    return total


def with_dagster(place: Path) -> dict[str, Any]:
    from pipelines.running import run_job

    config = {"ops": {"manifest": {"config": {"source": str(place / "songs.jsonl"), "seal_short": True}}}}
    run_job("ingest", config=config)
    start = time.perf_counter()
    done = run_job("road", BATCH)
    seconds = time.perf_counter() - start
    stages = {run.stage: run.metadata["seconds"] for run in done}
    return {"seconds": seconds, "stages": stages, "audio_s": 60 * done[0].metadata["audio_minutes"]}


def bare(place: Path) -> dict[str, Any]:
    """Rows in memory from stage to stage; the audio that stages write is written, and nothing else."""
    from assets.catalogue.decide import catalogue_batch
    from assets.catalogue.index import DuplicateIndex
    from assets.manifest.sources import list_source
    from assets.profile import profile
    from assets.shards.pack import pack
    from assets.stage import input_rows
    from assets.tables import table_of
    from assets.way import way
    from resources.engines import LocalEngine
    from resources.ledger import digest
    from resources.stores import open_store

    settings = profile()
    store, stages = open_store(settings.store_root), way(settings)
    engine = LocalEngine(settings.worker_count, settings.threads)
    names = [{**row, "track_id": digest(row["uri"])} for row in list_source(str(place / "songs.jsonl"))]
    rows: dict[str, list[dict[str, Any]]] = {"manifest": names}

    class Memory:
        """What `input_rows` reads from, without files."""

        def read(self, table: str, batch: str, columns: list[str]) -> Any:
            return table_of(table, ({k: v for k, v in row.items() if k != "key"} for row in rows[table])).select(
                columns
            )

    memory: Any = Memory()
    for row in names:
        row["status"] = "ok"
    seconds: dict[str, float] = {}
    start = time.perf_counter()
    for name, stage in stages.items():
        since = time.perf_counter()
        if name == "catalogue":
            tracks = table_of("tracks", ({k: v for k, v in row.items() if k != "key"} for row in rows["tracks"]))
            rows[name] = catalogue_batch(BATCH, [BATCH], tracks, DuplicateIndex(store), settings.catalogue)
        elif name == "shards":
            inputs = input_rows(stage, BATCH, memory)
            work = engine.run(stage.open, inputs, stage.timeout_s)  # type: ignore[attr-defined]
            samples = (sample for done in work for sample in done.result or ())
            for _ in pack(samples, store, BATCH, settings.shards):
                pass
        else:
            inputs = input_rows(stage, BATCH, memory)
            rows[name] = [
                {"track_id": done.item["track_id"], "status": "ok", "parameter_hash": "", **row}
                for done in engine.run(stage.open, inputs, stage.timeout_s)  # type: ignore[attr-defined]
                for row in done.result or ()
            ]
        seconds[name] = time.perf_counter() - since
    audio_s = sum(row["duration_s"] for row in rows["tracks"])
    return {"seconds": time.perf_counter() - start, "stages": seconds, "audio_s": audio_s}


def report(found: dict[str, dict[str, Any]]) -> None:
    dagster, plain = found["dagster"], found["bare"]
    audio_s = dagster["audio_s"]
    print(f"| {audio_s / 60:.1f} minutes of audio | bare, s | Dagster, s | x real time |\n|---|---|---|---|")
    for stage, seconds in dagster["stages"].items():
        print(f"| {stage} | {plain['stages'][stage]:.1f} | {seconds:.1f} | {audio_s / max(seconds, 1e-9):.1f} |")
    print(f"| all | {plain['seconds']:.1f} | {dagster['seconds']:.1f} | {audio_s / dagster['seconds']:.2f} |")
    added = dagster["seconds"] - plain["seconds"]
    print(f"\nDagster, tables and ledger add {added:.1f} s: {100 * added / plain['seconds']:.1f} %")
    print(f"peak memory of the process tree (PSS): {dagster['peak_bytes'] / 1e9:.2f} GB")
    torch = "with" if torch_is_loaded() else "without"
    print(f"definitions load in {load_s():.2f} s (the best of three), {torch} torch")


def load_s() -> float:
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import pipelines.definitions"], cwd=HOUSE, check=True)
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def torch_is_loaded() -> bool:
    code = "import sys, pipelines.definitions; sys.exit('torch' in sys.modules)"
    return bool(subprocess.run([sys.executable, "-c", code], cwd=HOUSE, check=False).returncode)


if __name__ == "__main__":
    main()
