"""A preset for each size: all that a launch leaves open. Importing this loads no torch."""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict

from assets.models.settings import Size
from training.run.settings import OptimiserSettings, SavingSettings
from training.settings import (
    SIZES,
    ConditionSettings,
    DitSettings,
    DurationSettings,
    ObjectiveSettings,
    SamplerSettings,
)


class Preset(BaseModel):
    """`steps` are of each stage; the transformer takes its channels from the latents."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    codec: str
    dit: DitSettings
    steps: Mapping[str, int]
    frames: int
    crop_s: float
    conditions: ConditionSettings = ConditionSettings()
    objective: ObjectiveSettings = ObjectiveSettings()
    optimiser: OptimiserSettings = OptimiserSettings()
    saving: SavingSettings = SavingSettings()
    sampler: SamplerSettings = SamplerSettings()
    durations: DurationSettings = DurationSettings()
    precision: Literal["float32", "bfloat16"] = "float32"
    workers: int = 2


# Long songs need more of their learning near pure noise (Hoogeboom et al., 2023, on images of higher resolution).
LONG = ObjectiveSettings(shift=3.0)

PRESETS: Mapping[Size, Preset] = {
    # The demo's songs, by heart, in minutes on two cores: one can hear that it learns, not that it has learnt music.
    "demo": Preset(
        codec="mel-small",
        dit=SIZES["tiny"].model_copy(update={"patch": 4}),
        steps={"music": 240, "vocals": 300, "joint": 420},
        frames=16 * 216,  # sixteen crops
        crop_s=10.0,
        conditions=ConditionSettings(layers=1, prompt_tokens=64),
        objective=ObjectiveSettings(spread=2.0, shift=10.0),
        optimiser=OptimiserSettings(learning_rate=2e-3, warm_up=30, ema=0.99),
        saving=SavingSettings(every=60, keep=2, log_every=10),
        durations=DurationSettings(epochs=60, dropout=0.1),
        workers=0,
    ),
    "tiny": Preset(
        codec="mel",
        dit=SIZES["tiny"].model_copy(update={"patch": 2}),
        steps={"music": 20_000, "vocals": 20_000, "joint": 40_000},
        frames=16_384,
        crop_s=30.0,
    ),
    "base": Preset(
        codec="mel",
        dit=SIZES["base"],
        steps={"music": 200_000, "vocals": 200_000, "joint": 400_000},
        frames=32_768,
        crop_s=90.0,
        objective=LONG,
        optimiser=OptimiserSettings(learning_rate=2e-4, warm_up=2000, ema=0.9998),
        saving=SavingSettings(every=2000, sample_every=10_000),
        precision="bfloat16",
        workers=8,
    ),
    "large": Preset(
        codec="mel",
        dit=SIZES["large"].model_copy(update={"checkpointing": True}),
        steps={"music": 300_000, "vocals": 300_000, "joint": 600_000},
        frames=16_384,
        crop_s=90.0,
        objective=LONG,
        optimiser=OptimiserSettings(learning_rate=1e-4, warm_up=4000, ema=0.9999),
        saving=SavingSettings(every=2000, sample_every=10_000),
        precision="bfloat16",
        workers=8,
    ),
}
