"""The three stages in which the song model learns. Importing this loads no torch, so that Dagster can offer it.

1. music: the accompaniment of a song, from its prompt.
2. vocals: the voice, from lyrics and their times; goes on from music.
3. joint: whole songs, from both; goes on from vocals. Each sample is drawn on its own as told both, its prompt only,
   its lyrics only or nothing, so that every state that guidance asks for is one that was learnt.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, model_validator

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class Shares(BaseModel):
    """How often each of some choices is drawn; together 1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="after")
    def _together_one(self) -> "Shares":
        if abs(sum(self.each().values()) - 1.0) > 1e-6:
            raise ValueError(f"shares add up to 1, not to {sum(self.each().values()):g}: {self.each()}")
        return self

    def each(self) -> dict[str, float]:
        return self.model_dump()


class ToldShares(Shares):
    """What of a request a sample is told."""

    both: Share = 0.7
    prompt: Share = 0.1
    lyrics: Share = 0.1
    nothing: Share = 0.1


class TrackShares(Shares):
    """Which track of a song is to be made."""

    mix: Share = 0.6
    vocals: Share = 0.2
    accompaniment: Share = 0.2


class GivenShares(Shares):
    """What of the music is given beforehand, in the context channel."""

    nothing: Share = Field(0.7, description="The song is made from what is told alone.")
    beginning: Share = Field(0.075, description="The rest is to be made: outpainting.")
    surroundings: Share = Field(0.075, description="The gap is to be filled: inpainting.")
    vocals: Share = Field(0.1, description="The other track is to be made to them: vocals to music.")
    accompaniment: Share = Field(0.05, description="The other track is to be made to it: music to music.")


class StageSettings(BaseModel):
    """What is drawn for each sample of a stage."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Literal["music", "vocals", "joint"] = Field("joint", description="Which of the three stages.")
    told: ToldShares = ToldShares()
    tracks: TrackShares = TrackShares()
    given: GivenShares = GivenShares()
    line_jitter: NonNegativeFloat = Field(
        0.125, lt=0.5, description="How far each edge of a line is moved, at most, as a share of the line's length."
    )
    untimed: Share = Field(0.1, description="Of the samples whose lyrics are told without times.")
    short_prompts: Share = Field(0.3, description="Of the prompts that are the short caption.")


STAGES: Mapping[str, StageSettings] = {
    "music": StageSettings(
        name="music",
        told=ToldShares(both=0.0, prompt=0.85, lyrics=0.0, nothing=0.15),
        tracks=TrackShares(mix=0.0, vocals=0.0, accompaniment=1.0),
        given=GivenShares(nothing=0.8, beginning=0.1, surroundings=0.1, vocals=0.0, accompaniment=0.0),
    ),
    "vocals": StageSettings(
        name="vocals",
        told=ToldShares(both=0.7, prompt=0.05, lyrics=0.15, nothing=0.1),
        tracks=TrackShares(mix=0.0, vocals=1.0, accompaniment=0.0),
        given=GivenShares(nothing=0.7, beginning=0.05, surroundings=0.05, vocals=0.0, accompaniment=0.2),
    ),
    "joint": StageSettings(name="joint"),
}
