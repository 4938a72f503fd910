"""The asset `pages`."""

from collections.abc import Iterator
from dataclasses import replace

import dagster as dg

from assets.pages.checks import every_file_is_there
from assets.pages.render import code_version, made_from, write_page
from assets.pages.settings import PageSettings
from assets.pages.stage import pages_stage
from assets.partitions import ONE_A_RUN, batches, column_schema, each_batch, policy_of, progress_bar
from assets.profile import profile
from assets.stage import Outcome, run_stage
from resources.configured import EngineResource, StoreResource, launchpad
from resources.ledger import Ledger

STAGE = pages_stage(profile().pages, "")


@dg.asset(
    partitions_def=batches,
    deps=list(STAGE.reads),
    group_name="report",
    kinds={"html"},
    owners=["team:data"],
    config_schema=launchpad(profile().pages),
    pool="pages",
    code_version=code_version(profile().pages),
    backfill_policy=ONE_A_RUN,
    metadata=column_schema(STAGE.table),
)
def pages(
    context: dg.AssetExecutionContext, store: StoreResource, engine: EngineResource
) -> Iterator[dg.MaterializeResult]:
    """One row per track: its audio as a browser plays it, for the page on which a batch can be listened to."""
    settings = PageSettings.model_validate(context.op_execution_context.op_config)
    ledger = Ledger(store.build())
    policy = policy_of(context)

    def make(batch: str) -> Outcome:
        if ledger.pointer(STAGE.table, batch) and every_file_is_there(ledger, batch):
            ledger.forget(STAGE.table, batch)  # somebody has removed some of it, to save space
        with progress_bar(f"pages {batch}") as progress:
            outcome = run_stage(pages_stage(settings, store.root), batch, ledger, engine.build(), policy, progress)
        page = write_page(settings, ledger, batch)
        return replace(outcome, data_version=made_from(settings, ledger, batch), links={"page": page})

    yield from each_batch(context, make, store)
