"""The asset `lyrics`."""

from collections.abc import Iterator

import dagster as dg

from assets.lyrics.settings import LyricsSettings
from assets.lyrics.stage import lyrics_stage
from assets.partitions import ONE_A_RUN, batches, column_schema, materialise
from assets.profile import profile
from resources.configured import EngineResource, StoreResource, launchpad

STAGE = lyrics_stage(profile().lyrics, "", profile().threads)


@dg.asset(
    partitions_def=batches,
    deps=list(STAGE.reads),
    group_name="words",
    kinds={"pytorch", "parquet"},
    owners=["team:data"],
    config_schema=launchpad(profile().lyrics),
    pool="lyrics",
    code_version=STAGE.parameter_hash,
    backfill_policy=ONE_A_RUN,
    metadata=column_schema(STAGE.table),
)
def lyrics(
    context: dg.AssetExecutionContext, store: StoreResource, engine: EngineResource
) -> Iterator[dg.MaterializeResult]:
    """One row per track: its words, each with the time at which it is sung, and how far those times can be trusted."""
    settings = LyricsSettings.model_validate(context.op_execution_context.op_config)
    stage = lyrics_stage(settings, store.root, engine.threads, fetch=True)
    yield from materialise(context, stage, store, engine)
