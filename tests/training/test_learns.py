"""A small model, taught for seconds with songs of the simplest kind, does what it is told, each condition alone.

A voice is one of two words, each loud in a channel of its own while it is sung; an accompaniment is one of two prompts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from training.codec import LatentSpec
from training.data.corpus import Sample
from training.data.draws import draw_of, random_of, states_of
from training.data.examples import Example, batch_of, example_of
from training.generate import Singer
from training.guidance import V_I, Guidance
from training.model import new_model
from training.request import AskedLine, Request, SungLine, SungWord, Track
from training.run.ranks import Ranks
from training.run.settings import OptimiserSettings, RunSettings
from training.run.trainer import Trainer
from training.settings import ConditionSettings, DitSettings, ModelSettings, SamplerSettings
from training.stages import GivenShares, StageSettings, ToldShares, TrackShares

SPEC = LatentSpec(frame_s=0.1, channels=4, mean=0.0, scale=1.0)
WORDS, PROMPTS = ("la", "do"), ("slow folk", "fast rock")
MODEL = ModelSettings(
    dit=DitSettings(channels=4, width=48, depth=2, heads=2, text_width=32, lyrics_width=32),
    conditions=ConditionSettings(layers=1, longest_s=10.0),
)
STAGE = StageSettings(
    told=ToldShares(both=0.8, prompt=0.1, lyrics=0.1, nothing=0.0),
    tracks=TrackShares(mix=0.0, vocals=0.7, accompaniment=0.3),
    given=GivenShares(nothing=1.0, beginning=0.0, surroundings=0.0, vocals=0.0, accompaniment=0.0),
    line_jitter=0.0,
    untimed=0.0,
    short_prompts=0.0,
)
SETTINGS = RunSettings(
    folder=Path("run"),
    store="store",
    index="index",
    model=MODEL,
    stage=STAGE,
    crop_s=5.0,
    optimiser=OptimiserSettings(learning_rate=3e-3, warm_up=10, ema=0.95),
)
STEPS, BATCH = 140, 16


def song(number: int) -> Sample:
    """Of 3 to 5 s, with one word somewhere in it."""
    random = np.random.default_rng(number)
    word, prompt, frames = random.integers(2), random.integers(2), int(random.integers(30, 51))
    start, length = int(random.integers(0, frames - 10)), int(random.integers(6, 10))
    vocals, accompaniment = -torch.ones(frames, 4), -torch.ones(frames, 4)
    vocals[start : start + length, word] = 1.0
    accompaniment[:, 2 + prompt] = 1.0
    sung = SungWord(WORDS[word], start * 0.1, (start + length) * 0.1)
    latents = {Track.VOCALS: vocals, Track.ACCOMPANIMENT: accompaniment, Track.MIX: vocals}
    line = SungLine(sung.text, (sung,))
    return Sample(str(number), PROMPTS[prompt], "", "en", (line,), None, frames * 0.1, latents)


def examples(step: int) -> Iterator[Example]:
    for number in range(step * BATCH, (step + 1) * BATCH):
        random = random_of(0, 0, number)
        yield example_of(song(number), draw_of(STAGE, random), random, 50, STAGE, MODEL, SPEC)


@pytest.fixture(scope="module")
def singer() -> Singer:
    trainer = Trainer(new_model(MODEL, 0), SETTINGS, Ranks())
    for step in range(STEPS):
        trainer.step([batch_of(list(examples(step)), MODEL, SPEC)])
    model = new_model(MODEL, 0).eval()
    model.load_state_dict(trainer.ema.whole())
    return Singer(model, SPEC, SamplerSettings(steps=12), states_of(STAGE))


def made(singer: Singer, request: Request) -> Tensor:
    """Always from the same noise."""
    return singer.latents([request], Guidance(V_I), singer.noise([request], seed=7))[0]


def asked(word: str = "la", start_s: float = 1.0, prompt: str = PROMPTS[0], track: Track = Track.VOCALS) -> Request:
    return Request(4.0, prompt, (AskedLine(word, start_s, start_s + 0.8),), "en", track)


def loud(latents: Tensor, channels: Sequence[int]) -> Tensor:
    """[n] bool"""
    return latents[:, channels].amax(dim=1) > 0


@pytest.mark.parametrize("start_s", [0.5, 1.0, 1.7, 2.4, 3.0])
def test_the_voice_begins_when_the_line_is_to_begin(singer: Singer, start_s: float):
    heard = loud(made(singer, asked(start_s=start_s)), [0, 1]).nonzero()[:, 0]
    assert float(heard[0]) * 0.1 == pytest.approx(start_s, abs=0.15)


@pytest.mark.parametrize(("word", "channel", "other"), [("la", 0, 1), ("do", 1, 0)])
def test_the_voice_sings_the_word_that_is_asked_for(singer: Singer, word: str, channel: int, other: int):
    sung = made(singer, asked(word=word))[10:18].mean(dim=0)
    assert sung[channel] > 0.5
    assert sung[other] < 0


def test_another_word_changes_the_voice_more_than_another_noise_does(singer: Singer):
    one = made(singer, asked(word="la"))
    other_word = made(singer, asked(word="do"))
    (other_noise,) = singer.latents([asked()], Guidance(V_I), singer.noise([asked()], seed=8))
    sung = slice(10, 18)
    assert (one - other_word)[sung].abs().mean() > 2 * (one - other_noise)[sung].abs().mean()


@pytest.mark.parametrize(("prompt", "channel", "other"), [(PROMPTS[0], 2, 3), (PROMPTS[1], 3, 2)])
def test_the_music_is_what_the_prompt_asks_for(singer: Singer, prompt: str, channel: int, other: int):
    music = made(singer, asked(prompt=prompt, track=Track.ACCOMPANIMENT)).mean(dim=0)
    assert music[channel] > 0.5
    assert music[other] < 0


@pytest.mark.parametrize("duration_s", [3.1, 4.4, 5.0])
def test_the_song_is_as_long_as_asked_and_music_to_its_end(singer: Singer, duration_s: float):
    music = made(singer, replace(asked(track=Track.ACCOMPANIMENT), duration_s=duration_s))
    assert len(music) == round(duration_s / 0.1)
    assert loud(music, [2, 3]).all()


def test_the_track_that_is_asked_for_is_made(singer: Singer):
    assert not loud(made(singer, asked(track=Track.ACCOMPANIMENT)), [0, 1]).any()
    assert not loud(made(singer, asked(track=Track.VOCALS)), [2, 3]).any()
