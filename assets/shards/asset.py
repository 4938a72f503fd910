"""The asset `shards`."""

from collections.abc import Iterator

import dagster as dg

from assets.partitions import MANY_A_RUN, batches, column_schema, each_batch, policy_of, progress_bar
from assets.profile import profile
from assets.shards.settings import ShardSettings
from assets.shards.stage import pack_batch, shards_stage
from assets.stage import Outcome
from resources.configured import EngineResource, StoreResource, launchpad
from resources.ledger import Ledger

STAGE = shards_stage(profile().shards, "")


@dg.asset(
    partitions_def=batches,
    deps=list(STAGE.reads),
    group_name="training_data",
    kinds={"webdataset"},
    owners=["team:data", "team:research"],
    config_schema=launchpad(profile().shards),
    pool="shards",
    code_version=STAGE.parameter_hash,
    backfill_policy=MANY_A_RUN,
    metadata=column_schema(STAGE.table),
)
def shards(
    context: dg.AssetExecutionContext, store: StoreResource, engine: EngineResource
) -> Iterator[dg.MaterializeResult]:
    """One row per sample: the WebDataset tar that holds it, and where in it."""
    settings = ShardSettings.model_validate(context.op_execution_context.op_config)
    stage, ledger = shards_stage(settings, store.root), Ledger(store.build())

    attempts = policy_of(context).attempts

    def pack(batch: str) -> Outcome:
        with progress_bar(f"shards {batch}") as progress:
            return pack_batch(stage, settings, batch, ledger, engine.build(), progress, attempts)

    yield from each_batch(context, pack, store)
