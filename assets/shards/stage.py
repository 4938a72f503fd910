"""The `shards` stage: tracks are encoded side by side, and packed in order."""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from time import monotonic

import pyarrow as pa

from assets.shards.encode import open_encoder
from assets.shards.pack import pack
from assets.shards.sample import READS, EncodedSample
from assets.shards.settings import ShardSettings
from assets.shards.tracks import still_to_pack, tracks_of
from assets.stage import Outcome, Policy, Progress, Stage, counts_of, effort_of, fate_of, input_rows, seal, stamp
from assets.tables import Row, Status, table_of
from resources.engines import Engine
from resources.ledger import EFFORTS, Ledger, digest

OK: Row = {"status": Status.OK, "reason": None, "detail": None}


def shards_stage(settings: ShardSettings, store_root: str) -> Stage:
    return Stage(
        table="shards",
        version="2",
        reads=READS,
        parameters=settings.model_dump(mode="json"),
        open=partial(open_encoder, settings, store_root),  # type: ignore[arg-type]  # gives samples, not rows
        timeout_s=900.0,
        join=tracks_of,
    )


def pack_batch(
    stage: Stage,
    settings: ShardSettings,
    batch: str,
    ledger: Ledger,
    engine: Engine,
    progress: Progress = lambda done, total: None,
    attempts: int = Policy().attempts,
) -> Outcome:
    """Brings a batch's shards up to date.

    What a shard holds depends on all the samples before it, so the chunk that is written down is a finished shard, and
    it counts only for the very same list of inputs (`plan`): otherwise the batch is packed anew.
    """
    start = monotonic()
    tracks = {row["track_id"]: row for row in input_rows(stage, batch, ledger)}
    plan = digest([row["key"] for row in tracks.values()])
    if (sealed := _sealed(stage, batch, plan, ledger, attempts)) is not None:
        return _outcome(stage, batch, sealed, tracks, set(), ledger, start)
    chunk = f"{batch}/{plan}"
    rows = [row for part in ledger.parts(stage.table, chunk) for row in part.to_pylist()]
    todo = list(still_to_pack(tracks.values(), rows))
    not_ok: list[Row] = []
    efforts: list[Row] = []

    def samples() -> Iterator[EncodedSample]:
        for count, done in enumerate(engine.run(stage.open, todo, stage.timeout_s, stage.crew), start=1):
            fate = OK if done.error is None else fate_of(done.error)
            if done.error is not None:
                not_ok.append(stamp(done.item, stage) | fate)
            efforts.append(effort_of(done, fate) | {"audio_s": done.item["tracks"]["duration_s"]})
            progress(count, len(todo))
            yield from done.result or ()

    for shard in pack(samples(), ledger.store, batch, settings, rows):
        packed = [stamp(tracks[row["track_id"]], stage) | OK | row for row in shard.index]
        spent, efforts[:] = list(efforts), []
        ledger.append(stage.table, chunk, table_of(stage.table, packed), pa.Table.from_pylist(spent, schema=EFFORTS))
        rows += packed
    if efforts:
        none = table_of(stage.table, [])
        ledger.append(stage.table, chunk, none, pa.Table.from_pylist(efforts, schema=EFFORTS))
    order = {track_id: position for position, track_id in enumerate(tracks)}
    rows = sorted([*rows, *not_ok], key=lambda row: (order[row["track_id"]], row.get("sample") or ""))
    return _outcome(stage, batch, rows, tracks, {row["track_id"] for row in todo}, ledger, start)


def _sealed(stage: Stage, batch: str, plan: str, ledger: Ledger, attempts: int) -> list[Row] | None:
    """The batch's rows, if they were made from these inputs, and none that failed is worth another try."""
    if ledger.pointer(stage.table, batch) is None:
        return None
    rows = ledger.read(stage.table, batch).to_pylist()
    keys = {row["track_id"]: digest([row["track_id"], row["input_hash"], row["parameter_hash"]]) for row in rows}
    same = digest(list(keys.values())) == plan
    failed = {row["track_id"] for row in rows if row["status"] == Status.FAILED}
    tries = Counter(ledger.efforts(stage.table, batch)["track_id"].to_pylist()) if failed else Counter()
    return rows if same and all(tries[track_id] >= attempts for track_id in failed) else None


def _outcome(
    stage: Stage, batch: str, rows: list[Row], tracks: dict[str, Row], worked: set[str], ledger: Ledger, start: float
) -> Outcome:
    return Outcome(
        stage.table,
        batch,
        seal(stage, batch, rows, ledger),
        counts_of(rows),
        worked=len(worked),
        seconds=monotonic() - start,
        audio_s=sum(tracks[track_id]["tracks"]["duration_s"] for track_id in worked),
        trouble=[row for row in rows if row["status"] != Status.OK],
    )
