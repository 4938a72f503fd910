"""What happens at night."""

from collections.abc import Iterator

import dagster as dg

from assets.profile import profile
from assets.report.standing import standings
from assets.way import way
from pipelines.jobs import road
from resources.configured import StoreResource
from resources.ledger import Ledger


@dg.schedule(
    job=road,
    cron_schedule=profile().nightly_cron,
    description="Tops up what is missing, failed or stale, oldest first.",
)
def nightly(context: dg.ScheduleEvaluationContext, store: StoreResource) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """A run for each batch that has something to do: at most `nightly_batches` of them.

    Only the stages with something to do are asked for; asking for the same night twice starts nothing twice.
    """
    ledger = Ledger(store.build())
    night = context.scheduled_execution_time.strftime("%Y-%m-%d")
    at_work = [
        standing
        for standing in standings(ledger.batches("manifest"), list(way(profile()).values()), ledger)
        if standing.work
    ]
    if not at_work:
        yield dg.SkipReason("every batch is up to date")
    for standing in at_work[: profile().nightly_batches]:
        yield dg.RunRequest(
            run_key=f"{night} {standing.batch}",
            partition_key=standing.batch,
            asset_selection=[dg.AssetKey(stage) for stage in standing.work],
            tags={"melisma/why": ", ".join(f"{stage} {standing.stages[stage]}" for stage in standing.work)},
        )
