"""What the model says in several states of the same requests, for a sampler that weighs them against each other.

Letters: b batch, n latent frame, c latent channel, k text token, d width.

What is asked does not depend on the noise: each state is read once a song, not once a step. It is read without the
text that the state is not told, which costs nothing then.
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

# States share a batch of up to so many frames. On a CPU a larger one is no faster than one state after another, and
# slower by the texts that are padded to the longest; a GPU is filled by more than any song has.
AT_ONCE = {"cpu": 1024, "cuda": 1 << 16}

Hears = Callable[[Told], Asked]
Speaks = Callable[[Tensor, Tensor, Tensor | None, Asked], Tensor]  # b n c, b, b n (bool), what is asked -> b n c


def say_in_states(hears: Hears, speaks: Speaks, told: Told, frames_at_once: int | None = None) -> Says:
    """What a sampler asks: a Conditioner hears what is told, a Dit speaks.

    The states that are wanted in a step share a batch if that holds no more than `frames_at_once` frames, by default
    what is fastest on the device; else they go one after another.
    """
    frames = told.frames if told.padded else None
    limit = frames_at_once or AT_ONCE[told.frames.device.type]

    @cache
    def heard(state: State) -> Asked:
        return without_padding(hears(told.in_state(state)))

    @cache
    def asked(states: tuple[State, ...]) -> Asked:
        return joined([heard(state) for state in states])

    def says(x_t: Tensor, t: Tensor, states: Sequence[State]) -> list[Tensor]:
        together = len(states) if len(states) * told.frames.numel() <= limit else 1
        said: list[Tensor] = []
        for first in range(0, len(states), together):
            some = tuple(states[first : first + together])
            count = len(some)
            there = None if frames is None else frames.repeat(count, 1)
            said += speaks(x_t.repeat(count, 1, 1), t.repeat(count), there, asked(some)).chunk(count)
        return said

    return says


def without_padding(asked: Asked) -> Asked:
    """Without the text tokens that no song of the batch has."""
    if asked.text_there is None:
        return asked
    some = asked.text_there.any(dim=0)
    return replace(asked, text=asked.text[:, some], text_there=asked.text_there[:, some])


def joined(several: Sequence[Asked]) -> Asked:
    """One batch of several, one after the other, their texts padded to the longest."""
    longest = max(asked.text.shape[1] for asked in several)
    there = torch.cat([F.pad(_there(asked), (0, longest - asked.text.shape[1])) for asked in several])
    return Asked(
        text=torch.cat([F.pad(asked.text, (0, 0, 0, longest - asked.text.shape[1])) for asked in several]),
        text_there=None if bool(there.all()) else there,
        lyrics=torch.cat([asked.lyrics for asked in several]),
        whole=torch.cat([asked.whole for asked in several]),
        context=torch.cat([asked.context for asked in several]),
    )


def _there(asked: Asked) -> Tensor:
    if asked.text_there is not None:
        return asked.text_there
    return torch.ones(asked.text.shape[:2], dtype=torch.bool, device=asked.text.device)
