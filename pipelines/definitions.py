"""All that Dagster loads."""

import dagster as dg

import assets.captions.asset
import assets.captions.checks
import assets.catalogue.asset
import assets.catalogue.checks
import assets.comparison.asset
import assets.lyrics.asset
import assets.lyrics.checks
import assets.manifest.asset
import assets.models.asset
import assets.models.checks
import assets.pages.asset
import assets.pages.checks
import assets.report.asset
import assets.report.checks
import assets.scores.asset
import assets.scores.checks
import assets.shards.asset
import assets.shards.checks
import assets.stems.asset
import assets.stems.checks
import assets.tracks.asset
import assets.tracks.checks
import assets.windows.asset
import assets.windows.checks
from assets.profile import profile
from pipelines.jobs import STAGE_JOBS, compare, encode, ingest, listen, report, road, train
from pipelines.schedules import nightly
from pipelines.sensors import arrivals, next_stage
from resources.configured import EngineResource, LauncherResource, StoreResource

ROOMS = [
    assets.manifest.asset,
    assets.tracks.asset,
    assets.catalogue.asset,
    assets.stems.asset,
    assets.lyrics.asset,
    assets.captions.asset,
    assets.windows.asset,
    assets.shards.asset,
    assets.pages.asset,
    assets.report.asset,
    assets.models.asset,
    assets.scores.asset,
    assets.comparison.asset,
]

CHECKS = [
    assets.tracks.checks,
    assets.catalogue.checks,
    assets.stems.checks,
    assets.lyrics.checks,
    assets.captions.checks,
    assets.windows.checks,
    assets.shards.checks,
    assets.pages.checks,
    assets.report.checks,
    assets.models.checks,
    assets.scores.checks,
]

defs = dg.Definitions(
    assets=dg.with_source_code_references(dg.load_assets_from_modules(ROOMS)),
    asset_checks=[check for room in CHECKS for check in room.checks],
    jobs=[ingest, road, listen, report, encode, train, *STAGE_JOBS.values(), compare],
    schedules=[nightly],
    sensors=[arrivals, next_stage],
    resources={
        "store": StoreResource(root=profile().store_root),
        "engine": EngineResource(workers=profile().worker_count, threads=profile().threads),
        "launcher": LauncherResource(kind="torchrun"),
    },
    # A stage has worker processes of its own; one more for each step would only load the definitions again.
    executor=dg.in_process_executor,
)
