"""The asset `windows`."""

from collections.abc import Iterator

import dagster as dg

from assets.partitions import MANY_A_RUN, batches, column_schema, materialise
from assets.profile import profile
from assets.windows.settings import WindowSettings
from assets.windows.stage import windows_stage
from resources.configured import EngineResource, StoreResource, launchpad

STAGE = windows_stage(profile().windows)


@dg.asset(
    partitions_def=batches,
    deps=list(STAGE.reads),
    group_name="training_data",
    kinds={"parquet"},
    owners=["team:data"],
    config_schema=launchpad(profile().windows),
    pool="windows",
    code_version=STAGE.parameter_hash,
    backfill_policy=MANY_A_RUN,
    metadata=column_schema(STAGE.table),
)
def windows(
    context: dg.AssetExecutionContext, store: StoreResource, engine: EngineResource
) -> Iterator[dg.MaterializeResult]:
    """One row per window: where in its track the most words are sung."""
    settings = WindowSettings.model_validate(context.op_execution_context.op_config)
    yield from materialise(context, windows_stage(settings), store, engine)
