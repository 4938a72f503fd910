"""An example is what was drawn: a part of a sample, told as much as it should be, with what is given in its context."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from training.codec import LatentSpec
from training.data.corpus import Sample
from training.data.draws import Draw, Given, random_of
from training.data.examples import Example, batch_of, example_of
from training.guidance import State
from training.request import SungLine, SungWord, Track
from training.settings import DitSettings, ModelSettings
from training.stages import StageSettings

SPEC = LatentSpec(frame_s=0.1, channels=2, mean=1.0, scale=2.0)
MODEL = ModelSettings(dit=DitSettings(channels=2))
STILL = StageSettings(line_jitter=0.0)
WORDS = (SungWord("one", 1.0, 1.5), SungWord("two", 5.0, 5.5))
DRAW = Draw(State.BOTH, Track.MIX, Given.NOTHING, timed=True, short_prompt=False)


def latents(track: Track) -> Tensor:
    return torch.arange(80).reshape(80, 1) + 1000.0 * list(Track).index(track) + torch.tensor([0.0, 0.5])


SAMPLE = Sample(
    name="song-8s-1",
    prompt="a slow folk song",
    short_prompt="folk",
    language="en",
    lines=(SungLine("one,", WORDS[:1]), SungLine("two!", WORDS[1:])),
    tempo_bpm=None,
    duration_s=8.0,
    latents={track: latents(track) for track in Track},
)


def taken(draw: Draw = DRAW, crop_frames: int = 80, seed: int = 0, stage: StageSettings = STILL) -> Example:
    return example_of(SAMPLE, draw, random_of(seed, 0, 0), crop_frames, stage, MODEL, SPEC)


@pytest.mark.parametrize("track", Track)
def test_the_track_that_was_drawn_is_to_be_made_with_mean_0_and_spread_1(track: Track):
    example = taken(replace(DRAW, track=track))
    assert example.request.track is track
    assert torch.equal(example.x, (latents(track) - 1.0) / 2.0)


@pytest.mark.parametrize("seed", range(5))
def test_a_part_of_a_sample_has_the_words_that_are_sung_in_it_where_they_are_sung(seed: int):
    example = taken(crop_frames=50, seed=seed)
    first_s = float(example.x[0, 0] * 2 + 1) * 0.1
    wanted = [(word.text, word.start_s - first_s) for word in WORDS if first_s <= word.start_s <= first_s + 4.5]
    assert [(line.text.strip(",!"), line.start_s) for line in example.request.lines] == [
        (text, pytest.approx(start_s, abs=1e-4)) for text, start_s in wanted
    ]


def test_the_length_that_is_told_is_that_of_the_part():
    assert taken(crop_frames=50).request.duration_s == pytest.approx(5.0)


def test_another_epoch_takes_another_part():
    parts = {float(example_of(SAMPLE, DRAW, random_of(0, e, 0), 30, STILL, MODEL, SPEC).x[0, 0]) for e in range(5)}
    assert len(parts) > 1


def test_lines_without_times_are_told_in_their_order():
    lines = taken(replace(DRAW, timed=False)).request.lines
    assert [(line.text, line.start_s, line.end_s) for line in lines] == [("one,", None, None), ("two!", None, None)]


def test_edges_of_lines_are_jittered():
    starts = {taken(seed=seed, stage=StageSettings(line_jitter=0.2)).request.lines[0].start_s for seed in range(5)}
    assert len(starts) == 5


def test_the_short_prompt_is_told_where_it_was_drawn():
    assert (taken().request.prompt, taken(replace(DRAW, short_prompt=True)).request.prompt) == (
        "a slow folk song", "folk"
    )  # fmt: skip


def test_a_beginning_that_is_given_is_in_the_context_and_not_to_be_learnt():
    example = taken(replace(DRAW, given=Given.BEGINNING))
    kept = int(example.context[:, -1].sum())
    assert torch.equal(example.context[:kept, :-1], example.x[:kept])
    assert not example.context[kept:].any()
    assert torch.equal(example.counted, torch.arange(80) >= kept)


def test_vocals_that_are_given_are_in_the_context_of_what_is_made_to_them():
    example = taken(replace(DRAW, track=Track.ACCOMPANIMENT, given=Given.VOCALS))
    assert torch.equal(example.context[:, :-1], (latents(Track.VOCALS) - 1.0) / 2.0)
    assert example.counted.all()


def test_where_nothing_is_given_the_context_is_empty():
    assert not taken().context.any()


def test_the_same_draw_has_the_same_noise():
    assert torch.equal(taken().noise, taken().noise)
    assert not torch.equal(taken().noise, taken(seed=1).noise)


def test_a_batch_tells_each_example_as_much_as_was_drawn():
    batch = batch_of([taken(replace(DRAW, state=state)) for state in State], MODEL, SPEC)
    assert batch.told.tells_prompt.tolist() == [False, False, True, True]
    assert batch.told.tells_lyrics.tolist() == [False, True, False, True]


def test_a_batch_says_which_track_its_contexts_are_of():
    draws = [DRAW, replace(DRAW, given=Given.SURROUNDINGS), replace(DRAW, given=Given.VOCALS)]
    batch = batch_of([taken(draw) for draw in draws], MODEL, SPEC)
    assert batch.told.given.tolist() == [0, 1, 2]


def test_a_batch_is_as_long_as_its_longest_example():
    batch = batch_of([taken(crop_frames=30), taken(crop_frames=50)], MODEL, SPEC)
    assert batch.x.shape == (2, 50, 2)
    assert batch.counted.sum(dim=1).tolist() == [30, 50]
