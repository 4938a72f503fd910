"""The assets of training: `latents`, `line_durations`, and a model for each of the three stages."""

from collections.abc import Callable

import dagster as dg
from pydantic import ValidationError

from assets.models.course import ASSET_OF, Course, NotReady, begin
from assets.models.durations import learn_durations
from assets.models.latents import NoLatents, encode_batch
from assets.models.published import seal
from assets.models.results import CurveRow, loss_plot, model_row, read_curve, target_met
from assets.models.settings import DurationsLaunch, LaunchSettings, launch_of
from assets.models.stream import CurveStream
from assets.partitions import ONE_A_RUN, batches_and_codecs, refusing, run_column_schema, training_runs
from assets.profile import profile
from assets.report.markdown import picture
from assets.tables import Row
from resources.configured import LauncherResource, StoreResource, launchpad
from resources.ledger import Ledger
from resources.models import ModelUnavailable

OF_ALL_BATCHES = dg.AssetDep("latents", partition_mapping=dg.AllPartitionMapping())


@dg.asset(
    partitions_def=batches_and_codecs,
    deps=[dg.AssetDep("shards", partition_mapping=dg.MultiToSingleDimensionPartitionMapping("batch"))],
    group_name="training_data",
    kinds={"webdataset", "torch"},
    owners=["team:research"],
    pool="latents",
    backfill_policy=ONE_A_RUN,
)
def latents(context: dg.AssetExecutionContext, store: StoreResource) -> dg.MaterializeResult:
    """One row per sample: what it is as latents of a codec; the tars lie beside those of audio."""
    keys = context.partition_key.keys_by_dimension
    codec = profile().models.codecs[keys["codec"]]
    with refusing(KeyError, ModelUnavailable):
        made = encode_batch(Ledger(store.build()), keys["batch"], codec, profile().models.device)
    return dg.MaterializeResult(
        metadata={"latents": made.codec, "shards": made.shards, "samples": made.samples, "faults": dict(made.faults)},
        data_version=dg.DataVersion(made.data_version),
    )


@dg.asset(
    partitions_def=training_runs,
    deps=[OF_ALL_BATCHES],
    group_name="models",
    kinds={"torch"},
    owners=["team:research"],
    config_schema=launchpad(DurationsLaunch()),
    pool="training",
    metadata=run_column_schema("durations"),
)
def line_durations(context: dg.AssetExecutionContext, store: StoreResource) -> dg.MaterializeResult:
    """One row per run: the network that says how long each line of lyrics is sung, learnt from the same tracks."""
    launch = DurationsLaunch.model_validate(context.op_execution_context.op_config)
    ledger, run = Ledger(store.build()), context.partition_key
    with refusing(NoLatents, ModelUnavailable, ValueError):
        row = learn_durations(
            launch, run, ledger, profile().models, lambda epoch, loss: _tell_epoch(context, epoch, loss)
        )
    seal(ledger, "line_durations", run, [row], row["sha256"], {"latents/index": row["snapshot"]}, table="durations")
    shown = ("songs", "held_out_songs", "held_out_lines", "error_s", "syllables_error_s", "sha256")
    return dg.MaterializeResult(
        metadata={name: row[name] for name in shown if row[name] is not None},
        data_version=dg.DataVersion(row["sha256"]),
    )


def _stage(name: str, deps: list[dg.AssetDep | str], description: str) -> dg.AssetsDefinition:
    @dg.asset(
        name=ASSET_OF[name],
        partitions_def=training_runs,
        deps=deps,
        group_name="models",
        kinds={"torch"},
        owners=["team:research"],
        config_schema=launchpad(launch_of(name)),
        pool="training",
        description=description,
        metadata=run_column_schema("models"),
    )
    def model(
        context: dg.AssetExecutionContext, store: StoreResource, launcher: LauncherResource
    ) -> dg.MaterializeResult:
        return train(name, context, store, launcher)

    return model


music_pretrain = _stage("music", [OF_ALL_BATCHES], "One row per run: the song model after learning music from prompts.")
vocal_finetune = _stage(
    "vocals",
    [OF_ALL_BATCHES, "music_pretrain"],
    "One row per run: the song model after learning, from there, to sing lyrics at their times.",
)
joint = _stage(
    "joint",
    [OF_ALL_BATCHES, "vocal_finetune"],
    "One row per run: the song model after learning, from there, whole songs from prompt and lyrics.",
)


def train(
    stage: str, context: dg.AssetExecutionContext, store: StoreResource, launcher: LauncherResource
) -> dg.MaterializeResult:
    """Launches a stage, or has it go on; streams what it says; publishes what it has learnt."""
    ledger, models = Ledger(store.build()), profile().models
    with refusing(ValidationError, NotReady, NoLatents, ModelUnavailable):
        launch = LaunchSettings.model_validate(context.op_execution_context.op_config)
        course = begin(stage, launch, context.partition_key, ledger, models, profile().runs_folder, store.root)
    folder = course.settings.folder
    context.log.info(_beginning(course, context.retry_number))
    with CurveStream(ledger.store, course.run, course.stage, folder, _observing(context)) as stream:
        launcher.train(context, course.file, folder, launch.processes, launch.threads, stream.add)
    row = model_row(course, ledger)
    inputs = {"latents/index": row["snapshot"], **({"before": row["before_sha256"]} if row["before_sha256"] else {})}
    seal(ledger, course.asset, course.run, [row], row["sha256"], inputs, table="models")
    return dg.MaterializeResult(
        metadata=_metadata(course, row, ledger) | {"target_met": target_met(row, launch.target_loss)},
        data_version=dg.DataVersion(row["sha256"]),
    )


def _metadata(course: Course, row: Row, ledger: Ledger) -> dict[str, dg.MetadataValue | str | float]:
    """Numbers that Dagster charts over runs, the loss as a picture, and where all of it is."""
    plot = loss_plot({course.stage: read_curve(ledger.store, course.run, course.stage, "loss")})
    shown = ("size", "parameters", "steps", "learning_rate", "first_loss", "last_loss", "audio_s_per_s")
    return {
        "loss": dg.MetadataValue.md(picture("loss", plot)),
        **{name: _shown(row[name]) for name in (*shown, "device", "device_hours", "sessions") if row[name] is not None},
        "model": dg.MetadataValue.url(ledger.store.uri(row["export_uri"])),
        "checkpoints": dg.MetadataValue.path(str(course.settings.folder / "checkpoints")),
        "tensorboard": f"tensorboard --logdir {course.settings.folder / 'curves'}",
        "data_snapshot": row["snapshot"],
    }


def _shown(value: str | float) -> str | float:
    return float(f"{value:.4g}") if isinstance(value, float) else value


def _observing(context: dg.AssetExecutionContext) -> Callable[[CurveRow], None]:
    """Rows as observations of the asset, which Dagster charts while the run goes on."""

    def observe(row: CurveRow) -> None:
        metadata = {name: row[name] for name in ("step", "loss", "learning_rate", "speed/audio_s_per_s") if name in row}
        context.log_event(dg.AssetObservation(context.asset_key, partition=context.partition_key, metadata=metadata))

    return observe


def _beginning(course: Course, retry: int) -> str:
    settings = course.settings
    how = "goes on" if course.resumes else "begins"
    again = f" (try {retry + 1})" if retry else ""
    return (
        f"{course.stage} of {course.run} {how}{again}: {course.told.size}, {settings.steps} steps, learning rate "
        f"{settings.optimiser.learning_rate:g}, {settings.index}"
    )


def _tell_epoch(context: dg.AssetExecutionContext, epoch: int, loss: float) -> None:
    if epoch % 10 == 9:
        context.log.info(f"epoch {epoch + 1}: loss {loss:.3f}")
