"""What can be set about pages."""

from pydantic import BaseModel, ConfigDict, Field, PositiveInt


class PageSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    most_tracks: PositiveInt = Field(
        200,
        description="Tracks with audio on a page at most, evenly through the batch; what is not ok is listed in any case.",
    )
