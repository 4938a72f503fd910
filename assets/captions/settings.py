"""What can be set about captions."""

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat

from resources.captioners import MEASURED


class CaptionSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    captioner: str = Field(MEASURED.name, description="Who writes the captions.")
    heard_s: PositiveFloat = Field(
        180.0, description="So much of a longer track is listened to, from its middle, seconds."
    )
