"""From a sample of a shard to what a training step takes: what is told, the latent, its noise and its noise level.

Letters: b batch, n latent frame, c latent channel.

Noise and its level come from the sample's own generator too: what a step learns from depends on no rank or worker.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from training.codec import LatentSpec
from training.conditioning import HEARD, TRACKS, Told, tell
from training.data.corpus import Sample
from training.data.draws import Draw, jittered, lines_between, mask_of, untimed
from training.guidance import State
from training.objective import draw_times
from training.request import Request
from training.settings import ModelSettings
from training.stages import StageSettings


@dataclass(frozen=True, slots=True)
class Example:
    request: Request
    state: State
    given: int  # index into `Track` + 1 of what the context is of; 0: nothing
    x: Tensor  # n c, brought to mean 0 and spread 1
    context: Tensor  # n c + 1
    counted: Tensor  # n, bool: the frames that are to be learnt, which are not given
    noise: Tensor  # n c
    t: float


@dataclass(frozen=True, slots=True)
class Batch:
    """Examples side by side, padded to the longest."""

    told: Told
    prompts: tuple[str, ...]
    x: Tensor  # b n c
    noise: Tensor  # b n c
    t: Tensor  # b
    counted: Tensor  # b n, bool

    def to(self, device: str) -> "Batch":
        x, noise, t, counted = (
            each.to(device, non_blocking=True) for each in (self.x, self.noise, self.t, self.counted)
        )
        return Batch(self.told.to(device), self.prompts, x, noise, t, counted)


def example_of(
    sample: Sample,
    draw: Draw,
    random: np.random.Generator,
    crop_frames: int,
    stage: StageSettings,
    model: ModelSettings,
    spec: LatentSpec,
) -> Example:
    """A sample as it was drawn; where it is longer than `crop_frames`, some part of it."""
    latents = {track: spec.level(frames) for track, frames in sample.latents.items()}
    frames = min(map(len, latents.values()))
    length = min(frames, crop_frames)
    first = int(random.integers(0, frames - length + 1))
    part = {track: each[first : first + length] for track, each in latents.items()}
    start_s, duration_s = first * spec.frame_s, length * spec.frame_s
    lines = lines_between(sample.lines, start_s, start_s + duration_s)
    lines = jittered(lines, stage.line_jitter, duration_s, random) if draw.timed else untimed(lines)
    mask = torch.from_numpy(mask_of(draw.given, length, random))
    given = draw.given_track
    generator = torch.Generator().manual_seed(int(random.integers(2**62)))
    return Example(
        request=Request(
            duration_s=duration_s,
            prompt=sample.short_prompt if draw.short_prompt else sample.prompt,
            lines=tuple(lines),
            language=sample.language,
            track=draw.track,
        ),
        state=draw.state,
        given=0 if given is None else TRACKS.index(given) + 1,
        x=part[draw.track],
        context=context_of(part[given or draw.track], mask),
        counted=~mask if given is draw.track else torch.ones(length, dtype=torch.bool),
        noise=torch.randn(length, spec.channels, generator=generator),
        t=float(draw_times(model.objective, 1, generator)),
    )


def context_of(latent: Tensor, mask: Tensor) -> Tensor:
    """n c, n (bool) -> n c + 1: the latent where it is given, and 1 there."""
    return torch.cat((latent * mask[:, None], mask[:, None].to(latent)), dim=-1)


def batch_of(examples: Sequence[Example], model: ModelSettings, spec: LatentSpec) -> Batch:
    told = tell([example.request for example in examples], spec.frame_s, spec.channels, model.conditions)
    tells = torch.tensor([HEARD[example.state] for example in examples])  # b 2
    told = replace(
        told,
        tells_prompt=tells[:, 0],
        tells_lyrics=tells[:, 1],
        context=_padded([example.context for example in examples]),
        given=torch.tensor([example.given for example in examples]),
    )
    return Batch(
        told=told,
        prompts=tuple(example.request.prompt for example in examples),
        x=_padded([example.x for example in examples]),
        noise=_padded([example.noise for example in examples]),
        t=torch.tensor([example.t for example in examples]),
        counted=_padded([example.counted for example in examples]),
    )


def _padded(rows: Sequence[Tensor]) -> Tensor:
    return nn.utils.rnn.pad_sequence(list(rows), batch_first=True)
