"""A step of the way of a track, and how a batch goes through it: only what is missing, a chunk at a time."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import pyarrow as pa

from assets.tables import Reason, Rejected, Row, Status, ok_rows, table_of
from resources.child import DecodeError
from resources.engines import ALONE, Crew, Done, Engine, WorkerDied
from resources.ledger import EFFORTS, Ledger, Pointer, digest
from resources.outages import outage_of

Process = Callable[[Row], list[Row]]


Tables = Mapping[str, list[Row]]
Join = Callable[[Tables, str], Iterable[Row]]


def one_row_a_track(tables: Tables, batch: str) -> Iterator[Row]:
    """The tracks that are in every table, in the order of the first, their columns side by side."""
    others = [{row["track_id"]: row for row in rows} for rows in tables.values()]
    for track_id in others[0]:
        if all(track_id in rows for rows in others):
            yield {name: value for rows in others for name, value in rows[track_id].items()}


def nothing_beside(ledger: Ledger, batch: str) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True)
class Recipe:
    """What a table is made from: which columns of which tables, with which settings and models.

    The tracks of a batch that are ok in every table of `reads` go in, joined into one row each; that row is the
    track's input, and nothing else may be read of the tables. `version` is raised by hand when results change.
    `beside` gives the versions of what else a batch is made from, each under a name with a slash in it.
    """

    table: str
    version: str
    reads: Mapping[str, tuple[str, ...]]
    parameters: Mapping[str, Any]
    join: Join = field(default=one_row_a_track, kw_only=True)
    beside: Callable[[Ledger, str], Mapping[str, str]] = field(default=nothing_beside, kw_only=True)

    @property
    def parameter_hash(self) -> str:
        return digest({"table": self.table, "version": self.version, "parameters": self.parameters})


@dataclass(frozen=True)
class Stage(Recipe):
    """A table that is made track by track.

    `open` is called once in each worker (it must pickle) and gives the function that makes a track's rows; that
    function raises `Rejected` for bad input, and lets everything else fly.
    """

    open: Callable[[], Process]
    timeout_s: float = 3600.0
    crew: Crew = ALONE


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a batch in a stage."""

    stage: str
    batch: str
    data_version: str
    counts: dict[str, int]  # ok, rejected, failed: all tracks of the batch
    worked: int  # tracks that were worked on now; the others were done already
    seconds: float
    audio_s: float  # of the tracks that were worked on now
    trouble: list[Row] = field(default_factory=list)  # rows that are not ok
    links: Mapping[str, str] = field(default_factory=dict)  # what a person may want to open: name -> key in the store

    @property
    def failed_share(self) -> float:
        return self.counts["failed"] / max(1, sum(self.counts.values()))


ATTEMPTS_TAG = "melisma/attempts"  # tag of a run: how often a failed track may have been tried before
MAX_FAILED_SHARE = 0.2  # of a batch; above it something is broken, and the batch is not done


@dataclass(frozen=True, slots=True)
class Policy:
    """When work is written down, and how often it is tried."""

    chunk: int = 64
    chunk_s: float = 20.0
    attempts: int = 3


Progress = Callable[[int, int], None]

# What a data version is the hash of: the keys and fates, and what can differ for one and the same key (what a failure
# said, what the catalogue decided from what had come before).
VERSIONED = (
    "track_id",
    "input_hash",
    "parameter_hash",
    "status",
    "reason",
    "detail",
    "split",
    "duplicate_of",
)


def run_stage(
    stage: Stage,
    batch: str,
    ledger: Ledger,
    engine: Engine,
    policy: Policy = Policy(),
    progress: Progress = lambda done, total: None,
) -> Outcome:
    """Brings a batch up to date in a stage.

    Rows whose key (inputs, settings, models) is in the ledger are kept; failed ones are tried again until `attempts`
    are spent. What is worked on is written down every `chunk` tracks or `chunk_s` seconds, so that a killed run goes
    on from there. The same inputs end in the same bytes however often that happened.
    """
    start = monotonic()
    inputs = input_rows(stage, batch, ledger)
    finished = _finished(stage, batch, ledger, policy.attempts)
    todo = [row for row in inputs if row["key"] not in finished]
    for chunk in _chunks(_work(stage, engine, todo, progress), policy):
        rows = [row for fates, _ in chunk for row in fates]
        efforts = pa.Table.from_pylist([effort for _, effort in chunk], schema=EFFORTS)
        ledger.append(stage.table, batch, table_of(stage.table, rows), efforts)
        for fates, effort in chunk:
            finished[effort["work_key"]] = fates
    rows = [row for track in inputs for row in finished[track["key"]]]
    version = seal(stage, batch, rows, ledger)
    return Outcome(
        stage.table,
        batch,
        version,
        counts_of(rows),
        worked=len(todo),
        seconds=monotonic() - start,
        audio_s=sum(finished[row["key"]][0].get("duration_s") or row.get("duration_s") or 0.0 for row in todo),
        trouble=[row for row in rows if row["status"] != Status.OK],
    )


def input_rows(recipe: Recipe, batch: str, ledger: Ledger) -> list[Row]:
    """What goes into a table: a row for each track, with `input_hash` and the `key` of all its result depends on.

    Raises:
        KeyError: a table that is read has not been made for the batch.
    """
    tables = {
        table: ok_rows(ledger.read(table, batch, ["track_id", "status", *columns]), ["track_id", *columns])
        for table, columns in recipe.reads.items()
    }
    rows = list(recipe.join(tables, batch))
    for row in rows:
        row["input_hash"] = digest(row)
        row["key"] = work_key(row["track_id"], row["input_hash"], recipe.parameter_hash)
    return rows


def work_key(track_id: str, input_hash: str, parameter_hash: str) -> str:
    return digest([track_id, input_hash, parameter_hash])


def counts_of(rows: list[Row]) -> dict[str, int]:
    """Tracks by status; a track with several rows counts once."""
    fate = {row["track_id"]: row["status"] for row in rows}
    return {status.value: sum(value == status for value in fate.values()) for status in Status}


def made_from(recipe: Recipe, batch: str, ledger: Ledger) -> dict[str, str]:
    """The versions of all that a batch's table would be made from now."""
    read = {name: pointer.data_version for name in recipe.reads if (pointer := ledger.pointer(name, batch))}
    return read | dict(recipe.beside(ledger, batch))


def seal(recipe: Recipe, batch: str, rows: list[Row], ledger: Ledger) -> str:
    """Makes `rows` the batch's table, and gives its data version: the hash of the keys and fates."""
    table = table_of(recipe.table, rows)
    version = digest([recipe.table, [[row.get(name) for name in VERSIONED] for row in rows]])
    read = made_from(recipe, batch, ledger)
    pointer = Pointer(
        f"tables/{recipe.table}/{batch}/{version}.parquet", version, recipe.parameter_hash, read, counts_of(rows)
    )
    if ledger.pointer(recipe.table, batch) != pointer or ledger.parts(recipe.table, batch):
        ledger.seal(recipe.table, batch, table, pointer)
        ledger.compact(recipe.table, batch)
    return version


def _finished(stage: Stage, batch: str, ledger: Ledger, attempts: int) -> dict[str, list[Row]]:
    """Rows by key, of the batch's last table and of the chunks of an interrupted run; without failures that are
    still worth a try."""
    tables = ledger.parts(stage.table, batch)
    if ledger.pointer(stage.table, batch):
        tables.append(ledger.read(stage.table, batch))
    if not tables:
        return {}
    tries: dict[str, int] = defaultdict(int)
    for key in ledger.efforts(stage.table, batch)["work_key"].to_pylist():
        tries[key] += 1
    finished: dict[str, list[Row]] = {}
    spent: dict[str, list[Row]] = {}
    for table in tables:
        rows: dict[str, list[Row]] = defaultdict(list)
        for row in table.to_pylist():
            rows[work_key(row["track_id"], row["input_hash"], row["parameter_hash"])].append(row)
        for key, fates in rows.items():
            if fates[0]["status"] != Status.FAILED:
                finished.setdefault(key, fates)
            elif tries[key] >= attempts:
                spent.setdefault(key, fates)
    return spent | finished


def _work(stage: Stage, engine: Engine, todo: list[Row], progress: Progress) -> Iterator[tuple[list[Row], Row]]:
    for count, done in enumerate(engine.run(stage.open, todo, stage.timeout_s, stage.crew), start=1):
        rows = [stamp(done.item, stage) | row for row in _rows_of(done)]
        progress(count, len(todo))
        yield rows, effort_of(done, rows[0])


def stamp(track: Row, recipe: Recipe) -> Row:
    """What every row says of how it came about."""
    return {name: track[name] for name in ("track_id", "input_hash")} | {"parameter_hash": recipe.parameter_hash}


def effort_of(done: Done, row: Row) -> Row:
    return {
        "track_id": done.item["track_id"],
        "work_key": done.item["key"],
        "status": row["status"],
        "seconds": done.seconds,
        "audio_s": done.item.get("duration_s") or row.get("duration_s"),
        "finished_at": datetime.now(UTC),
    }


def _rows_of(done: Done) -> list[Row]:
    if done.error is None:
        return [{"status": Status.OK, "reason": None, "detail": None} | row for row in done.result]
    return [fate_of(done.error)]


def fate_of(error: Exception) -> Row:
    """The status, reason and detail of a track that ended in an error.

    Raises:
        Outage: it is not the track's: whatever came next would end in it too.
    """
    if outage := outage_of(error):
        raise outage from error
    match error:
        case Rejected():
            return {"status": Status.REJECTED, "reason": error.reason, "detail": _storable(error.detail)}
        case DecodeError(reason=Reason.REPLACED):
            return {"status": Status.REJECTED, "reason": Reason.REPLACED, "detail": _storable(error.message)}
        case WorkerDied():
            reason = Reason.CRASHED
        case TimeoutError():
            reason = Reason.TIMEOUT
        case MemoryError():
            reason = Reason.OUT_OF_MEMORY
        case DecodeError(reason=Reason.MISSING | Reason.UNREADABLE):  # it was there when it was listed
            reason = Reason(error.reason)
        case _:
            reason = Reason.ERROR
    return {"status": Status.FAILED, "reason": reason, "detail": _storable(f"{type(error).__name__}: {error}"[:500])}


def _storable(text: str) -> str:
    """A file's name may hold bytes that are no text; a table holds text alone."""
    return text.encode("utf-8", "backslashreplace").decode()


def _chunks(done: Iterator[tuple[list[Row], Row]], policy: Policy) -> Iterator[list[tuple[list[Row], Row]]]:
    chunk: list[tuple[list[Row], Row]] = []
    since = monotonic()
    for item in done:
        chunk.append(item)
        if len(chunk) >= policy.chunk or monotonic() - since >= policy.chunk_s:
            yield chunk
            chunk, since = [], monotonic()
    if chunk:
        yield chunk
