"""Batches as Dagster's partitions, and how what became of a batch is told to Dagster."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import dagster as dg
import pyarrow as pa
from tqdm import tqdm

from assets.profile import profile
from assets.rules import Rule
from assets.stage import ATTEMPTS_TAG, MAX_FAILED_SHARE, Outcome, Policy, Progress, Stage, run_stage
from assets.tables import DESCRIPTIONS, Status, run_schema_of, schema_of
from resources.configured import EngineResource, StoreResource
from resources.ledger import Ledger

# Backfill policies and partitioned checks are beta and preview in the Dagster that constraints.txt pins; a job over
# both policies takes the smaller. All of that is meant.
warnings.filterwarnings("ignore", category=dg.BetaWarning)
warnings.filterwarnings("ignore", category=dg.PreviewWarning)
warnings.filterwarnings("ignore", message="(?s).*varying BackfillPolicies.*")

BATCHES = "batch"
batches = dg.DynamicPartitionsDefinition(name=BATCHES)
CODECS = dg.StaticPartitionsDefinition(list(profile().models.codecs))
batches_and_codecs = dg.MultiPartitionsDefinition({"batch": batches, "codec": CODECS})
TRAINING_RUNS = "training_run"
training_runs = dg.DynamicPartitionsDefinition(name=TRAINING_RUNS)

ONE_A_RUN = dg.BackfillPolicy.multi_run(max_partitions_per_run=1)  # a model's batch: its own version, log and retry
MANY_A_RUN = dg.BackfillPolicy.multi_run(max_partitions_per_run=64)  # cheap ones: a run costs more than the work

SHOWN_TROUBLE = 20
# The data version of `manifest`: nothing is stale because a batch is added; what changed in one, the ledger knows.
SEALED = "sealed batches keep their files"

# What Dagster itself writes on the event of a single partition. With several in one run it would give all of them the
# same version, so each gets an event of its own.
DATA_VERSION = "dagster/data_version"
IS_GIVEN = "dagster/data_version_is_user_provided"
CODE_VERSION = "dagster/code_version"
INPUT_VERSION = "dagster/input_data_version/"
INPUT_EVENT = "dagster/input_event_pointer/"


def materialise(
    context: dg.AssetExecutionContext, stage: Stage, store: StoreResource, engine: EngineResource
) -> Iterator[dg.MaterializeResult]:
    """Brings the run's batches up to date in a stage that goes track by track, and says so."""
    ledger = Ledger(store.build())
    policy = policy_of(context)

    def run(batch: str) -> Outcome:
        with progress_bar(f"{stage.table} {batch}") as progress:
            return run_stage(stage, batch, ledger, engine.build(), policy, progress)

    yield from each_batch(context, run, store)


def policy_of(context: dg.AssetExecutionContext) -> Policy:
    """How often failed tracks may have been tried before, if the run's tags say so."""
    return Policy(attempts=int(context.run.tags.get(ATTEMPTS_TAG, Policy().attempts)))


def each_batch(
    context: dg.AssetExecutionContext, run: Callable[[str], Outcome], store: StoreResource
) -> Iterator[dg.MaterializeResult]:
    """Runs a stage on the run's batches, oldest first; the result is one event with one data version for each.

    Raises:
        dg.Failure: too many tracks of a batch failed. What did not fail is kept.
    """
    outcomes: list[Outcome] = []
    for batch in sorted(context.partition_keys):
        outcome = run(batch)
        context.log.info(sentence(outcome))
        if outcome.failed_share > MAX_FAILED_SHARE:
            first = next(row for row in outcome.trouble if row["status"] == Status.FAILED)
            _log_each(context, outcomes, store)
            raise dg.Failure(
                f"{outcome.counts['failed']} of {sum(outcome.counts.values())} tracks failed in {outcome.stage} "
                f"{batch}. "
                f"The first, {first['track_id']}: {first['detail']}. What did not fail is kept. "
                f"Mend the cause, then: melisma run --batch {batch} --retry-failed",
                metadata=metadata_of(outcome, store),
                allow_retries=False,
            )
        outcomes.append(outcome)
    if len(outcomes) == 1:
        version = dg.DataVersion(outcomes[0].data_version)
        yield dg.MaterializeResult(metadata=metadata_of(outcomes[0], store), data_version=version)
        return
    yield dg.MaterializeResult()
    _log_each(context, outcomes, store)


def _log_each(context: dg.AssetExecutionContext, outcomes: Sequence[Outcome], store: StoreResource) -> None:
    ledger = Ledger(store.build())
    code_version = context.assets_def.code_versions_by_key[context.asset_key] or ""
    for outcome in outcomes:
        made = materialization(context.instance, ledger, outcome.stage, outcome.batch, code_version)
        context.log_event(made.with_metadata({**(made.metadata or {}), **metadata_of(outcome, store)}))


def materialization(
    instance: dg.DagsterInstance, ledger: Ledger, stage: str, batch: str, code_version: str
) -> dg.AssetMaterialization:
    """The event of a batch that the ledger has: with the events and versions of its inputs that it was made from,
    which is what Dagster tells stale from fresh by.

    Raises:
        KeyError: the ledger does not have it.
    """
    pointer = ledger.pointer(stage, batch)
    if pointer is None:
        raise KeyError(f"{stage} has not finished batch {batch}")
    tags = {DATA_VERSION: pointer.data_version, IS_GIVEN: "true", CODE_VERSION: code_version}
    for name, version in pointer.inputs.items():
        if "/" not in name:  # of the same batch
            before = dg.AssetRecordsFilter(dg.AssetKey(name), asset_partitions=[batch])
            tags[f"{INPUT_VERSION}{name}"] = version if name != "manifest" else SEALED
            for record in instance.fetch_materializations(before, limit=1).records:
                tags[f"{INPUT_EVENT}{name}"] = str(record.storage_id)
    return dg.AssetMaterialization(dg.AssetKey(stage), partition=batch, metadata=dict(pointer.counts), tags=tags)


def metadata_of(outcome: Outcome, store: StoreResource) -> Mapping[str, Any]:
    """Eight stable numbers, which Dagster charts over the batches, and the rows that need a look."""
    tracks = sum(outcome.counts.values())
    numbers = {
        "tracks": tracks,
        **outcome.counts,
        "worked_on": outcome.worked,
        "audio_minutes": round(outcome.audio_s / 60, 3),
        "seconds": round(outcome.seconds, 3),
        "times_real_time": round(outcome.audio_s / outcome.seconds, 2) if outcome.seconds else 0.0,
    }
    keys = {"table": f"current/{outcome.stage}/{outcome.batch}.json", **outcome.links}
    links = {name: dg.MetadataValue.url(store.build().uri(key)) for name, key in keys.items()}
    if not outcome.trouble:
        return numbers | links
    fields = ("track_id", "status", "reason", "detail")
    records = [
        dg.TableRecord({name: str(row.get(name) or "") for name in fields}) for row in outcome.trouble[:SHOWN_TROUBLE]
    ]
    return numbers | links | {"not_ok": dg.MetadataValue.table(records)}


@contextmanager
def refusing(*errors: type[Exception]) -> Iterator[None]:
    """What a person has to mend fails the run in its own words, and is not tried again."""
    try:
        yield
    except errors as error:
        raise dg.Failure(str(error), allow_retries=False) from error


def column_schema(stage: str) -> Mapping[str, Any]:
    """The table's columns, as asset metadata."""
    return _columns(schema_of(stage))


def run_column_schema(table: str) -> Mapping[str, Any]:
    """The same of a table of training runs."""
    return _columns(run_schema_of(table))


def _columns(schema: pa.Schema) -> Mapping[str, Any]:
    columns = [dg.TableColumn(field.name, str(field.type), DESCRIPTIONS.get(field.name)) for field in schema]
    return {"dagster/column_schema": dg.TableSchema(columns=columns)}


def sentence(outcome: Outcome) -> str:
    counts = ", ".join(f"{count} {status}" for status, count in outcome.counts.items())
    if not outcome.worked:
        return f"{outcome.stage} {outcome.batch}: nothing to do ({counts})"
    return f"{outcome.stage} {outcome.batch}: {outcome.worked} tracks in {outcome.seconds:.1f} s ({counts})"


@contextmanager
def progress_bar(title: str) -> Iterator[Progress]:
    """A bar on a terminal, nothing elsewhere."""
    with tqdm(desc=title, unit="track", disable=None, leave=False) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield show


def batch_checks(asset: str, rules: Sequence[Rule]) -> list[dg.AssetChecksDefinition]:
    """Rules as asset checks: each looks at the batches of its run."""
    return [_check(asset, rule, batches) for rule in rules]


def run_checks(asset: str, rules: Sequence[Rule]) -> list[dg.AssetChecksDefinition]:
    """Rules as asset checks of training runs, each of which is to them what a batch is to the others."""
    return [_check(asset, rule, training_runs) for rule in rules]


def _check(asset: str, rule: Rule, partitions: dg.PartitionsDefinition) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=asset, name=rule.__name__, description=rule.__doc__, partitions_def=partitions)
    def check(context: dg.AssetCheckExecutionContext, store: StoreResource) -> dg.AssetCheckResult:
        ledger = Ledger(store.build())
        keys = context.op_execution_context.partition_keys
        faults = [f"{batch}: {fault}" for batch in keys for fault in rule(ledger, batch)]
        return dg.AssetCheckResult(
            passed=not faults,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"faults": len(faults), "first": "\n".join(faults[:SHOWN_TROUBLE])},
        )

    return check
