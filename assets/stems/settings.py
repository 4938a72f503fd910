"""What can be set about stems."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from resources.separators import SeparatorChoice


class StemSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    separator: SeparatorChoice = SeparatorChoice()
    codec: Literal["flac", "opus"] = Field(
        "flac",
        description="How stems are kept: flac (24 bit, they add up to the mix exactly) or opus (a sixth of the size).",
    )
