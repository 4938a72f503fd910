"""What can be set about tracks."""

from pydantic import BaseModel, ConfigDict, Field


class TrackSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    min_duration_s: float = Field(1.0, ge=0.4, description="A shorter track is rejected, seconds.")
    max_duration_s: float = Field(7200.0, gt=1.0, description="A longer track is rejected, seconds.")
    min_level_db: float = Field(
        -70.0, description="A track whose loudest 400 ms stay below this is rejected as silent, dBFS."
    )
    silence_db: float = Field(-60.0, description="What counts as silence in silent_ratio, dBFS.")
    max_not_finite_ratio: float = Field(0.0, ge=0.0, lt=1.0, description="Share of NaN and infinite samples allowed.")
    min_decoded_ratio: float = Field(
        0.8,
        ge=0.0,
        le=1.0,
        description="A track that decodes to less of its stated length is truncated.",
    )
    max_lyrics_bytes: int = Field(1_000_000, gt=0, description="Longer lyrics are left aside, bytes.")
    decode_timeout_s: float = Field(300.0, gt=0.0, description="How long to wait for a decoder, seconds.")
    decode_memory_bytes: int = Field(2 << 30, gt=0, description="Address space of a decoder.")
