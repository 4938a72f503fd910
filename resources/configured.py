"""The outside as Dagster configures it: each resource builds one plain thing."""

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

import dagster as dg
from pydantic import BaseModel, Field

from resources.buckets import S3Store
from resources.engines import Engine, LocalEngine
from resources.launchers import TorchrunLauncher, TrainingLauncher
from resources.stores import FolderStore, open_store
from resources.tails import StepTail

POLL_S, TOLD_S = 0.5, 5.0  # between two looks at a training run, and two lines about it in the log
MOST_RETRIES, RETRIED_AFTER_S = 2, 5.0  # of one that died


class StoreResource(dg.ConfigurableResource):
    """Where tables and audio live."""

    root: str = Field(description="a folder, or s3://bucket/prefix")

    def build(self) -> FolderStore | S3Store:
        return open_store(self.root)


class EngineResource(dg.ConfigurableResource):
    """Where the work of a stage is done."""

    workers: int = Field(description="worker processes; each loads its models once")
    threads: int = Field(default=1, description="threads of each worker; part of what makes results repeatable")

    def build(self) -> Engine:
        return LocalEngine(self.workers, self.threads)


class TrainerDied(Exception):
    """A training run ended, and did not say why: killed, or out of memory. Started again it goes on."""


class LauncherResource(dg.ConfigurableResource):
    """What starts training runs, watches them, and stops them."""

    kind: Literal["torchrun"] = Field(description="torchrun: processes of this machine")
    grace_s: float = Field(default=600.0, description="for a run to save and stop, before it is killed")

    def build(self) -> TrainingLauncher:
        return TorchrunLauncher(self.grace_s)

    def train(
        self,
        context: dg.AssetExecutionContext,
        settings: Path,
        folder: Path,
        processes: int,
        threads: int,
        on_row: Callable[[Mapping[str, float]], None],
    ) -> None:
        """Runs until all steps are done; rows of the curves in `folder` go to `on_row` as they come.

        Cancelled, it has the run save and stop, and leaves no process behind.

        Raises:
            dg.Failure: the run cannot begin or go on, whatever is tried; it says why.
            dg.RetryRequested: it ended in another way, or was told to stop by somebody else (`TrainerDied`, the cause);
                tried again it goes on from its last checkpoint.
        """
        tail, told_s = StepTail(folder / "curves" / "curves.jsonl"), -float("inf")
        injector, reader = dg.PipesTempFileContextInjector(), dg.PipesTempFileMessageReader()
        with dg.open_pipes_session(context, injector, reader) as session:
            cores = threads or max(1, (os.cpu_count() or 1) // processes)
            environment = {**session.get_bootstrap_env_vars(), "OMP_NUM_THREADS": str(cores)}
            launched = self.build().start(settings, folder / "launch.log", processes, environment)
            try:
                ended = False
                while not ended:
                    ended = launched.poll() is not None  # so that the rows before its end are read after it
                    for row in tail.new():
                        on_row(row)
                        if ended or time.monotonic() - told_s >= TOLD_S:
                            context.log.info(_in_words(row))
                            told_s = time.monotonic()
                    time.sleep(POLL_S)
            except BaseException:
                context.log.info(f"stopping, after a checkpoint: up to {self.grace_s:g} s")
                launched.stop(self.grace_s)
                raise
            launched.clear()
        said = next((message for message in session.get_custom_messages() if "ending" in message), {"ending": ""})
        if said["ending"] == "refused":
            raise dg.Failure(said["words"], allow_retries=False)
        if said["ending"] != "done":
            how = "was told to stop" if said["ending"] == "stopped" else f"ended with code {launched.poll()}"
            died = TrainerDied(f"the trainer {how}; tried again it goes on. Its last words:\n{launched.last_words()}")
            # Not left to a retry policy: Dagster follows that for cancelled runs as well.
            raise dg.RetryRequested(MOST_RETRIES, RETRIED_AFTER_S) from died


def _in_words(row: Mapping[str, float]) -> str:
    loss = f"loss {row['loss']:.4f}" if "loss" in row else "the loss is no number"
    return f"step {row['step']:.0f}: {loss}, {row.get('speed/audio_s_per_s', 0.0):.0f} s of music a second"


def launchpad(settings: BaseModel) -> dict[str, dg.Field]:
    """A room's settings as an asset's launchpad configuration, with the profile's values as defaults."""
    values = settings.model_dump(mode="json")
    return {
        name: dg.Field(
            config_type_of(getattr(settings, name), field.annotation),
            default_value=values[name],
            description=field.description,
        )
        for name, field in type(settings).model_fields.items()
    }


def config_type_of(value: Any, annotation: Any) -> Any:
    """What the launchpad lets be typed in: checked in full by the settings themselves, when the run begins."""
    if NoneType not in get_args(annotation):
        return _type_of(value, annotation)
    kind = _bare(next(each for each in get_args(annotation) if each is not NoneType))
    if kind in (bool, int, float):
        return dg.Noneable(kind)
    return dg.Noneable(str if value is None and get_origin(kind) is not Literal else _type_of(value, kind))


def _type_of(value: Any, annotation: Any) -> Any:
    if get_origin(annotation) is Literal:
        choices = get_args(annotation)
        return dg.Enum("_or_".join(choices), [dg.EnumValue(choice) for choice in choices])
    match value:
        case BaseModel():
            return dg.Shape(launchpad(value))
        case bool() | int() | float() | str():
            return type(value)
        case list() | tuple():
            return [type(value[0]) if value else str]
    return dg.Permissive()


def _bare(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
