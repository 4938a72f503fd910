import pytest
import soundfile
import torch

from training.codec import MelCodec, mel_bands, open_codec
from training.settings import CodecSettings

SETTINGS = CodecSettings(rate_hz=22_050, hop=256, bands=80)


@pytest.fixture(scope="module")
def song(demo_songs) -> torch.Tensor:
    sound, rate_hz = soundfile.read(demo_songs["pop"]["path"], start=44_100 * 8, frames=44_100 * 4, dtype="float32")
    mono = torch.from_numpy(sound).mean(dim=1)
    return mono.view(-1, 2).mean(dim=1)[None] if rate_hz == 44_100 else mono[None]


@pytest.mark.parametrize("samples", [1, 255, 256, 257, 5000])
def test_a_sound_has_as_many_frames_as_hops_begin_in_it(samples: int):
    codec = MelCodec(SETTINGS)
    latents = codec.encode(torch.zeros(2, samples))
    assert latents.shape == (2, -(-samples // 256), 80)
    assert codec.decode(latents).shape == (2, -(-samples // 256) * 256)


def test_what_is_decoded_encodes_to_nearly_the_same_latents(song: torch.Tensor):
    codec = MelCodec(SETTINGS)
    latents = codec.encode(song)
    again = codec.encode(codec.decode(latents))[:, : latents.shape[1]]
    loud = latents > latents.max() - 6  # some 50 dB under the loudest
    assert float((again - latents)[loud].abs().mean()) < 0.25


def test_decoding_keeps_the_pitch():
    time_s = torch.arange(22_050) / 22_050
    codec = MelCodec(SETTINGS)
    tone = codec.decode(codec.encode(0.5 * torch.sin(2 * torch.pi * 440 * time_s)[None]))
    strongest_hz = int(torch.fft.rfft(tone[0, :22_050]).abs().argmax())
    assert strongest_hz == pytest.approx(440, rel=0.04)


def test_the_same_latents_give_the_same_sound(song: torch.Tensor):
    codec = MelCodec(SETTINGS)
    latents = codec.encode(song[:, :8000])
    assert torch.equal(codec.decode(latents), codec.decode(latents))


def test_latents_of_music_are_brought_near_zero_and_one(song: torch.Tensor):
    codec = MelCodec(SETTINGS)
    normal = (codec.encode(song) - codec.mean) / codec.scale
    assert abs(float(normal.mean())) < 1
    assert 0.4 < float(normal.std()) < 2


@pytest.mark.parametrize("bands", [20, 80, 128])
def test_every_band_hears_something(bands: int):
    assert (mel_bands(513, bands, 44_100).sum(dim=0) > 0.99).all()


def test_a_codec_computes_where_it_was_opened():
    codec = open_codec(SETTINGS, "meta")  # a device that has no numbers to give back
    for compute, given in ((codec.encode, torch.zeros(1, 800)), (codec.decode, torch.zeros(1, 4, 80))):
        with pytest.raises(NotImplementedError, match=r"(?i)meta tensor"):
            compute(given)


def test_the_codec_without_weights_is_the_default():
    assert open_codec(CodecSettings()).name == "mel"


def test_settings_may_say_what_latents_are_brought_to_zero_and_one_with():
    codec = open_codec(CodecSettings(mean=-6.0, scale=2.0))
    assert (codec.mean, codec.scale) == (-6.0, 2.0)
