"""The asset `catalogue`."""

from collections.abc import Iterator

import dagster as dg

from assets.catalogue.settings import CatalogueSettings
from assets.catalogue.stage import Waits, catalogue_stage, catalogue_through
from assets.partitions import MANY_A_RUN, batches, column_schema, each_batch
from assets.profile import profile
from assets.stage import Outcome
from resources.configured import StoreResource, launchpad
from resources.ledger import Ledger

STAGE = catalogue_stage(profile().catalogue)


@dg.asset(
    partitions_def=batches,
    deps=list(STAGE.reads),
    group_name="files",
    kinds={"parquet"},
    owners=["team:data"],
    config_schema=launchpad(profile().catalogue),
    pool="catalogue",
    code_version=STAGE.parameter_hash,
    backfill_policy=MANY_A_RUN,
    metadata=column_schema(STAGE.table),
)
def catalogue(context: dg.AssetExecutionContext, store: StoreResource) -> Iterator[dg.MaterializeResult]:
    """One row per track: whether it is another one again, and which split it belongs to for good."""
    settings = CatalogueSettings.model_validate(context.op_execution_context.op_config)
    recipe, ledger = catalogue_stage(settings), Ledger(store.build())
    settled: set[str] = set()

    def decide(batch: str) -> Outcome:
        try:
            return catalogue_through(recipe, settings, batch, ledger, settled)
        except Waits as waits:
            # Batches go in the order of their sealing. In a backfill the earlier one is on its way; elsewhere nobody
            # may have asked for it.
            if "dagster/backfill" in context.run.tags:
                raise dg.RetryRequested(max_retries=60, seconds_to_wait=60) from waits
            raise dg.Failure(str(waits), allow_retries=False) from None

    yield from each_batch(context, decide, store)
