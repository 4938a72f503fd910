"""What happens when files arrive, and when a stage of a training run has met its target."""

from datetime import UTC, datetime

import dagster as dg

from assets.manifest.batches import unsealed
from assets.manifest.rows import SourceError
from assets.manifest.sources import list_source
from assets.models.course import ASSET_OF, BEFORE
from assets.profile import profile
from pipelines.jobs import STAGE_JOBS, ingest, train
from resources.configured import StoreResource
from resources.ledger import Ledger

MOST_AT_ONCE = 100


@dg.sensor(
    job=ingest,
    minimum_interval_seconds=300,
    description="Looks into the profile's source, and seals a batch once enough new files are there.",
)
def arrivals(context: dg.SensorEvaluationContext, store: StoreResource) -> dg.RunRequest | dg.SkipReason:
    """Starts `ingest` when new files fill a batch (one, if the profile seals short ones), or lyrics were edited."""
    settings = profile().manifest
    if not settings.source:
        return dg.SkipReason("the profile names no source: set [manifest] source in melisma.toml")
    try:
        new, changed = unsealed(list_source(settings.source), Ledger(store.build()))
    except SourceError as error:
        return dg.SkipReason(str(error))
    enough = 1 if settings.seal_short else settings.batch_size
    if len(new) < enough and not changed:
        return dg.SkipReason(f"{len(new)} new files; {enough} are needed for a batch")
    hour = datetime.now(UTC).strftime("%Y-%m-%d %H")  # an ingest that failed is tried again an hour later
    ends = " ".join(row["track_id"] for row in (new[:1] + new[-1:]))
    return dg.RunRequest(run_key=f"{hour} {len(new)} {ends} {changed}")


@dg.sensor(
    jobs=[STAGE_JOBS[stage] for stage in BEFORE],
    minimum_interval_seconds=30,
    description="Starts the next stage of a training run when the one before has met its target.",
)
def next_stage(context: dg.SensorEvaluationContext, store: StoreResource) -> dg.SensorResult:
    """A run for each stage whose turn it is, with the settings of the stage before.

    A run that goes over several stages itself, and a stage that somebody has started, are left alone.
    """
    ledger = Ledger(store.build())
    cursor = seen = int(context.cursor or 0)
    requests = []
    for stage, before in BEFORE.items():
        asset = dg.AssetKey(ASSET_OF[before])
        found = context.instance.fetch_materializations(
            dg.AssetRecordsFilter(asset, after_storage_id=cursor), limit=MOST_AT_ONCE, ascending=True
        )
        for record in found.records:
            seen = max(seen, record.storage_id)
            run, made = record.partition_key, record.asset_materialization
            if run is None or made is None or not made.metadata["target_met"].value:
                continue
            if _goes_on_itself(context.instance, record.run_id, stage) or ledger.pointer(ASSET_OF[stage], run):
                continue
            request = dg.RunRequest(
                run_key=f"{run} {stage} {made.metadata['model'].value}",
                job_name=STAGE_JOBS[stage].name,
                partition_key=run,
                tags={"melisma/why": f"{before} has met its target"},
            )
            requests.append(request)
    if not requests:
        return dg.SensorResult(skip_reason="no stage has met its target since", cursor=str(seen))
    return dg.SensorResult(requests, cursor=str(seen))


def _goes_on_itself(instance: dg.DagsterInstance, run_id: str, stage: str) -> bool:
    """Whether a run of Dagster's will come to the stage without us."""
    run = instance.get_run_by_id(run_id)
    if run is None:
        return False
    return dg.AssetKey(ASSET_OF[stage]) in run.asset_selection if run.asset_selection else run.job_name == train.name
