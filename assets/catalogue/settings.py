"""What can be set about duplicates and splits."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class CatalogueSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    max_bit_errors: float = Field(
        0.2,
        gt=0.0,
        lt=0.5,
        description="Recordings whose fingerprints differ in at most this share of bits are one.",
    )
    min_overlap_s: float = Field(5.0, ge=5.0, description="Near-duplicates share at least so much, seconds.")
    min_overlap_ratio: float = Field(
        0.5, gt=0.0, le=1.0, description="Near-duplicates share at least this much of the shorter one."
    )
    valid_share: float = Field(0.01, ge=0.0, lt=1.0, description="Share of duplicate groups in the split valid.")
    test_share: float = Field(0.01, ge=0.0, lt=1.0, description="Share of duplicate groups in the split test.")
    split_seed: str = Field("melisma", description="Another seed gives another split; never change it in a corpus.")

    @model_validator(mode="after")
    def _leave_some_to_train(self) -> Self:
        if self.valid_share + self.test_share >= 1.0:
            raise ValueError("valid_share and test_share leave nothing to train on")
        return self
