"""The jobs a person or a clock starts."""

import dagster as dg

from assets.models.course import ASSET_OF
from assets.partitions import batches, batches_and_codecs, training_runs

ROAD = ("tracks", "catalogue", "stems", "lyrics", "captions", "windows", "shards")

ingest = dg.define_asset_job(
    "ingest", selection=dg.AssetSelection.assets("manifest"), description="List a source and seal the batches it fills."
)
road = dg.define_asset_job(
    "road",
    selection=dg.AssetSelection.assets(*ROAD),
    partitions_def=batches,
    tags={"melisma/road": "1"},  # dagster.yaml lets one such run at once
    description="A batch from its files to its shards; what is done already is not done again.",
)
listen = dg.define_asset_job(
    "listen",
    selection=dg.AssetSelection.assets("pages"),
    partitions_def=batches,
    description="A page on which a batch can be listened to; not part of the road, since it takes space.",
)
report = dg.define_asset_job(
    "corpus_report",
    selection=dg.AssetSelection.assets("report"),
    description="How the whole corpus stands, in pictures.",
)
encode = dg.define_asset_job(
    "encode",
    selection=dg.AssetSelection.assets("latents"),
    partitions_def=batches_and_codecs,
    description="A batch's shards as latents of a codec; what is encoded already is not encoded again.",
)
train = dg.define_asset_job(
    "train",
    selection=dg.AssetSelection.assets("line_durations", *ASSET_OF.values(), "samples", "scores"),
    partitions_def=training_runs,
    description="A training run from its line durations over all three stages to its scores; what is done goes on.",
)
STAGE_JOBS = {
    stage: dg.define_asset_job(
        f"train_{stage}",
        selection=dg.AssetSelection.assets(asset),
        partitions_def=training_runs,
        description=f"The stage {stage} of a training run.",
    )
    for stage, asset in ASSET_OF.items()
}
compare = dg.define_asset_job(
    "compare_runs",
    selection=dg.AssetSelection.assets("comparison"),
    description="The page on which all training runs stand side by side.",
)
