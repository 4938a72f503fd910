"""What the JSON of a sample has to say, of sound or of latents. What else it says is left alone."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from training.data.faults import Fault, SampleFault
from training.request import SungLine

SHORTEST_S = 0.001  # of a sample

# It holds for the lines and words as well, which are plain dataclasses.
STRICT = ConfigDict(strict=True, allow_inf_nan=False, frozen=True)


class Window(BaseModel):
    model_config = STRICT

    kind: str
    words: Annotated[int, Field(ge=0, lt=2**63)] | None


class Lyrics(BaseModel):
    model_config = STRICT

    language: str | None
    lines: tuple[SungLine, ...]


class Facts(BaseModel):
    model_config = STRICT

    sample: str
    track_id: str
    duration_s: Annotated[float, Field(ge=SHORTEST_S)]
    window: Window
    lyrics: Lyrics
    caption: str | None
    short_caption: str | None
    tempo_bpm: float | None


def facts_of(data: bytes | None, where: str) -> Facts:
    """What a sample's JSON says.

    Raises:
        SampleFault: there is none, it is no object, or a field is not there or not what it should be.
    """
    if data is None:
        raise SampleFault(Fault.MISSING_FIELD, where, "it has no JSON")
    try:
        return Facts.model_validate_json(data)
    except ValidationError as error:
        raise _fault(error, where) from None


def _fault(error: ValidationError, where: str) -> SampleFault:
    """The first that is wrong."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    field = ".".join(map(str, first["loc"]))
    if not field:
        return SampleFault(Fault.NOT_JSON, where, f"its JSON cannot be read: {first['msg']}")
    if first["type"] == "missing":
        return SampleFault(Fault.MISSING_FIELD, where, f"its JSON has no '{field}'")
    return SampleFault(Fault.WRONG_FIELD, where, f"'{field}' of its JSON is not what it should be: {first['msg']}")
