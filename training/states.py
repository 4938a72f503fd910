"""What the model says in several states of one request, for a sampler that weighs them against each other.

Letters: b batch, n latent frame, k text token, d width.

What is asked does not depend on the noise: each state is read once a song, and not in every step of the sampler.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from training.conditioning import Told
from training.dit import Asked
from training.guidance import State
from training.sampler import Says

TOGETHER_FRAMES = 1024

Hears = Callable[[Told], Asked]
Speaks = Callable[[Tensor, Tensor, Tensor | None, Asked], Tensor]  # b n c, b, b n (bool) and what is asked -> b n c


def say_in_states(hears: Hears, speaks: Speaks, told: Told, frames_at_once: int | None = None) -> Says:
    frames = told.frames if told.padded else None
    limit = TOGETHER_FRAMES if frames_at_once is None else frames_at_once
    each = max(1, limit // told.frames.numel())

    @cache
    def asked(states: tuple[State, ...]) -> Asked:
        if len(states) == 1:
            return without_padding(hears(told.in_state(states[0])))
        return joined([asked((state,)) for state in states])

    def says(x_t: Tensor, t: Tensor, states: Sequence[State]) -> list[Tensor]:
        said: list[Tensor] = []
        for first in range(0, len(states), each):
            some = tuple(states[first : first + each])
            there = None if frames is None else frames.repeat(len(some), 1)
            out = speaks(x_t.repeat(len(some), 1, 1), t.repeat(len(some)), there, asked(some))
            said += out.chunk(len(some))
        return said

    return says


def without_padding(asked: Asked) -> Asked:
    """Without the text tokens that no song of the batch has."""
    heard = asked.text_there.any(dim=0)
    return replace(asked, text=asked.text[:, heard], text_there=asked.text_there[:, heard])


def joined(several: Sequence[Asked]) -> Asked:
    """One batch of several, their texts padded to the longest."""
    longest = max(asked.text.shape[1] for asked in several)

    def text(x: Tensor) -> Tensor:
        return F.pad(x, (0, 0) * (x.ndim - 2) + (0, longest - x.shape[1]))

    return Asked(
        text=torch.cat([text(asked.text) for asked in several]),
        text_there=torch.cat([text(asked.text_there) for asked in several]),
        lyrics=torch.cat([asked.lyrics for asked in several]),
        whole=torch.cat([asked.whole for asked in several]),
        context=torch.cat([asked.context for asked in several]),
    )
