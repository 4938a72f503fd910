"""What can be set about shards."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt


class ShardSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    codec: Literal["flac", "opus"] = Field("flac", description="Audio of a sample: 16-bit FLAC, or Opus at 160 kbit/s.")
    max_samples: PositiveInt = Field(2048, description="A shard is full with so many samples.")
    max_bytes: PositiveInt = Field(
        1 << 30, description="A shard never grows larger than this, bytes; unless it holds one sample that is."
    )
    min_trust: float = Field(
        0.0,
        ge=0.0,
        le=1.0,
        description="Tracks whose word times are trusted less are left out; those without words stay.",
    )
