"""What can be set about pages."""

from pydantic import BaseModel, ConfigDict, Field, PositiveInt


class PageSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    most_tracks: PositiveInt = Field(
        200,
        description="At most so many tracks of a batch have audio on its page; what is not ok is listed in any case.",
    )
