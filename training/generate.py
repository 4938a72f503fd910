"""Songs from a model: what is asked, told to it in as many states as guidance weighs, and made from noise.

Letters: b batch, n latent frame, c latent channel.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from training.codec import LatentSpec
from training.conditioning import FrozenEncoder, Told, tell
from training.guidance import Guidance, State
from training.model import SongModel
from training.objective import Objective
from training.request import Request
from training.sampler import sample
from training.settings import SamplerSettings
from training.states import say_in_states


@dataclass(frozen=True, slots=True)
class Singer:
    """A model with all that it needs to make songs. `states` are those that it was trained in."""

    model: SongModel
    spec: LatentSpec
    sampler: SamplerSettings
    states: Collection[State]
    encoder: FrozenEncoder | None = None

    def latents(self, requests: Sequence[Request], guidance: Guidance, noise: Tensor) -> list[Tensor]:
        """n c for each request, as the codec takes them; `noise` is b n c, as long as the longest.

        Raises:
            ValueError: guidance asks for a state that the model was never trained in, or a song is too long.
        """
        if unknown := sorted(guidance.states - set(self.states)):
            raise ValueError(
                f"guidance asks what the model says in the states {', '.join(unknown)}, in which it was never trained: "
                "take other guidance, or a model of the joint stage"
            )
        device = next(self.model.parameters()).device
        told = tell(requests, self.spec.frame_s, self.spec.channels, self.model.settings.conditions)
        told = self._read(told.to(str(device)), requests)
        objective = Objective(self.model.settings.objective.kind)
        with torch.inference_mode():
            says = say_in_states(self.model.conditioner, self.model.dit, told)
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
