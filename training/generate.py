"""Songs from a model: what is asked, told to it in as many states as guidance weighs, and made from noise.

Letters: b batch, n latent frame, c latent channel.
"""

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from training.codec import LatentSpec
from training.conditioning import FrozenEncoder, Told, tell
from training.dit import Asked
from training.guidance import Guidance, State
from training.model import SongModel
from training.objective import Objective
from training.request import Request
from training.sampler import sample
from training.settings import SamplerSettings
from training.states import say_in_states


@dataclass(slots=True)
class Spent:
    """Seconds in which what is asked was read, and in which noise became latents."""

    read_s: float = 0.0
    denoise_s: float = 0.0

    @contextmanager
    def reading(self, device: str) -> Iterator[None]:
        start_s = _now_s(device)
        yield
        self.read_s += _now_s(device) - start_s

    @contextmanager
    def all(self, device: str) -> Iterator[None]:
        start_s, read_s = _now_s(device), self.read_s
        yield
        self.denoise_s += _now_s(device) - start_s - (self.read_s - read_s)


def _now_s(device: str) -> float:
    """Once a GPU has done what it was told."""
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


@dataclass(frozen=True, slots=True)
class Singer:
    """A model with all that it needs to make songs. `states` are those that it was trained in."""

    model: SongModel
    spec: LatentSpec
    sampler: SamplerSettings
    states: Collection[State]
    encoder: FrozenEncoder | None = None

    def latents(
        self, requests: Sequence[Request], guidance: Guidance, noise: Tensor, spent: "Spent | None" = None
    ) -> list[Tensor]:
        """n c for each request, as the codec takes them; `noise` is b n c, as long as the longest.

        What time it takes is added to `spent`.

        Raises:
            ValueError: guidance asks for a state that the model was never trained in, or a song is too long.
        """
        if unknown := sorted(guidance.states - set(self.states)):
            raise ValueError(
                f"guidance asks what the model says in the states {', '.join(unknown)}, in which it was never trained: "
                "take other guidance, or a model of the joint stage"
            )
        spent = spent or Spent()
        device = next(self.model.parameters()).device
        objective = Objective(self.model.settings.objective.kind)

        def hears(told: Told) -> Asked:
            with spent.reading(device.type):
                return self.model.conditioner(told)

        with torch.inference_mode(), spent.all(device.type):
            with spent.reading(device.type):
                told = tell(requests, self.spec.frame_s, self.spec.channels, self.model.settings.conditions)
                told = self._read(told.to(str(device)), requests)
            says = say_in_states(hears, self.model.dit, told)
            made = sample(says, noise.to(device), self.sampler, objective, guidance)
        lengths = told.frames.sum(dim=1).tolist()
        return [self.spec.unlevel(each[:length]).cpu() for each, length in zip(made, lengths, strict=True)]

    def noise(self, requests: Sequence[Request], seed: int) -> Tensor:
        """b n c: the same for each song of a seed, however many are made beside it."""
        frames = max(frames_of(request.duration_s, self.spec.frame_s) for request in requests)
        # Drawn as long as any song can be: a shorter row of random numbers is not the beginning of a longer one.
        longest = frames_of(self.model.settings.conditions.longest_s, self.spec.frame_s)
        one = torch.randn(longest, self.spec.channels, generator=torch.Generator().manual_seed(seed))
        return one[:frames].expand(len(requests), -1, -1)

    def _read(self, told: Told, requests: Sequence[Request]) -> Told:
        return told.read_by(self.encoder, [request.prompt for request in requests]) if self.encoder else told


def frames_of(duration_s: float, frame_s: float) -> int:
    return max(1, round(duration_s / frame_s))
