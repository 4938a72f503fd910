"""What can be set about the song model. Importing this loads no torch, so that Dagster can offer it."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator


class DitSettings(BaseModel):
    """The shape of the transformer. Widths are numbers of channels."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    channels: PositiveInt = Field(96, description="Of a latent frame, as the codec gives it.")
    patch: PositiveInt = Field(1, description="Latent frames that make one token.")
    width: PositiveInt = Field(192, description="Of a token.")
    depth: PositiveInt = Field(6, description="Blocks.")
    heads: PositiveInt = Field(3, description="Of attention; they share the width evenly.")
    text_width: PositiveInt = Field(192, description="Of what the text encoder gives.")
    lyrics_width: PositiveInt = Field(192, description="Of what the lyrics encoder gives.")
    checkpointing: bool = Field(False, description="Compute blocks again on the way back, to save memory.")

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> "DitSettings":
        if self.width % (2 * self.heads):
            raise ValueError(f"{self.heads} heads cannot share {self.width} channels in pairs")
        return self


SIZES: dict[str, DitSettings] = {
    "tiny": DitSettings(),
    "base": DitSettings(width=1024, depth=18, heads=16, text_width=768, lyrics_width=512),
    "large": DitSettings(width=2048, depth=22, heads=16, text_width=1024, lyrics_width=512),
}


class CodecSettings(BaseModel):
    """What turns sound into latents and back."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["mel", "oobleck", "encodec", "dac"] = Field("mel", description="mel needs no weights.")
    weights: str = Field("", description="Of the others: a folder, or a name on the hub.")
    rate_hz: PositiveInt = Field(44_100, description="Of mel: of the sound.")
    bands: PositiveInt = Field(96, description="Of mel: bands of a frame.")
    hop: PositiveInt = Field(1024, description="Of mel: samples between frames.")
    iterations: PositiveInt = Field(32, description="Of mel: in which Griffin-Lim finds phases.")
    mean: float | None = Field(None, description="Of latents of music, which are brought to 0; empty: as of the demo.")
    scale: PositiveFloat | None = Field(None, description="Their standard deviation, which is brought to 1; likewise.")


class ConditionSettings(BaseModel):
    """How what is asked of a song is read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt_encoder: str = Field(
        "",
        description="A frozen T5 or CLAP text encoder: a folder or a name on the hub; empty: a small one of our own.",
    )
    prompt_tokens: PositiveInt = Field(128, description="Longest prompt; what is longer is cut.")
    lyrics_tokens: PositiveInt = Field(1024, description="Most symbols of lyrics that can be read.")
    layers: PositiveInt = Field(2, description="Of the small encoders of prompt and lyrics.")
    languages: tuple[str, ...] = Field(
        ("en", "de", "fr", "es", "it", "pt", "ru", "nl", "sv", "cs", "ja", "zh", "ko"),
        description="Languages that are told apart; any other counts as unknown.",
    )
    longest_s: PositiveFloat = Field(300.0, description="The longest song that can be asked for, seconds.")


class ObjectiveSettings(BaseModel):
    """What the model learns to say, and at which noise levels."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["v", "flow"] = Field("v", description="v-prediction, or the velocity of a rectified flow.")
    times: Literal["uniform", "logit-normal"] = Field("logit-normal", description="How noise levels are drawn.")
    centre: float = Field(0.0, description="Of the logit-normal; above 0 it prefers noise.")
    spread: PositiveFloat = Field(1.0, description="Of the logit-normal.")
    shift: PositiveFloat = Field(1.0, description="Above 1 all levels are moved towards noise, as long songs need.")


class ModelSettings(BaseModel):
    """All that a checkpoint must agree with: it is saved beside the weights, and nothing else is loaded into it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dit: DitSettings = DitSettings()
    conditions: ConditionSettings = ConditionSettings()
    codec: CodecSettings = CodecSettings()
    objective: ObjectiveSettings = ObjectiveSettings()


SCHEDULERS = {"v": ("ddim", "dpm"), "flow": ("euler", "dpm")}  # for what the model says


class SamplerSettings(BaseModel):
    """How a latent is made from noise."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scheduler: Literal["ddim", "dpm", "euler"] = Field("dpm", description="ddim for v alone, euler for flow alone.")
    steps: PositiveInt = Field(32, description="Noise levels that are gone through.")
    shift: PositiveFloat = Field(1.0, description="Of a flow: above 1, more of the steps are spent on noise.")


class GuidanceSettings(BaseModel):
    """How what the model says with and without its conditions is weighed (`training/guidance.py`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["none", "both", "mixdown", "nested"] = Field("both", description="none: what it says, told all.")
    scale: float = Field(2.0, description="s: of prompt and lyrics together.")
    vocal_scale: float = Field(2.0, description="s_v: of the lyrics alone; of mixdown and nested.")
    music_scale: float = Field(2.0, description="s_i: of the prompt alone; of mixdown and nested.")
    whole_rate: float = Field(0.5, description="r_x: at which the guided whole is mixed down.")
    parts_rate: float = Field(0.5, description="r_y: at which the guided parts are.")
    from_noise: float = Field(0.0, ge=0, le=1, description="The noise levels (1: all noise) between which it counts.")
    to_noise: float = Field(1.0, ge=0, le=1, description="The upper of the two.")


class DurationSettings(BaseModel):
    """The network that says how long lines and the gaps between them are, and how it learns."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: PositiveInt = Field(96, description="Of what is known about a line or a gap, in channels.")
    layers: PositiveInt = Field(3, description="Of the transformer.")
    heads: PositiveInt = Field(4, description="Of attention; they share the width evenly.")
    sways: PositiveInt = Field(2, description="Ways in which the lines of a song are longer or shorter together.")
    prompt_words: PositiveInt = Field(4096, description="Bins of the prompt's words; two may share one.")
    dropout: NonNegativeFloat = Field(0.0, lt=1, description="While it learns; more where songs are few.")
    epochs: PositiveInt = Field(30, description="Times that it sees each song.")
    batch: PositiveInt = Field(32, description="Songs a step.")
    rate: PositiveFloat = Field(2e-3, description="Of learning, at its highest.")
    weight_decay: NonNegativeFloat = Field(0.01, description="Of AdamW.")
    tells_tempo: float = Field(0.5, ge=0, le=1, description="Share of songs that come with their tempo.")
    tells_prompt: float = Field(0.7, ge=0, le=1, description="Share of songs that come with their prompt.")
    pins: float = Field(0.5, ge=0, le=1, description="Share of songs that come with some of their lines pinned.")
    seed: int = Field(1, description="Of all that is drawn while it learns.")

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> "DurationSettings":
        if self.width % (2 * self.heads):
            raise ValueError(f"{self.heads} heads cannot share {self.width} channels in pairs")
        return self
