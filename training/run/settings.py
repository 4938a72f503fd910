"""What can be set about a training run. Importing this loads no torch, so that Dagster can offer it."""

from pathlib import Path
from typing import Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from training.settings import SCHEDULERS, ModelSettings, SamplerSettings
from training.stages import StageSettings


class OptimiserSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    learning_rate: PositiveFloat = Field(3e-4, description="After warm-up; then constant.")
    warm_up: NonNegativeInt = Field(500, description="Steps in which the learning rate rises from zero.")
    betas: tuple[float, float] = Field((0.9, 0.98), description="Of AdamW.")
    weight_decay: NonNegativeFloat = Field(0.01, description="Of AdamW; biases and norms do not decay.")
    clip: PositiveFloat = Field(1.0, description="The longest gradient; a longer one is cut to it.")
    ema: float = Field(0.9995, ge=0.0, lt=1.0, description="How slowly the average of the weights follows them.")


class GuardSettings(BaseModel):
    """What is done about a step whose loss is no number, or far above those before it: it is skipped and counted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    spike: PositiveFloat = Field(4.0, description="A loss so many times the median of the last ones is a spike.")
    remembered: PositiveInt = Field(64, description="Losses that the median is taken of; before, nothing is a spike.")
    in_a_row: PositiveInt = Field(20, description="So many skipped steps in a row end the run.")


class SavingSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    every: PositiveInt = Field(1000, description="Steps between checkpoints.")
    keep: PositiveInt = Field(3, description="The newest checkpoints that are kept.")
    log_every: PositiveInt = Field(10, description="Steps between rows of the curves.")
    sample_every: NonNegativeInt = Field(0, description="Steps between samples to listen to; 0: none.")


class RunSettings(BaseModel):
    """A training run of one stage."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: Path = Field(description="Where checkpoints, curves, samples and the ledger of device-hours go.")
    store: str = Field(description="Where the latent shards are: a folder, or s3://bucket/prefix.")
    index: str = Field(description="The key of the index of latent shards in that store.")
    stage: StageSettings = StageSettings()
    model: ModelSettings = ModelSettings()
    optimiser: OptimiserSettings = OptimiserSettings()
    guard: GuardSettings = GuardSettings()
    saving: SavingSettings = SavingSettings()
    sampler: SamplerSettings = SamplerSettings()
    start: Path | None = Field(None, description="An export whose weights the run begins with: the stage before.")
    seed: NonNegativeInt = 0
    steps: PositiveInt = Field(100_000, description="Of the optimiser.")
    frames: PositiveInt = Field(16_384, description="Latent frames in a batch on one device, padding included.")
    crop_s: PositiveFloat = Field(30.0, description="A longer window is cut to this, anew in each epoch.")
    accumulation: PositiveInt = Field(1, description="Batches on each device that make one step.")
    precision: Literal["float32", "bfloat16"] = Field("float32", description="That the model computes in.")
    parallel: Literal["none", "ddp", "fsdp"] = Field(
        "ddp", description="How ranks share the model, where there are more."
    )
    compile: bool = Field(False, description="Compile the transformer with torch.compile.")
    workers: NonNegativeInt = Field(2, description="Processes that read samples; 0: the trainer itself.")
    most_faulty: float = Field(0.01, ge=0.0, le=1.0, description="A larger share of faulty samples ends the run.")

    @model_validator(mode="after")
    def _crops_can_be_asked_for(self) -> "RunSettings":
        if self.crop_s > self.model.conditions.longest_s:
            raise ValueError(
                f"a crop of {self.crop_s:g} s is longer than the longest song, {self.model.conditions.longest_s:g} s: "
                "set `crop_s` lower or `model.conditions.longest_s` higher"
            )
        return self

    @model_validator(mode="after")
    def _scheduler_fits_what_is_learnt(self) -> "RunSettings":
        fitting = SCHEDULERS[self.model.objective.kind]
        if self.sampler.scheduler not in fitting:
            raise ValueError(
                f"the scheduler {self.sampler.scheduler} does not go with {self.model.objective.kind}: "
                f"set `sampler.scheduler` to {' or '.join(fitting)}"
            )
        return self
