"""The asset `catalogue`."""

from collections.abc import Iterator

import dagster as dg

from assets.catalogue.settings import CatalogueSettings
from assets.catalogue.stage import catalogue_stage, catalogue_through
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
    # Batches go in the order of their sealing: in a backfill, one may have to wait for the tracks of an earlier one.
    retry_policy=dg.RetryPolicy(max_retries=20, delay=30),
    metadata=column_schema(STAGE.table),
)
def catalogue(context: dg.AssetExecutionContext, store: StoreResource) -> Iterator[dg.MaterializeResult]:
    """One row per track: whether it is another one again, and which split it belongs to for good."""
    settings = CatalogueSettings.model_validate(context.op_execution_context.op_config)
    recipe, ledger = catalogue_stage(settings), Ledger(store.build())

    def decide(batch: str) -> Outcome:
        return catalogue_through(recipe, settings, batch, ledger)

    yield from each_batch(context, decide, store)
