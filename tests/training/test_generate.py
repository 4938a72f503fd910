import pytest
import torch

from training.codec import LatentSpec
from training.generate import Singer
from training.guidance import V_I, Guidance, State, both, mixdown
from training.model import new_model
from training.request import AskedLine, Request
from training.settings import ConditionSettings, DitSettings, ModelSettings, SamplerSettings

SPEC = LatentSpec(frame_s=0.1, channels=4, mean=-5.0, scale=2.0)
MODEL = ModelSettings(
    dit=DitSettings(channels=4, patch=2, width=16, depth=1, heads=2, text_width=16, lyrics_width=8),
    conditions=ConditionSettings(layers=1, longest_s=60.0),
)
SONG = Request(3.0, "folk", (AskedLine("la la", 0.5, 1.5),), "en")


@pytest.fixture
def singer() -> Singer:
    model = new_model(MODEL, 0).eval()
    with torch.no_grad():
        for weight in model.parameters():  # what begins at zero hears nothing
            weight.add_(torch.randn(weight.shape, generator=torch.Generator().manual_seed(weight.numel())), alpha=0.1)
    return Singer(model, SPEC, SamplerSettings(steps=4), tuple(State))


def test_a_song_is_as_long_as_it_was_asked_for(singer: Singer):
    requests = [SONG, Request(4.2)]
    made = singer.latents(requests, Guidance(V_I), singer.noise(requests, seed=0))
    assert [tuple(each.shape) for each in made] == [(30, 4), (42, 4)]


def test_the_same_seed_makes_the_same_song_whatever_is_made_beside_it(singer: Singer):
    alone = singer.latents([SONG], Guidance(both(2.0)), singer.noise([SONG], seed=3))
    beside = [SONG, Request(4.2)]
    (first, _) = singer.latents(beside, Guidance(both(2.0)), singer.noise(beside, seed=3))
    torch.testing.assert_close(alone[0], first, atol=1e-4, rtol=1e-4)


def test_another_seed_makes_another_song(singer: Singer):
    made = [singer.latents([SONG], Guidance(V_I), singer.noise([SONG], seed))[0] for seed in (0, 1)]
    assert not torch.allclose(made[0], made[1])


def test_guidance_by_a_state_that_was_never_trained_is_refused(singer: Singer):
    music = Singer(singer.model, SPEC, singer.sampler, (State.NOTHING, State.INSTRUMENTS))
    with pytest.raises(ValueError, match=r"in the states v_c, v_i, in which it was never trained"):
        music.latents([SONG], Guidance(mixdown(2, 2, 2, 0.5, 0.5)), music.noise([SONG], seed=0))


def test_a_song_beyond_the_longest_is_refused(singer: Singer):
    long = Request(61.0)
    with pytest.raises(ValueError, match="a song is up to 60 s long, got 61 s"):
        singer.latents([long], Guidance(V_I), singer.noise([long], seed=0))


def test_a_song_without_lyrics_can_be_asked_for(singer: Singer):
    (made,) = singer.latents([Request(2.0, "folk")], Guidance(V_I), singer.noise([Request(2.0)], seed=0))
    assert torch.isfinite(made).all()
