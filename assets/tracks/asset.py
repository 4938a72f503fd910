"""The asset `tracks`."""

from collections.abc import Iterator

import dagster as dg

from assets.partitions import ONE_A_RUN, batches, column_schema, materialise
from assets.profile import profile
from assets.tracks.settings import TrackSettings
from assets.tracks.stage import tracks_stage
from resources.configured import EngineResource, StoreResource, launchpad

STAGE = tracks_stage(profile().tracks, profile().threads)


@dg.asset(
    partitions_def=batches,
    deps=list(STAGE.reads),
    group_name="files",
    kinds={"ffmpeg", "parquet"},
    owners=["team:data"],
    config_schema=launchpad(profile().tracks),
    pool="tracks",
    code_version=STAGE.parameter_hash,
    backfill_policy=ONE_A_RUN,
    metadata=column_schema(STAGE.table),
)
def tracks(
    context: dg.AssetExecutionContext, store: StoreResource, engine: EngineResource
) -> Iterator[dg.MaterializeResult]:
    """One row per file: what it holds as decoded, what its tags say, how loud it is, or why it is left out."""
    settings = TrackSettings.model_validate(context.op_execution_context.op_config)
    yield from materialise(context, tracks_stage(settings, engine.threads), store, engine)
