from dataclasses import replace

import numpy as np
import pytest
import torch

from training.codec import LatentSpec, MelCodec
from training.generate import Singer
from training.guidance import Guidance, State, both, guidance_of, mixdown, nested
from training.lyrics import read_lyrics
from training.model import new_model
from training.request import AskedLine, Request, Track
from training.settings import (
    CodecSettings,
    ConditionSettings,
    DitSettings,
    GuidanceSettings,
    ModelSettings,
    SamplerSettings,
)
from training.songs import PEAK_DB, make_song

CODEC = CodecSettings(rate_hz=22_050, hop=512, bands=40, iterations=4)
ASKED = Request(1.337, "slow folk", (AskedLine("hello there", 0.2, 1.1),), "en")
UNGUIDED = Guidance(both(1.0))


@pytest.fixture(scope="module")
def codec() -> MelCodec:
    return MelCodec(CODEC)


@pytest.fixture(scope="module")
def singer(codec: MelCodec) -> Singer:
    dit = DitSettings(channels=40, patch=4, width=16, depth=2, heads=2, text_width=16, lyrics_width=8)
    settings = ModelSettings(dit=dit, conditions=ConditionSettings(layers=1), codec=CODEC)
    return Singer(new_model(settings, 0).eval(), LatentSpec.of(codec), SamplerSettings(steps=4), tuple(State))


def test_a_song_has_the_length_that_was_asked_for_to_the_sample(singer: Singer, codec: MelCodec):
    song = make_song(singer, codec, ASKED, list(Track), UNGUIDED, seed=0)
    assert {len(sound) for sound in song.sounds.values()} == {round(1.337 * 22_050)}


def test_no_track_of_a_song_is_louder_than_it_may_be(singer: Singer, codec: MelCodec):
    loud = replace(singer, spec=replace(singer.spec, mean=6.0))
    song = make_song(loud, codec, ASKED, list(Track), UNGUIDED, seed=0)
    peak_db = max(20 * float(sound.abs().max().log10()) for sound in song.sounds.values())
    assert peak_db == pytest.approx(PEAK_DB, abs=0.01)
    assert song.gain_db < 0


def test_a_song_that_is_soft_enough_is_left_as_it_is(singer: Singer, codec: MelCodec):
    soft = replace(singer, spec=replace(singer.spec, mean=-14.0))
    assert make_song(soft, codec, ASKED, [Track.MIX], UNGUIDED, seed=0).gain_db == 0.0


def test_a_track_sounds_the_same_alone_and_beside_others(singer: Singer, codec: MelCodec):
    alone = make_song(singer, codec, ASKED, [Track.VOCALS], UNGUIDED, seed=3)
    beside = make_song(singer, codec, ASKED, list(Track), UNGUIDED, seed=3)
    assert torch.allclose(alone.sounds[Track.VOCALS], beside.sounds[Track.VOCALS], atol=1e-4)


def test_a_seed_gives_the_same_song_each_time_and_another_one_another(singer: Singer, codec: MelCodec):
    one, again, other = (make_song(singer, codec, ASKED, [Track.MIX], UNGUIDED, seed) for seed in (0, 0, 1))
    assert torch.equal(one.sounds[Track.MIX], again.sounds[Track.MIX])
    assert not torch.equal(one.sounds[Track.MIX], other.sounds[Track.MIX])


def test_time_is_told_apart_into_reading_denoising_and_decoding(singer: Singer, codec: MelCodec):
    song = make_song(singer, codec, ASKED, list(Track), UNGUIDED, seed=0)
    assert min(song.read_s, song.denoise_s, song.decode_s) > 0
    assert song.real_time_factor == pytest.approx((song.read_s + song.denoise_s + song.decode_s) / (3 * 1.337))
    assert song.memory_bytes > 50e6


def test_guidance_is_built_as_it_was_set():
    said = {"scale": 3.0, "vocal_scale": 2.0, "music_scale": 1.5, "whole_rate": 0.6, "parts_rate": 0.4}
    by_kind = {
        kind: guidance_of(GuidanceSettings(kind=kind, **said), tuple(State)) for kind in ("both", "mixdown", "nested")
    }
    assert by_kind["both"].blend == both(3.0)
    assert by_kind["mixdown"].blend == mixdown(3.0, 2.0, 1.5, 0.6, 0.4)
    assert by_kind["nested"].blend == nested(3.0, 2.0, 1.5, 0.6, 0.4)


def test_without_guidance_a_model_is_told_as_much_as_it_ever_was():
    settings = GuidanceSettings(kind="none")
    assert guidance_of(settings, tuple(State)).states == {State.BOTH}
    assert guidance_of(settings, (State.NOTHING, State.INSTRUMENTS)).states == {State.INSTRUMENTS}


def test_lyrics_are_a_line_a_row_and_sections_hold_until_the_next():
    lines = read_lyrics("\ufeff[Verse]\n one \n\ntwo\n[Chorus 2]\nthree\n")
    assert [(line.text, line.section) for line in lines] == [("one", "Verse"), ("two", "Verse"), ("three", "Chorus 2")]
    assert all(line.start_s is None for line in lines)


def test_lyrics_without_a_line_are_refused():
    with pytest.raises(ValueError, match="there are no lyrics in it"):
        read_lyrics("[Chorus]\n\n")


def test_a_model_that_has_gone_out_of_bounds_is_refused_and_not_written_down(singer: Singer, codec: MelCodec):
    broken = replace(singer, spec=replace(singer.spec, scale=float("nan")))
    with pytest.raises(ValueError, match="the mix is no sound"):
        make_song(broken, codec, ASKED, list(Track), UNGUIDED, seed=0)


def test_what_is_heard_is_finite(singer: Singer, codec: MelCodec):
    song = make_song(singer, codec, replace(ASKED, lines=(), prompt=""), list(Track), UNGUIDED, seed=0)
    assert all(np.isfinite(sound.numpy()).all() for sound in song.sounds.values())
