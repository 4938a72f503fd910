"""Runs started from a command line: the same jobs as in the UI, in this process, recorded where the UI looks."""

import os
import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
from sqlalchemy.exc import DBAPIError

from assets.partitions import BATCHES, DATA_VERSION, IS_GIVEN, SEALED, TRAINING_RUNS, materialization
from assets.profile import HOUSE, profile
from assets.report.standing import BatchStanding, Standing
from assets.stage import Recipe
from pipelines.jobs import OF_A_RUN
from resources.ledger import Ledger
from resources.outages import Outage
from resources.stores import is_alive, open_store

PROCESS_TAG = "melisma/process"
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


class RunFailed(RuntimeError):
    """A run ended in failure; the message is the cause, in words."""


@dataclass(slots=True)
class StageRun:
    """What one stage did in one run."""

    stage: str
    batch: str | None
    metadata: dict[str, Any] = field(default_factory=dict)


@contextmanager
def instance() -> Iterator[dg.DagsterInstance]:
    """The instance the page uses: DAGSTER_HOME where it is set, otherwise the project's .dagster/.

    Raises:
        Outage: the database in which Dagster keeps its records cannot be written or reached.
    """
    if "DAGSTER_HOME" not in os.environ:
        home = HOUSE / ".dagster"
        home.mkdir(exist_ok=True)
        if not (home / "dagster.yaml").exists():
            (home / "dagster.yaml").symlink_to("../dagster.yaml")
        os.environ["DAGSTER_HOME"] = str(home)
    try:
        with dg.DagsterInstance.get() as dagster:
            yield dagster
    except DBAPIError as error:
        raise Outage(f"Dagster's records in {os.environ['DAGSTER_HOME']} cannot be used: {error.orig}") from error


def run_job(
    name: str,
    batch: str | None = None,
    stages: Sequence[str] | None = None,
    config: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    codec: str | None = None,
    training_run: str | None = None,
) -> list[StageRun]:
    """Runs a job, or some of its assets, and gives what each asset reported.

    Its partition is a batch, a batch and a codec, a training run, or none.

    Raises:
        RunFailed: an asset failed.
        Outage: the store or Dagster's own records cannot be written; nothing else would go better.
    """
    from pipelines.definitions import defs

    with instance() as dagster:
        _end_dead_runs(dagster)
        if batch:
            dagster.add_dynamic_partitions(BATCHES, [batch])  # it is in the ledger; Dagster may have been reset
        if training_run:
            dagster.add_dynamic_partitions(TRAINING_RUNS, [training_run])
        of_codec = dg.MultiPartitionKey({"batch": batch, "codec": codec}) if batch and codec else None
        result = defs.resolve_job_def(name).execute_in_process(
            run_config={**QUIET, **(config or {})},
            partition_key=training_run or of_codec or batch,
            asset_selection=[dg.AssetKey(stage) for stage in stages] if stages else None,
            tags={PROCESS_TAG: _process(os.getpid()), **(tags or {})},
            instance=dagster,
            raise_on_error=False,
        )
    open_store(profile().store_root)  # takes away what workers that were stopped have left half-written
    if not result.success:
        failures = [event for event in result.all_events if event.is_step_failure]
        if outage := next((event for event in failures if _cause_of(event) == Outage.__name__), None):
            raise Outage(_cause(outage).replace(f"{Outage.__name__}: ", ""))
        raise RunFailed("; ".join(_cause(event) for event in failures) or f"{name} failed before its first step")
    return [
        StageRun(
            event.asset_key.to_user_string() if event.asset_key else "",
            event.partition,
            {key: getattr(value, "value", None) for key, value in event.materialization.metadata.items()},
        )
        for event in result.get_asset_materialization_events()
    ]


def tell_what_is_done(stages: Mapping[str, Recipe], standings: Sequence[BatchStanding], ledger: Ledger) -> int:
    """Tells Dagster of batches that the ledger has and it has never heard of: its storage may have been removed.

    `stages` by their tables. Gives how many tables it was told of.
    """
    told = 0
    with instance() as dagster:
        dagster.add_dynamic_partitions(BATCHES, ledger.batches("manifest"))
        if ledger.batches("manifest") and dagster.get_latest_materialization_event(dg.AssetKey("manifest")) is None:
            tags = {DATA_VERSION: SEALED, IS_GIVEN: "true"}
            dagster.report_runless_asset_event(dg.AssetMaterialization("manifest", tags=tags))
        for name, stage in stages.items():
            key = dg.AssetKey(name)
            done = {standing.batch for standing in standings if standing.stages[name] == Standing.DONE}
            for batch in sorted(done - dagster.get_materialized_partitions(key)):
                made = materialization(dagster, ledger, name, batch, stage.parameter_hash)
                dagster.report_runless_asset_event(made)
                told += 1
        told += _tell_of_training_runs(dagster, ledger)
    return told


def _tell_of_training_runs(dagster: dg.DagsterInstance, ledger: Ledger) -> int:
    told = 0
    for name in OF_A_RUN:
        known = dagster.get_materialized_partitions(dg.AssetKey(name))
        for run in sorted(set(ledger.batches(name)) - known):
            pointer = ledger.pointer(name, run)
            assert pointer is not None  # it was listed
            dagster.add_dynamic_partitions(TRAINING_RUNS, [run])
            tags = {DATA_VERSION: pointer.data_version, IS_GIVEN: "true"}
            dagster.report_runless_asset_event(dg.AssetMaterialization(name, partition=run, tags=tags))
            told += 1
    return told


def _end_dead_runs(dagster: dg.DagsterInstance) -> None:
    """A killed command line leaves its run "started" and its places in the pools taken: the next one would wait for
    ever. So it first ends the runs of processes of this machine that are gone."""
    here = _process("")
    for run in dagster.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
        process = run.tags.get(PROCESS_TAG, "")
        if process.startswith(here) and not is_alive(int(process.removeprefix(here))):
            dagster.report_run_failed(run, "the process that ran it is gone")
            dagster.event_log_storage.free_concurrency_slots_for_run(run.run_id)


def _process(pid: int | str) -> str:
    return f"{socket.gethostname()} {pid}"


def _raised(event: dg.DagsterEvent) -> Any:
    """Dagster wraps what the asset raised once; what that came from in turn is for the log."""
    error = event.step_failure_data.error
    return (error.cause or error) if error else None


def _cause_of(event: dg.DagsterEvent) -> str | None:
    error = _raised(event)
    return error.cls_name if error else None


def _cause(event: dg.DagsterEvent) -> str:
    data = event.step_failure_data
    if data.user_failure_data and data.user_failure_data.description:
        return f"{event.step_key}: {data.user_failure_data.description}"
    error = _raised(event)
    words = re.sub(r"^(?:\w+\.)+(?=\w+: )", "", error.message.strip()) if error else "failed"
    return f"{event.step_key}: {words}"
