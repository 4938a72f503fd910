"""The assets by which models are judged: `samples` and `scores`."""

import os

import dagster as dg

from assets.models.published import last_model, seal
from assets.partitions import refusing, run_column_schema, training_runs
from assets.profile import profile
from assets.report.markdown import picture, table
from assets.scores.held_out import NothingHeldOut
from assets.scores.judges import open_judges
from assets.scores.pictures import spectrograms
from assets.scores.samples import make_samples
from assets.scores.scoring import score
from assets.scores.settings import SampleSettings, ScoreSettings
from assets.tables import Row
from resources.configured import StoreResource, launchpad
from resources.ledger import Ledger, digest
from resources.models import ModelUnavailable


@dg.asset(
    partitions_def=training_runs,
    deps=["joint"],
    group_name="models",
    kinds={"flac"},
    owners=["team:research"],
    config_schema=launchpad(profile().samples),
    pool="training",
    metadata=run_column_schema("samples"),
)
def samples(context: dg.AssetExecutionContext, store: StoreResource) -> dg.MaterializeResult:
    """One row per song: made by the run's model as a held-out window asks for, with its stems and its LRC."""
    settings = SampleSettings.model_validate(context.op_execution_context.op_config)
    ledger, run = Ledger(store.build()), context.partition_key
    model = model_of(ledger, run)
    rows: list[Row] = []
    with refusing(NothingHeldOut, ModelUnavailable, ValueError):
        for row in make_samples(ledger, run, model, settings, profile().models.device):
            rows.append(row)
            context.log.info(f"{row['item']}, seed {row['seed']}: {row['denoise_s'] + row['decode_s']:.1f} s")
    version = digest([model["sha256"], settings.model_dump(mode="json"), [row["item"] for row in rows]])
    seal(ledger, "samples", run, rows, version, {"joint": model["sha256"]}, table="samples")
    told = [(row["item"], str(row["seed"]), row["prompt"], ledger.store.uri(row["mix_uri"])) for row in rows]
    return dg.MaterializeResult(
        metadata={
            "songs": len(rows),
            "spectrograms": dg.MetadataValue.md(picture("samples", spectrograms(ledger.store, rows))),
            "files": dg.MetadataValue.md(table(("item", "seed", "prompt", "file"), told)),
            "to_listen": "melisma compare",
            "real_time_factor": _real_time_factor(rows),
            "memory_mb": max(row["memory_bytes"] for row in rows) / 1e6,
        },
        data_version=dg.DataVersion(version),
    )


@dg.asset(
    partitions_def=training_runs,
    deps=["samples"],
    group_name="models",
    kinds={"parquet"},
    owners=["team:research"],
    config_schema=launchpad(profile().scores),
    pool="training",
    metadata=run_column_schema("scores"),
)
def scores(context: dg.AssetExecutionContext, store: StoreResource) -> dg.MaterializeResult:
    """One row per figure: of the run's samples, and of the real windows, their codec, other windows and noise."""
    from training.codec import open_codec

    settings = ScoreSettings.model_validate(context.op_execution_context.op_config)
    ledger, run = Ledger(store.build()), context.partition_key
    model, made = model_of(ledger, run), ledger.read("samples", run).to_pylist()
    judges = open_judges(profile().stems, profile().lyrics, threads=os.cpu_count() or 1)  # nothing else runs here
    codec = open_codec(profile().models.codecs[model["codec"]], profile().models.device)
    with refusing(NothingHeldOut):
        found = score(ledger, model, made, judges, codec, settings, context.log.info)
    pointer = ledger.pointer("samples", run)
    inputs = {"samples": pointer.data_version if pointer else ""}
    version = digest([inputs, found.scores])
    seal(ledger, "heard", run, found.heard, version, inputs, table="heard")
    seal(ledger, "scores", run, found.scores, version, inputs, table="scores")
    shown = [(row["figure"], row["system"], f"{row['value']:.3f}", row["better"]) for row in found.scores]
    ours = {row["figure"]: row["value"] for row in found.scores if row["system"] == "model"}
    return dg.MaterializeResult(
        metadata={
            "figures": dg.MetadataValue.md(table(("figure", "system", "value", "better"), shown)),
            **{name.replace(" ", "_"): value for name, value in ours.items()},
        },
        data_version=dg.DataVersion(version),
    )


def model_of(ledger: Ledger, run: str) -> Row:
    """The row of a run's last stage. Raises dg.Failure: it is not done."""
    row = last_model(ledger, "joint", run)
    if row is None:
        raise dg.Failure(f"the run {run} has not finished its joint stage: materialise it first", allow_retries=False)
    return row


def _real_time_factor(rows: list[Row]) -> float:
    spent_s = sum(row["read_s"] + row["denoise_s"] + row["decode_s"] for row in rows)
    tracks = 3  # mix, vocals and accompaniment were made together
    return float(spent_s / (tracks * sum(row["duration_s"] for row in rows)))
