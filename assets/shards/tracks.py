"""What goes into shards, track by track."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from assets.shards.sample import READS, sample_name
from assets.tables import Row


def tracks_of(tables: Mapping[str, Iterable[Row]], batch: str) -> Iterator[Row]:
    """The tracks that are ok in every table, in the order of `tables["tracks"]`, each as one row.

    `tables` holds the ok rows of each stage, with `track_id` and the columns of `READS`. A row has `track_id`, `batch`,
    one row of each stage under the stage's name (columns of two tables share names), and under `windows` a list.
    """
    windows: dict[str, list[Row]] = defaultdict(list)
    for window in tables["windows"]:
        windows[window["track_id"]].append(_only("windows", window))
    single = {
        stage: {row["track_id"]: _only(stage, row) for row in tables[stage]} for stage in READS if stage != "windows"
    }
    for track_id in single["tracks"]:
        if track_id in windows and all(track_id in rows for rows in single.values()):
            stages = {stage: rows[track_id] for stage, rows in single.items()}
            yield {"track_id": track_id, "batch": batch, **stages, "windows": windows[track_id]}


def still_to_pack(tracks: Iterable[Row], finished: Iterable[Row]) -> Iterator[Row]:
    """The tracks with the windows that no finished shard holds; those with none left are skipped.

    `finished` are rows of the index of shards. What is left comes in the same order, so that packing goes on where it
    was stopped.
    """
    packed = {row["sample"] for row in finished}
    for track in tracks:
        if left := [window for window in track["windows"] if sample_name(track["track_id"], window) not in packed]:
            yield {**track, "windows": left}


def _only(stage: str, row: Row) -> dict[str, Any]:
    return {name: row[name] for name in READS[stage]}
