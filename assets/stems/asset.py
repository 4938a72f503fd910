"""The asset `stems`."""

from collections.abc import Iterator

import dagster as dg

from assets.partitions import ONE_A_RUN, batches, column_schema, materialise
from assets.profile import profile
from assets.stems.settings import StemSettings
from assets.stems.stage import stems_stage
from resources.configured import EngineResource, StoreResource, launchpad

STAGE = stems_stage(profile().stems, "", profile().threads)


@dg.asset(
    partitions_def=batches,
    deps=list(STAGE.reads),
    group_name="audio",
    kinds={"pytorch", "flac"},
    owners=["team:data"],
    config_schema=launchpad(profile().stems),
    pool="stems",
    code_version=STAGE.parameter_hash,
    backfill_policy=ONE_A_RUN,
    metadata=column_schema(STAGE.table),
)
def stems(
    context: dg.AssetExecutionContext, store: StoreResource, engine: EngineResource
) -> Iterator[dg.MaterializeResult]:
    """One row per track: where its vocals and its accompaniment lie, and when there is singing."""
    settings = StemSettings.model_validate(context.op_execution_context.op_config)
    stage = stems_stage(settings, store.root, engine.threads, fetch=True)
    yield from materialise(context, stage, store, engine)
