"""What can be set about lyrics."""

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, NonNegativeInt, PositiveFloat

from resources.acoustics import AlignerChoice
from resources.transcribers import TranscriberChoice


class LyricsSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    transcriber: TranscriberChoice = TranscriberChoice()
    aligner: AlignerChoice = AlignerChoice()
    language: str | None = Field(None, description="Language of all tracks, as en; none to tell it track by track.")
    voice_up_db: NonNegativeFloat = Field(
        6.0,
        description="A track without lyrics is heard twice, once with the voice so much louder; 0 to hear it once.",
    )
    longest_cut_s: float = Field(30.0, gt=5.0, le=30.0, description="How much the transcriber hears at once, seconds.")
    min_sung_s: NonNegativeFloat = Field(
        1.0, description="A track with less singing than this has no words, whatever a transcriber hears, seconds."
    )
    min_log_probability: float = Field(-1.1, description="Transcribed text less likely than this per token is dropped.")
    max_compression_ratio: PositiveFloat = Field(2.4, description="Text that compresses better than this is a loop.")
    max_words_per_s: PositiveFloat = Field(7.0, description="Nobody sings more words in a second; a loop does.")
    anchor_slack_s: NonNegativeFloat = Field(1.0, description="The line times of an .lrc file are true within this.")
    singing_margin_s: NonNegativeFloat = Field(0.5, description="Words may lie so far outside the vocal segments.")
    hush_nats: NonNegativeFloat = Field(1.0, description="How much less likely letters are made where nobody sings.")
    unsung_nats: NonNegativeFloat = Field(
        3.5,
        description="A given line is left out where the sound speaks against it by more than this for each letter.",
    )
    checked_cuts: NonNegativeInt = Field(
        3,
        description="So many stretches of a track with given lyrics are heard, to tell its language and whether the "
        "lyrics are its own; 0 to believe them.",
    )
    min_match: float = Field(
        0.5, ge=0.0, le=1.0, description="Given lyrics that are less likely than this to be the track's are rejected."
    )
    enhanced_lrc: bool = Field(True, description="Word times inside the .lrc lines, as <00:12.34>.")
