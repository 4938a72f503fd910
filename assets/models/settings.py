"""What can be set about training runs: once in the profile, and for each launch. Importing this loads no torch."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from training.settings import CodecSettings
from training.stages import STAGES, StageSettings

CONFIG = ConfigDict(frozen=True, extra="forbid")
Size = Literal["demo", "tiny", "base", "large"]


class ModelsSettings(BaseModel):
    """The profile's section: what all runs share."""

    model_config = CONFIG

    runs: str = Field(
        "data/runs",
        description="A folder for checkpoints, curves and logs, which all processes of a run see; relative to the "
        "project. What others need of a run goes into the store.",
    )
    codecs: dict[str, CodecSettings] = Field(
        {"mel": CodecSettings(), "mel-small": CodecSettings(bands=64, hop=2048)},
        description="What latents can be made with, by the name that launches and partitions use.",
    )
    device: str = Field("cpu", description="Where codecs encode and samples are made: cpu, cuda, cuda:1.")


class LaunchSettings(BaseModel):
    """What a person chooses when a stage of a run is launched. What is left empty is as the size's preset has it."""

    model_config = CONFIG

    size: Size | None = Field(
        None, description="Which preset; demo is tiny on coarse latents. Empty: as the stage before, or tiny."
    )
    steps: int | None = Field(None, gt=0, description="Of the optimiser, in all; raised later, a run goes on.")
    learning_rate: float | None = Field(None, gt=0, description="After warm-up; may be changed when a run goes on.")
    codec: str | None = Field(None, description="A name of `models.codecs` in the profile. All stages share it.")
    crop_s: float | None = Field(None, gt=0, description="A longer window is cut to this, anew in each epoch.")
    frames: int | None = Field(None, gt=0, description="Latent frames in a batch on one device, padding included.")
    precision: Literal["float32", "bfloat16"] | None = Field(None, description="That the model computes in.")
    processes: int = Field(1, gt=0, description="Processes that train together, one a device.")
    parallel: Literal["ddp", "fsdp"] = Field("ddp", description="How they share the model.")
    threads: int = Field(0, ge=0, description="Of each process; 0: they share the machine's cores evenly.")
    workers: int | None = Field(None, ge=0, description="Processes that read samples for each that trains.")
    seed: int = Field(0, ge=0, description="Of weights, order and noise.")
    goes_on_from: str | None = Field(
        None, description="The run whose stage before this one goes on from. Empty: this run's own."
    )
    target_loss: float | None = Field(
        None, gt=0, description="The next stage starts by itself only if the loss ends below. Empty: if it ends."
    )
    stage: StageSettings = Field(description="What is drawn for each sample: conditions told, tracks, parts given.")


class DurationsLaunch(BaseModel):
    """What a person chooses when line durations are learnt. What is left empty is as the size's preset has it."""

    model_config = CONFIG

    size: Size = Field("tiny", description="Which preset.")
    codec: str | None = Field(None, description="Whose index of latents says which tracks there are.")
    epochs: int | None = Field(None, gt=0, description="Times that each song is seen.")
    songs: int = Field(20_000, gt=0, description="Tracks that are learnt from, at most, evenly out of all.")


def launch_of(stage: str) -> LaunchSettings:
    """What a stage's launchpad shows."""
    return LaunchSettings(stage=STAGES[stage])
