"""What happens when files arrive."""

from datetime import UTC, datetime

import dagster as dg

from assets.manifest.batches import unsealed
from assets.manifest.rows import SourceError
from assets.manifest.sources import list_source
from assets.profile import profile
from pipelines.jobs import ingest
from resources.configured import StoreResource
from resources.ledger import Ledger


@dg.sensor(
    job=ingest,
    minimum_interval_seconds=300,
    description="Looks into the profile's source, and seals a batch once enough new files are there.",
)
def arrivals(context: dg.SensorEvaluationContext, store: StoreResource) -> dg.RunRequest | dg.SkipReason:
    """Starts `ingest` when new files fill a batch (one, if the profile seals short ones), or lyrics were edited."""
    settings = profile().manifest
    if not settings.source:
        return dg.SkipReason("the profile names no source: set [manifest] source in melisma.toml")
    try:
        new, changed = unsealed(list_source(settings.source), Ledger(store.build()))
    except SourceError as error:
        return dg.SkipReason(str(error))
    enough = 1 if settings.seal_short else settings.batch_size
    if len(new) < enough and not changed:
        return dg.SkipReason(f"{len(new)} new files; {enough} are needed for a batch")
    hour = datetime.now(UTC).strftime("%Y-%m-%d %H")  # an ingest that failed is tried again an hour later
    ends = " ".join(row["track_id"] for row in (new[:1] + new[-1:]))
    return dg.RunRequest(run_key=f"{hour} {len(new)} {ends} {changed}")
