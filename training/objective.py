"""What the model learns to say of a noisy latent: v, or the velocity of a rectified flow.

Letters: b batch, n latent frame, c channel. x is clean, ε is unit noise, t in 0 … 1 is the noise level: 1 is all noise.

    v      x_t = α x + σ ε, α = cos(πt/2), σ = sin(πt/2);  v = α ε − σ x   (Salimans and Ho, 2022)
    flow   x_t = (1 − t) x + t ε;                          u = ε − x       (Liu et al., 2022; Lipman et al., 2022)
"""

from dataclasses import dataclass
from enum import StrEnum
from math import pi

import torch
from torch import Tensor

from training.settings import ObjectiveSettings

LEVELS = 10  # bands of noise that losses are told apart by


class Objective(StrEnum):
    V = "v"
    FLOW = "flow"

    def mix(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """How much of the latent and how much noise there is at noise level t: α and σ, shaped as t."""
        if self is Objective.V:
            return torch.cos(t * pi / 2), torch.sin(t * pi / 2)
        return 1 - t, t

    def noisy(self, x: Tensor, noise: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """b n c, b n c, b -> the noisy latent, and what is to be said of it; both b n c."""
        alpha, sigma = (each[:, None, None] for each in self.mix(t))
        target = alpha * noise - sigma * x if self is Objective.V else noise - x
        return alpha * x + sigma * noise, target

    def clean(self, x_t: Tensor, said: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """b n c, b n c, b -> the latent and the noise that what is said of x_t amounts to; both b n c."""
        alpha, sigma = (each[:, None, None] for each in self.mix(t))
        if self is Objective.V:
            return alpha * x_t - sigma * said, sigma * x_t + alpha * said
        return x_t - sigma * said, x_t + alpha * said


def draw_times(settings: ObjectiveSettings, count: int, generator: torch.Generator) -> Tensor:
    """[b] noise levels in 0 … 1, float32, on the generator's device.

    Logit-normal and shift as in Esser et al., "Scaling rectified flow transformers", 2024, sections 3.1 and 5.3.2.
    """
    device = generator.device
    if settings.times == "uniform":
        t = torch.rand(count, generator=generator, device=device)
    else:
        t = torch.sigmoid(settings.centre + settings.spread * torch.randn(count, generator=generator, device=device))
    return settings.shift * t / (1 + (settings.shift - 1) * t)


@dataclass(frozen=True, slots=True)
class Loss:
    """Squared error: summed over all frames that count, and each sample's mean."""

    total: Tensor
    frames: Tensor  # how many frames count
    each: Tensor  # b, without gradient
    t: Tensor  # b

    @property
    def mean(self) -> Tensor:
        return self.total / self.frames

    def by_level(self) -> Tensor:
        """2 LEVELS: in each tenth of noise levels, the sum of its samples' means, and how many they are."""
        band = (self.t * LEVELS).long().clamp(0, LEVELS - 1)
        there = torch.nn.functional.one_hot(band, LEVELS).to(self.each)  # b LEVELS
        return torch.stack((self.each @ there, there.sum(dim=0)))


def loss_of(said: Tensor, target: Tensor, t: Tensor, counted: Tensor) -> Loss:
    """said and target b n c, t b, counted b n (bool): the frames that count."""
    error = (said.float() - target.float()).square().mean(dim=-1) * counted  # b n
    frames = counted.sum(dim=1)  # b
    each = error.sum(dim=1) / frames.clamp(min=1)
    return Loss(error.sum(), frames.sum(), each.detach(), t)
