"""The jobs a person or a clock starts."""

import dagster as dg

from assets.partitions import batches

ROAD = ("tracks", "catalogue", "stems", "lyrics", "captions", "windows", "shards")

ingest = dg.define_asset_job(
    "ingest", selection=dg.AssetSelection.assets("manifest"), description="List a source and seal the batches it fills."
)
road = dg.define_asset_job(
    "road",
    selection=dg.AssetSelection.assets(*ROAD),
    partitions_def=batches,
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
