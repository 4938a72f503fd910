"""What is told is heard, what is not told is not, and a batch changes nothing."""

from dataclasses import fields

import pytest
import torch
from torch import Tensor

from training.conditioning import Conditioner, Told, tell
from training.dit import Asked
from training.guidance import State
from training.request import AskedLine, Request, Track
from training.settings import ConditionSettings, DitSettings

FRAME_S = 0.1
SHAPE = DitSettings(channels=4, width=24, heads=2, text_width=16, lyrics_width=8)
SETTINGS = ConditionSettings(layers=1)
SONG = Request(3.0, "slow folk", (AskedLine("hello there", 0.5, 1.5, "Verse"),), "en")


@pytest.fixture
def conditioner() -> Conditioner:
    torch.manual_seed(0)
    return Conditioner(SETTINGS, SHAPE).eval()


def told(*requests: Request) -> Told:
    return tell(requests, FRAME_S, SHAPE.channels, SETTINGS)


def differ(one: Asked, other: Asked) -> set[str]:
    return {f.name for f in fields(one) if not torch.equal(getattr(one, f.name), getattr(other, f.name))}


@pytest.mark.parametrize(
    ("changed", "heard_in"),
    [
        (Request(3.0, "fast rock", SONG.lines, "en"), {"text", "text_there"}),
        (Request(3.0, SONG.prompt, (AskedLine("hello there", 1.5, 2.5, "Verse"),), "en"), {"lyrics"}),
        (Request(3.0, SONG.prompt, SONG.lines, "en", Track.VOCALS), {"whole"}),
        (Request(3.0, SONG.prompt, SONG.lines, "de"), {"text"}),
    ],
)
def test_every_part_of_a_request_is_heard(conditioner: Conditioner, changed: Request, heard_in: set[str]):
    found = differ(conditioner(told(SONG)), conditioner(told(changed)))
    assert found & heard_in
    assert found <= heard_in | {"lyrics", "text", "text_there"}


def heard(conditioner: Conditioner, request: Request, state: State) -> list[Tensor]:
    """What attention can hear of a request: the tokens that are there, and what lies at the frames."""
    asked = conditioner(told(request).in_state(state))
    return [asked.text[asked.text_there], asked.lyrics, asked.whole]


@pytest.mark.parametrize(
    ("state", "prompt", "lyrics"),
    [
        (State.NOTHING, False, False),
        (State.VOCALS, False, True),
        (State.INSTRUMENTS, True, False),
        (State.BOTH, True, True),
    ],
)
def test_a_state_is_told_its_conditions_and_no_others(
    conditioner: Conditioner, state: State, prompt: bool, lyrics: bool
):
    other_prompt = Request(3.0, "polka", SONG.lines, "en")
    other_lyrics = Request(3.0, SONG.prompt, (AskedLine("goodbye now", 1.0, 2.0),), "en")
    for other, hears in ((other_prompt, prompt), (other_lyrics, lyrics)):
        pairs = zip(heard(conditioner, SONG, state), heard(conditioner, other, state), strict=True)
        same = all(a.shape == b.shape and torch.equal(a, b) for a, b in pairs)
        assert same is not hears


def test_a_request_is_heard_the_same_alone_and_in_a_batch(conditioner: Conditioner):
    longer = Request(5.0, "a much longer prompt than the other", (AskedLine("so many words to sing", 0.1, 4.0),), "en")
    alone, beside = conditioner(told(SONG)), conditioner(told(SONG, longer))
    torch.testing.assert_close(beside.text[0][beside.text_there[0]], alone.text[0][alone.text_there[0]])
    torch.testing.assert_close(beside.lyrics[0, :30], alone.lyrics[0])
    torch.testing.assert_close(beside.whole[0], alone.whole[0])


def test_a_song_without_a_word_and_without_a_prompt_still_gives_attention_something(conditioner: Conditioner):
    asked = conditioner(told(Request(1.0)))
    assert asked.text_there.any(dim=1).all()
    assert asked.text.isfinite().all()


@pytest.mark.parametrize("duration_s", [0.0, -1.0, 301.0])
def test_a_length_that_cannot_be_is_refused(duration_s: float):
    with pytest.raises(ValueError, match="a song is up to 300 s long"):
        told(Request(duration_s))
