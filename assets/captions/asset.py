"""The asset `captions`."""

from collections.abc import Iterator

import dagster as dg

from assets.captions.settings import CaptionSettings
from assets.captions.stage import captions_stage
from assets.partitions import ONE_A_RUN, batches, column_schema, materialise
from assets.profile import profile
from resources.configured import EngineResource, StoreResource, launchpad

STAGE = captions_stage(profile().captions, "", profile().threads)


@dg.asset(
    partitions_def=batches,
    deps=list(STAGE.reads),
    group_name="words",
    kinds={"python", "parquet"},
    owners=["team:data"],
    config_schema=launchpad(profile().captions),
    pool="captions",
    code_version=STAGE.parameter_hash,
    backfill_policy=ONE_A_RUN,
    metadata=column_schema(STAGE.table),
)
def captions(
    context: dg.AssetExecutionContext, store: StoreResource, engine: EngineResource
) -> Iterator[dg.MaterializeResult]:
    """One row per track: how it sounds in words, long, short and as tags, with its tempo and its key."""
    settings = CaptionSettings.model_validate(context.op_execution_context.op_config)
    stage = captions_stage(settings, store.root, engine.threads, fetch=True)
    yield from materialise(context, stage, store, engine)
