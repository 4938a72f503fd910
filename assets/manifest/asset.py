"""The asset `manifest`: every file has a batch, for good."""

import dagster as dg

from assets.manifest.batches import seal_batches
from assets.manifest.listing import STAGE
from assets.manifest.rows import SourceError
from assets.manifest.settings import ManifestSettings
from assets.manifest.sources import list_source
from assets.partitions import BATCHES, SEALED, column_schema
from assets.profile import profile
from resources.configured import StoreResource, launchpad
from resources.ledger import Ledger


@dg.asset(
    group_name="files",
    kinds={"parquet"},
    owners=["team:data"],
    config_schema=launchpad(profile().manifest),
    pool="manifest",
    metadata=column_schema(STAGE),
)
def manifest(context: dg.AssetExecutionContext, store: StoreResource) -> dg.MaterializeResult:
    """One row per file: where it is, what came with it, and the batch that it belongs to for good."""
    settings = ManifestSettings.model_validate(context.op_execution_context.op_config)
    ledger = Ledger(store.build())
    try:
        sealed = seal_batches(list_source(settings.source), ledger, settings.batch_size, settings.seal_short)
    except SourceError as error:
        raise dg.Failure(str(error), allow_retries=False) from None
    # All of them, not only the new ones: an earlier run may have been killed between the ledger and this line.
    context.instance.add_dynamic_partitions(BATCHES, ledger.batches(STAGE))
    return dg.MaterializeResult(
        data_version=dg.DataVersion(SEALED),
        metadata={
            "listed": sealed.listed,
            "new": sealed.new,
            "changed": sealed.changed,
            "waiting": sealed.waiting,
            "batches_sealed": len(sealed.batches),
            "batches": len(ledger.batches(STAGE)),
            "source": settings.source,
        },
    )
