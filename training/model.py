"""The song model: what is told, read by the conditioner, and the transformer that listens to it.

Letters: b batch, n latent frame, c latent channel.
"""

import torch
from torch import Tensor, nn

from training.conditioning import Conditioner, Told
from training.dit import Dit
from training.settings import ModelSettings


class SongModel(nn.Module):
    """x_t b n c, t b, told -> b n c: what is to be said of the noisy latent.

    `frozen_width` is that of a frozen encoder of prompts, where there is one.
    """

    def __init__(self, settings: ModelSettings, frozen_width: int = 0) -> None:
        super().__init__()
        self.settings = settings
        self.conditioner = Conditioner(settings.conditions, settings.dit, frozen_width)
        self.dit = Dit(settings.dit)

    def forward(self, x_t: Tensor, t: Tensor, told: Told) -> Tensor:
        said: Tensor = self.dit(x_t, t, told.frames if told.padded else None, self.conditioner(told))
        return said


def new_model(settings: ModelSettings, seed: int, frozen_width: int = 0) -> SongModel:
    """The same seed gives the same weights."""
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        return SongModel(settings, frozen_width)
