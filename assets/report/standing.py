"""How every batch stands in every stage: done, missing, stale, or failed and worth another try."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from assets.stage import MAX_FAILED_SHARE, Policy, Recipe, work_key
from assets.tables import Status
from resources.ledger import Ledger, Pointer


class Standing(StrEnum):
    DONE = "done"
    MISSING = "missing"
    STALE = "stale"  # other settings, models or inputs than today's
    FAILED = "failed"  # some of its tracks failed and may be tried again


@dataclass(frozen=True, slots=True)
class BatchStanding:
    batch: str
    stages: Mapping[str, Standing]

    @property
    def work(self) -> tuple[str, ...]:
        """The stages that have something to do, and those after them that read what they make."""
        return tuple(stage for stage, standing in self.stages.items() if standing != Standing.DONE)


def standings(
    batches: Iterable[str], stages: Sequence[Recipe], ledger: Ledger, attempts: int = Policy().attempts
) -> list[BatchStanding]:
    """Read from the pointers alone; where a batch has failures, from what was tried on them as well.

    A stage whose input is about to change counts as stale too, so that the list is what there is to do.
    """
    return [BatchStanding(batch, _batch(batch, stages, ledger, attempts)) for batch in batches]


def _batch(batch: str, stages: Sequence[Recipe], ledger: Ledger, attempts: int) -> dict[str, Standing]:
    pointers = {stage.table: ledger.pointer(stage.table, batch) for stage in stages}
    pointers["manifest"] = ledger.pointer("manifest", batch)
    found: dict[str, Standing] = {}
    for stage in stages:
        found[stage.table] = _standing(stage, batch, pointers, found, ledger, attempts)
    return found


def _standing(
    stage: Recipe,
    batch: str,
    pointers: Mapping[str, Pointer | None],
    before: Mapping[str, Standing],
    ledger: Ledger,
    attempts: int,
) -> Standing:
    pointer = pointers[stage.table]
    if pointer is None:
        return Standing.MISSING
    moved = any(
        before.get(name, Standing.DONE) != Standing.DONE
        or (now := pointers[name]) is None
        or pointer.inputs.get(name) != now.data_version
        for name in stage.reads
    )
    moved = moved or any(pointer.inputs.get(name) != now for name, now in stage.beside(ledger, batch).items())
    if moved or pointer.parameter_hash != stage.parameter_hash:
        return Standing.STALE
    if pointer.counts["failed"] > MAX_FAILED_SHARE * sum(pointer.counts.values()):
        return Standing.FAILED
    if pointer.counts["failed"] and _retriable(stage, batch, ledger, attempts):
        return Standing.FAILED
    return Standing.DONE


def _retriable(stage: Recipe, batch: str, ledger: Ledger, attempts: int) -> bool:
    fates = ledger.read(stage.table, batch, ["track_id", "status", "input_hash", "parameter_hash"]).to_pylist()
    failed = {
        work_key(row["track_id"], row["input_hash"], row["parameter_hash"])
        for row in fates
        if row["status"] == Status.FAILED
    }
    efforts = ledger.efforts(stage.table, batch).select(["work_key", "status"]).to_pylist()
    tries = Counter(row["work_key"] for row in efforts if row["status"] == Status.FAILED)
    return any(tries[name] < attempts for name in failed)
