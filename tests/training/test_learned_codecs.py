"""Codecs that were trained, on small random weights that go to disk and come back through the same door."""

from pathlib import Path

import pytest
import torch

from resources.models import ModelUnavailable
from training.codec import open_codec
from training.settings import CodecSettings


def save_oobleck(folder: Path) -> None:
    from diffusers import AutoencoderOobleck

    AutoencoderOobleck(
        encoder_hidden_size=8, downsampling_ratios=[2, 4], channel_multiples=[1, 2], decoder_channels=8,
        decoder_input_channels=4,
    ).save_pretrained(folder)  # fmt: skip


def save_encodec(folder: Path) -> None:
    from transformers import EncodecConfig, EncodecModel

    EncodecModel(
        EncodecConfig(num_filters=4, hidden_size=16, upsampling_ratios=[4, 2], codebook_size=8, num_lstm_layers=1)
    ).save_pretrained(folder)


def save_dac(folder: Path) -> None:
    from transformers import DacConfig, DacModel

    DacModel(
        DacConfig(
            encoder_hidden_size=8, downsampling_ratios=[2, 4], decoder_hidden_size=16, n_codebooks=3, codebook_size=8,
            codebook_dim=4,
        )
    ).save_pretrained(folder)  # fmt: skip


SAVE = {"oobleck": save_oobleck, "encodec": save_encodec, "dac": save_dac}


@pytest.fixture(scope="module", params=list(SAVE))
def saved(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> CodecSettings:
    folder = tmp_path_factory.mktemp(request.param)
    torch.manual_seed(0)
    SAVE[request.param](folder)
    return CodecSettings(kind=request.param, weights=str(folder))


@pytest.mark.parametrize("samples", [800, 801])
def test_a_codec_keeps_to_its_frames_and_gives_back_as_much_sound(saved: CodecSettings, samples: int):
    codec = open_codec(saved)
    sound = 0.1 * torch.randn(2, samples, generator=torch.Generator().manual_seed(0))
    latents = codec.encode(sound)
    frames = -(-samples // 8)
    assert latents.shape == (2, frames, codec.channels)
    assert codec.frame_s == pytest.approx(8 / codec.rate_hz)
    decoded = codec.decode(latents)
    assert decoded.shape == (2, frames * 8)
    assert decoded.isfinite().all()


def test_a_sound_is_encoded_the_same_alone_and_in_a_batch(saved: CodecSettings):
    codec = open_codec(saved)
    sound = 0.1 * torch.randn(2, 800, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(codec.encode(sound)[:1], codec.encode(sound[:1]), atol=1e-5, rtol=1e-4)


def test_weights_of_another_codec_are_refused(tmp_path: Path):
    save_dac(tmp_path)
    with pytest.raises(ModelUnavailable, match="does not hold the codec oobleck"):
        open_codec(CodecSettings(kind="oobleck", weights=str(tmp_path)))


def test_a_codec_without_weights_says_what_to_do():
    with pytest.raises(ModelUnavailable, match="set `weights`, or take mel"):
        open_codec(CodecSettings(kind="dac"))
