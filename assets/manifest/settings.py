"""What can be set about the manifest."""

from pydantic import BaseModel, ConfigDict, Field


class ManifestSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field("", description="a folder, or a manifest (.csv, .jsonl, .parquet) with a column uri")
    batch_size: int = Field(2048, ge=1, le=65536, description="tracks in a batch; fixed once a corpus has started")
    seal_short: bool = Field(False, description="seal the last batch too, although it is not full")
