"""What can be set about captions."""

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat

from resources.captioners import CaptionerChoice


class CaptionSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    captioner: CaptionerChoice = CaptionerChoice()
    heard_s: PositiveFloat = Field(
        180.0, description="So much of a longer track is measured, from its middle, seconds."
    )
