"""What can be set about windows."""

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt


class WindowSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    lengths_s: tuple[PositiveFloat, ...] = Field(
        (10.0, 20.0, 30.0, 45.0, 90.0),
        min_length=1,
        description="Lengths of windows, seconds; each is chosen for itself.",
    )
    per_length: PositiveInt = Field(2, description="At most so many windows of each length; they do not overlap.")
    min_trust: float = Field(
        0.5,
        ge=0.0,
        le=1.0,
        description="No window holds a line whose word times are trusted less: a model would learn to sing it wrong.",
    )
    min_duration_s: PositiveFloat = Field(
        5.0, description="A track shorter than every length is one window, unless it is shorter than this, seconds."
    )
    energy_hop_s: PositiveFloat = Field(
        0.1, description="Where windows of a track without words may start: at multiples of this, seconds."
    )
