"""Sound to latents and back: what the song model writes is what a codec makes sound of.

Letters: b batch, t sample, n latent frame, c latent channel, f bin of a spectrum.
"""

from dataclasses import dataclass
from functools import cache
from math import ceil
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from training.settings import CodecSettings

LOWEST_HZ = 20.0
FLOOR = 1e-5  # of a band's magnitude, -100 dB: what is softer is silence
MOMENTUM = 0.99


class Codec(Protocol):
    """Mono sound at `rate_hz` to latents of `channels`, `frame_s` apart, and back.

    It computes where it was opened, takes tensors from anywhere, and what it gives lies in the processor's memory.

    `mean` and `scale` are what latents of music are brought to zero and one with: (latent - mean) / scale.
    """

    name: str
    rate_hz: int
    frame_s: float
    channels: int
    mean: float
    scale: float

    def encode(self, sound: Tensor) -> Tensor:
        """b t -> b n c, n = ceil(t / (frame_s * rate_hz))."""

    def decode(self, latents: Tensor) -> Tensor:
        """b n c -> b t, t = n * frame_s * rate_hz. The same latents give the same sound."""


def open_codec(settings: CodecSettings, device: str = "cpu") -> Codec:
    """Raises ModelUnavailable: its weights cannot be had."""
    codec: Codec
    if settings.kind == "mel":
        codec = MelCodec(settings, device)
    else:
        from training.learned_codecs import open_learned

        codec = open_learned(settings, device)
    codec.mean = codec.mean if settings.mean is None else settings.mean
    codec.scale = codec.scale if settings.scale is None else settings.scale
    return codec


@dataclass(frozen=True, slots=True)
class LatentSpec:
    """What one must know of a codec to put its latents in numbers, without opening it."""

    frame_s: float
    channels: int
    mean: float
    scale: float

    @classmethod
    def of(cls, codec: Codec) -> "LatentSpec":
        return cls(codec.frame_s, codec.channels, codec.mean, codec.scale)

    def level(self, latents: Tensor) -> Tensor:
        return (latents - self.mean) / self.scale

    def unlevel(self, latents: Tensor) -> Tensor:
        return latents * self.scale + self.mean


class MelCodec:
    """Log-mel spectrogram, and the phases that fit it best: no weights, and one can see what it hears.

    Bands as in Slaney's auditory toolbox, phases by the fast Griffin-Lim algorithm (Perraudin et al., 2013).
    """

    name = "mel"
    mean, scale = -8.0, 2.5  # of log magnitudes, over mixes, vocals and accompaniments of the demo

    def __init__(self, settings: CodecSettings, device: str = "cpu") -> None:
        self.device = device
        self.rate_hz, self.channels, self.hop = settings.rate_hz, settings.bands, settings.hop
        self.size = 4 * settings.hop
        self.frame_s = self.hop / self.rate_hz
        self.iterations = settings.iterations
        self.bands = mel_bands(self.size // 2 + 1, self.channels, self.rate_hz)  # f c

    # Whatever changes what it gives needs a higher VERSION in `training/data/latents.py`.
    def encode(self, sound: Tensor) -> Tensor:
        sound = sound.to(self.device)
        frames = ceil(sound.shape[-1] / self.hop)
        padded = F.pad(sound, (0, frames * self.hop - sound.shape[-1]))
        magnitudes = self._spectrum(padded).abs()[..., :frames]  # b f n
        return torch.log((magnitudes.mT @ self.bands.to(sound)).clamp(min=FLOOR)).cpu()

    def decode(self, latents: Tensor) -> Tensor:
        latents = latents.to(self.device)
        samples = latents.shape[1] * self.hop
        magnitudes = (self._bins(latents.exp()).mT).clamp(min=0)  # b f n
        magnitudes = F.pad(magnitudes, (0, 1))  # the frame that is centred on the last sample
        phases = torch.rand(magnitudes.shape, generator=torch.Generator().manual_seed(0)).to(latents) * 2 * torch.pi
        guess = torch.polar(magnitudes, phases)
        before = torch.zeros_like(guess)
        for _ in range(self.iterations):
            consistent = self._spectrum(self._sound(guess, samples))
            fast = consistent + MOMENTUM * (consistent - before)
            guess, before = torch.polar(magnitudes, fast.angle()), consistent
        return self._sound(guess, samples).cpu()

    def _bins(self, bands: Tensor) -> Tensor:
        """b n c -> b n f: the smallest magnitudes that make up the bands, by least squares."""
        return bands @ _inverse(self.size // 2 + 1, self.channels, self.rate_hz).to(bands)

    def _spectrum(self, sound: Tensor) -> Tensor:
        window = torch.hann_window(self.size, device=sound.device)
        return (
            torch.stft(sound, self.size, self.hop, window=window, pad_mode="constant", return_complex=True) / self.hop
        )

    def _sound(self, spectrum: Tensor, samples: int) -> Tensor:
        window = torch.hann_window(self.size, device=spectrum.device)
        return torch.istft(spectrum * self.hop, self.size, self.hop, window=window, length=samples)


@cache
def mel_bands(bins: int, bands: int, rate_hz: int) -> Tensor:
    """f c: triangles evenly apart in mel, each of one area, so that noise is as loud in all."""
    edges_hz = _hz(torch.linspace(_mel(LOWEST_HZ), _mel(rate_hz / 2), bands + 2))
    bins_hz = torch.linspace(0, rate_hz / 2, bins)[:, None]
    rise = (bins_hz - edges_hz[:-2]) / (edges_hz[1:-1] - edges_hz[:-2])
    fall = (edges_hz[2:] - bins_hz) / (edges_hz[2:] - edges_hz[1:-1])
    triangles = torch.minimum(rise, fall).clamp(min=0)
    # A band narrower than the bins' distance may lie between two of them: it takes the nearest.
    lost = triangles.sum(dim=0) == 0
    triangles[(bins_hz - edges_hz[1:-1]).abs().argmin(dim=0)[lost], lost.nonzero()[:, 0]] = 1.0
    return triangles / triangles.sum(dim=0)


@cache
def _inverse(bins: int, bands: int, rate_hz: int) -> Tensor:
    return torch.linalg.pinv(mel_bands(bins, bands, rate_hz))


def _mel(hz: float) -> float:
    return float(2595 * torch.log10(torch.tensor(1 + hz / 700)))


def _hz(mel: Tensor) -> Tensor:
    return 700 * (10 ** (mel / 2595) - 1)
