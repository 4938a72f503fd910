"""From a name to all that is known of a track."""

from dataclasses import dataclass

import pyarrow.compute as pc

from assets.stage import Recipe, input_rows
from assets.tables import STAGES, Row
from resources.ffmpeg import local_path
from resources.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Found:
    track_id: str
    batch: str
    uri: str


class NoSuchTrack(LookupError):
    """Nothing, or more than one track, goes by that name."""


def find_track(name: str, ledger: Ledger) -> Found:
    """The track with that id, or the one whose file name contains `name`. Raises NoSuchTrack."""
    close: list[Found] = []
    for batch in ledger.batches("manifest"):
        table = ledger.read("manifest", batch, ["track_id", "uri"])
        same = table.filter(pc.equal(table["track_id"], name)).to_pylist()
        if same:
            return Found(name, batch, same[0]["uri"])
        close += [
            Found(row["track_id"], batch, row["uri"])
            for row in table.to_pylist()
            if name.lower() in local_path(row["uri"]).name.lower()
        ]
    if len(close) == 1:
        return close[0]
    if not close:
        raise NoSuchTrack(f"no track is called {name!r}: give its id, or a part of its file name")
    some = ", ".join(f"{found.track_id} ({local_path(found.uri).name})" for found in close[:5])
    raise NoSuchTrack(f"{len(close)} tracks have {name!r} in their names: {some}{', …' if len(close) > 5 else ''}")


def story(found: Found, ledger: Ledger) -> dict[str, list[Row]]:
    """The track's rows in every stage that has finished its batch."""
    rows = {}
    for stage in STAGES:
        if ledger.pointer(stage, found.batch):
            table = ledger.read(stage, found.batch)
            rows[stage] = table.filter(pc.equal(table["track_id"], found.track_id)).to_pylist()
    return rows


def why(found: Found, stage: Recipe, ledger: Ledger) -> str:
    """Why a track stands in a stage as it does, in a sentence or two."""
    pointer = ledger.pointer(stage.table, found.batch)
    for before in stage.reads:
        if ledger.pointer(before, found.batch) is None:
            return f"{stage.table} waits for {before}, which has not finished batch {found.batch}"
    inputs = {row["track_id"]: row for row in input_rows(stage, found.batch, ledger)}
    if found.track_id not in inputs:
        rows = story(found, ledger)
        for before in stage.reads:
            if rows.get(before) and rows[before][0]["status"] != "ok":
                row = rows[before][0]
                return f"it never reached {stage.table}: {before} {row['status']} it ({row['reason']}: {row['detail']})"
        return f"it never reached {stage.table}: it was left out before {', '.join(stage.reads)}; ask for those"
    if pointer is None:
        return f"{stage.table} has not worked on batch {found.batch} yet"
    rows_here = story(found, ledger)[stage.table]
    if not rows_here:
        return f"{stage.table} finished the batch before the track came so far; run the batch again"
    row = rows_here[0]
    efforts = ledger.efforts(stage.table, found.batch)
    tries = efforts.filter(pc.equal(efforts["track_id"], found.track_id)).to_pylist()
    spent = f"{len(tries)} attempt{'s' if len(tries) != 1 else ''}, {sum(t['seconds'] for t in tries):.1f} s"
    fate = row["status"] if row["status"] == "ok" else f"{row['status']}: {row['reason']}: {row['detail']}"
    stale = [
        what
        for what, then, now in (
            ("inputs", row["input_hash"], inputs[found.track_id]["input_hash"]),
            ("settings or models", row["parameter_hash"], stage.parameter_hash),
        )
        if then != now
    ]
    age = f"stale, since its {' and '.join(stale)} have changed" if stale else "made with today's inputs and settings"
    return f"{fate} ({spent}); {age}"
