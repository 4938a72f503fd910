"""What can be set about samples and their scores."""

from pydantic import BaseModel, ConfigDict, Field

from training.settings import GuidanceSettings


class SampleSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    items: int = Field(8, gt=0, description="Held-out windows that songs are made for, of as many tracks.")
    seeds: int = Field(2, gt=0, description="Songs for each, from as many noises.")
    guidance: GuidanceSettings = GuidanceSettings()
    steps: int = Field(32, gt=0, description="Noise levels that a song goes through.")


class ScoreSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    neighbours: int = Field(
        200, gt=0, description="Tracks of the training split that songs are compared with, at most."
    )
    resamples: int = Field(2000, gt=0, description="Of the bootstrap that intervals are taken from.")
