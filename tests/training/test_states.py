"""What is said in several states at once is what is said in each alone, at no more cost than is needed."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from training.conditioning import Conditioner, Told, tell
from training.dit import Asked, Dit
from training.guidance import Guidance, State, both, mixdown
from training.objective import Objective
from training.request import AskedLine, Request
from training.sampler import noise_levels, sample, scheduler_of
from training.settings import ConditionSettings, DitSettings, SamplerSettings
from training.states import joined, say_in_states, without_padding

SHAPE = DitSettings(channels=4, width=24, depth=2, heads=2, text_width=16, lyrics_width=8)
SETTINGS = ConditionSettings(layers=1)
SONG = Request(2.0, "slow folk with a flute", (AskedLine("hello there", 0.5, 1.5, "Verse"),), "en")
LONGER = Request(3.0, "rock", (AskedLine("so many words to sing", 0.1, 2.8),), "en")
STATES = tuple(State)
EULER = SamplerSettings(scheduler="euler", steps=10)


class Counted:
    """A model, and how many songs it was asked about in each forward."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.conditioner, self.dit = Conditioner(SETTINGS, SHAPE).eval(), Dit(SHAPE).eval()
        for parameter in self.dit.parameters():
            torch.nn.init.normal_(parameter, std=0.2)
        self.heard: list[int] = []
        self.rows: list[int] = []
        self.tokens: list[int] = []

    def hears(self, told: Told) -> Asked:
        self.heard.append(len(told.frames))
        return self.conditioner(told)

    def speaks(self, x_t: Tensor, t: Tensor, frames: Tensor | None, asked: Asked) -> Tensor:
        self.rows.append(len(x_t))
        self.tokens.append(asked.text.shape[1])
        return self.dit(x_t, t, frames, asked)


@pytest.fixture
def model() -> Counted:
    return Counted()


def told(*requests: Request) -> Told:
    return tell(requests, 0.1, SHAPE.channels, SETTINGS)


def noise(of: Told) -> Tensor:
    return torch.randn(*of.frames.shape, SHAPE.channels, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("requests", [(SONG,), (SONG, LONGER)])
@pytest.mark.parametrize("frames_at_once", [1, 60, 10_000])
@torch.no_grad()
def test_it_is_the_same_as_a_forward_for_each_state(model: Counted, requests, frames_at_once: int):
    what = told(*requests)
    x_t, t = noise(what), torch.linspace(0.3, 0.7, len(requests))
    found = say_in_states(model.hears, model.speaks, what, frames_at_once)(x_t, t, STATES)
    for state, said in zip(STATES, found, strict=True):
        alone = model.dit(x_t, t, what.frames, model.conditioner(what.in_state(state)))
        torch.testing.assert_close(said, alone, atol=1e-5, rtol=1e-5)
    assert (found[0] - found[3]).abs().max() > 1e-3


@pytest.mark.parametrize(("frames_at_once", "rows"), [(1, [1] * 4), (79, [1] * 4), (80, [4]), (None, [4])])
def test_states_share_a_batch_that_can_hold_all_of_them(model: Counted, frames_at_once: int | None, rows: list[int]):
    what = told(SONG)
    say_in_states(model.hears, model.speaks, what, frames_at_once)(noise(what), torch.tensor([0.5]), STATES)
    assert model.rows == rows


def test_what_is_asked_is_read_once_a_state_and_not_once_a_step(model: Counted):
    what = told(SONG)
    says = say_in_states(model.hears, model.speaks, what)
    for level in (0.9, 0.5, 0.1):
        says(noise(what), torch.tensor([level]), STATES)
        says(noise(what), torch.tensor([level]), (State.BOTH,))
    assert len(model.heard) == len(STATES)


def test_a_state_alone_has_no_text_that_it_is_not_told(model: Counted):
    what = told(SONG)
    says = say_in_states(model.hears, model.speaks, what, 1)
    says(noise(what), torch.tensor([0.5]), STATES)
    prompt, row = int(what.prompt_there.sum()), int((what.row != 0).sum())
    assert model.tokens == [2, 1 + row, prompt + 1, prompt + row]


def drawn(model: Counted, guidance: Guidance, says_of: Callable[[Told], object]) -> Tensor:
    what = told(SONG)
    return sample(says_of(what), noise(what), EULER, Objective.FLOW, guidance)


@torch.no_grad()
def test_a_song_is_drawn_in_as_few_rows_as_its_guidance_needs(model: Counted):
    guidance = Guidance(both(3.0), from_noise=0.25, to_noise=0.75)
    drawn(model, guidance, lambda what: say_in_states(model.hears, model.speaks, what))
    levels = noise_levels(scheduler_of(EULER, Objective.FLOW), Objective.FLOW).tolist()
    assert model.rows == [2 if 0.25 <= level <= 0.75 else 1 for level in levels]


@torch.no_grad()
def test_a_song_comes_out_the_same_however_its_states_share_batches(model: Counted):
    guidance = Guidance(mixdown(3.0, 2.0, 2.0, 0.5, 0.5))
    songs = [
        drawn(model, guidance, lambda what, most=most: say_in_states(model.hears, model.speaks, what, most))
        for most in (1, 10_000)
    ]
    torch.testing.assert_close(*songs, atol=1e-4, rtol=1e-4)
    assert model.rows == [1] * 40 + [4] * 10


def test_texts_that_are_all_there_need_no_mask(model: Counted):
    asked = without_padding(model.conditioner(told(SONG)))
    assert joined([asked, asked]).text_there is None
    nothing = without_padding(model.conditioner(told(SONG).in_state(State.NOTHING)))
    both_there = joined([asked, nothing]).text_there
    assert both_there is not None
    assert both_there.sum(dim=1).tolist() == [asked.text.shape[1], 2]
