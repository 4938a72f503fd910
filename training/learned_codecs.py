"""Codecs that were trained: the autoencoder of Stable Audio, EnCodec, DAC. Weights come as safetensors.

Latents are what lies before any rounding to codes. Letters: b batch, t sample, n latent frame, c latent channel.
"""

from collections.abc import Callable
from math import ceil, prod
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from resources.hub import Found, find_weights
from resources.models import ModelChoice, ModelUnavailable
from training.codec import Codec
from training.settings import CodecSettings

FILES = ("*.json", "*.safetensors")


def open_learned(settings: CodecSettings, device: str) -> Codec:
    """Raises ModelUnavailable: no weights are named, they cannot be had, or are those of another codec."""
    folder = find_codec(settings).path
    kinds: dict[str, Callable[[Path | None, str], Codec]] = {"oobleck": Oobleck, "encodec": Encodec, "dac": Dac}
    try:
        return kinds[settings.kind](folder, device)
    except (OSError, ValueError, KeyError) as error:
        raise ModelUnavailable(f"{folder} does not hold the codec {settings.kind}: {error}") from error


def find_codec(settings: CodecSettings) -> Found:
    """Its weights, on this machine. Raises ModelUnavailable: none are named, or they cannot be had."""
    if not settings.weights:
        raise ModelUnavailable(f"the codec {settings.kind} has no weights of its own: set `weights`, or take mel")
    here = Path(settings.weights).expanduser().is_dir()
    choice = ModelChoice(model=settings.weights, weights=settings.weights if here else "")
    return find_weights(choice, FILES, fetch=True)


class Learned:
    """What the three have in common: whole hops of sound go in, and as many come out."""

    mean, scale = 0.0, 1.0  # not measured: no weights could be had; the settings say better
    name: str
    channels: int

    def __init__(self, model: Any, device: str, rate_hz: int, hop: int) -> None:
        self.device = device
        self.model = model.to(device).eval().requires_grad_(False)
        self.rate_hz, self.hop, self.frame_s = rate_hz, hop, hop / rate_hz

    def _whole(self, sound: Tensor) -> Tensor:
        """b t -> b 1 t, filled up with silence to whole hops."""
        frames = ceil(sound.shape[-1] / self.hop)
        return F.pad(sound.to(self.device), (0, frames * self.hop - sound.shape[-1]))[:, None]

    def _trimmed(self, sound: Tensor, frames: int) -> Tensor:
        """b 1 t -> b t, as long as its frames say, in the processor's memory."""
        samples = frames * self.hop
        return F.pad(sound[:, 0], (0, max(0, samples - sound.shape[-1])))[:, :samples].cpu()


class Oobleck(Learned):
    """The variational autoencoder of Stable Audio (Evans et al., 2024), both of its channels given the same sound."""

    name = "oobleck"

    def __init__(self, folder: Path | None, device: str) -> None:
        from diffusers import AutoencoderOobleck

        model: Any = AutoencoderOobleck.from_pretrained(folder, local_files_only=True, use_safetensors=True)
        super().__init__(model, device, model.config.sampling_rate, prod(model.config.downsampling_ratios))
        self.channels = model.config.decoder_input_channels

    @torch.inference_mode()
    def encode(self, sound: Tensor) -> Tensor:
        both = self._whole(sound).expand(-1, self.model.config.audio_channels, -1)
        latents: Tensor = self.model.encode(both).latent_dist.mode().mT
        return latents.cpu()

    @torch.inference_mode()
    def decode(self, latents: Tensor) -> Tensor:
        sound = self.model.decode(latents.to(self.device).mT).sample.mean(dim=1, keepdim=True)
        return self._trimmed(sound, latents.shape[1])


class Encodec(Learned):
    """EnCodec (Défossez et al., 2022), without its quantiser."""

    name = "encodec"

    def __init__(self, folder: Path | None, device: str) -> None:
        from transformers import EncodecModel

        model: Any = EncodecModel.from_pretrained(folder, local_files_only=True, use_safetensors=True)
        if model.config.normalize or model.config.audio_channels != 1:
            raise ValueError("only mono models that do not level their input can be latents' codec (encodec_24khz)")
        super().__init__(model, device, model.config.sampling_rate, prod(model.config.upsampling_ratios))
        self.channels = model.config.hidden_size

    @torch.inference_mode()
    def encode(self, sound: Tensor) -> Tensor:
        latents: Tensor = self.model.encoder(self._whole(sound)).mT
        return latents.cpu()

    @torch.inference_mode()
    def decode(self, latents: Tensor) -> Tensor:
        return self._trimmed(self.model.decoder(latents.to(self.device).mT), latents.shape[1])


class Dac(Learned):
    """The Descript audio codec (Kumar et al., 2023); its latents are the eight numbers of each of its codebooks."""

    name = "dac"

    def __init__(self, folder: Path | None, device: str) -> None:
        from transformers import DacModel

        model: Any = DacModel.from_pretrained(folder, local_files_only=True, use_safetensors=True)
        super().__init__(model, device, model.config.sampling_rate, prod(model.config.downsampling_ratios))
        self.channels = model.config.n_codebooks * model.config.codebook_dim

    @torch.inference_mode()
    def encode(self, sound: Tensor) -> Tensor:
        latents: Tensor = self.model.encode(self._whole(sound)).projected_latents.mT
        return latents.cpu()

    @torch.inference_mode()
    def decode(self, latents: Tensor) -> Tensor:
        quantised = self.model.quantizer.from_latents(latents.to(self.device).mT)[0]
        return self._trimmed(self.model.decoder(quantised), latents.shape[1])
