"""How likely each way is to share time out between the parts of a song.

Letters: b batch, k part, r sway, s stretch, n draw.

A logistic-normal (Aitchison and Shen, 1980): each part has a weight whose logarithm is normal, and in each stretch the
parts share the time by their weights. Parts vary on their own and, along a few sways, together: where one gap is
short, others may be too. Only what the weights of one stretch are to each other counts, so in the likelihood their
common factor is integrated out.
"""

from dataclasses import dataclass
from math import log, pi

import torch
import torch.nn.functional as F
from torch import Tensor

from training.durations.parts import LEAST_S

SHORTEST_S = 0.05  # what is shorter counts as this; notes of times are no finer
MEAN_DRAWS = 512


@dataclass(frozen=True, slots=True)
class Spread:
    """Of a batch of songs. What is pinned, or padding, has no spread."""

    centre: Tensor  # b k: of the logarithms of the weights
    deviation: Tensor  # b k: of each part alone
    sway: Tensor  # b k r: by how much the sways move each part
    stretch: Tensor  # b k: which stretch of the song a part is of, from 1; 0 is none
    spare_s: Tensor  # b s, float64: what each stretch has to share above the least of each part

    def loss(self, lengths_s: Tensor) -> Tensor:
        """b k seconds -> b: nats against them for each part that is free, up to what no network can change."""
        free = self.stretch > 0
        member = F.one_hot(self.stretch, self.spare_s.shape[1] + 1)[..., 1:].double()  # b k s: which part is of which
        missed = torch.where(free, (lengths_s.double().clamp(min=SHORTEST_S) - LEAST_S).log() - self.centre, 0.0)
        sway = (self.sway * free[..., None]).double()
        covariance = torch.diag_embed(torch.where(free, self.deviation.double() ** 2, 1.0)) + sway @ sway.mT
        root = torch.linalg.cholesky(covariance)
        apart = torch.cholesky_solve(torch.cat((missed[..., None], member), dim=-1), root)  # b k 1+s
        squares = (missed[..., None] * apart[..., :1]).sum(dim=(1, 2))
        common = member.mT @ apart  # b s 1+s: what the stretches' common factors explain
        used = member.any(dim=1)
        factors = common[..., 1:] + torch.diag_embed((~used).double())
        factor_root = torch.linalg.cholesky(factors)
        explained = torch.linalg.solve_triangular(factor_root, common[..., :1], upper=False).square().sum(dim=(1, 2))
        volume = 2 * (_log_diagonal(root) + _log_diagonal(factor_root))
        degrees = free.sum(dim=1) - used.sum(dim=1)
        nats = (squares - explained + volume + degrees * log(2 * pi)) / 2
        return (nats / free.sum(dim=1).clamp(min=1)).float()

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """n b k seconds, float64: `count` ways to share each song's time out; 0 where a part is not free."""
        b, k, r = self.sway.shape
        alone = torch.randn(count, b, k, generator=generator, device=self.sway.device)
        together = torch.randn(count, b, r, generator=generator, device=self.sway.device)
        return self.lengths(self._logs(alone, together))

    def mean(self) -> Tensor:
        """b k seconds, float64: the mean of many draws, the same ones for every song, wherever it stands in a batch."""
        _, k, r = self.sway.shape
        generator = torch.Generator().manual_seed(0)
        together = torch.randn(MEAN_DRAWS, 1, r, generator=generator).to(self.sway)
        alone = torch.randn(k, 1, MEAN_DRAWS, generator=generator).to(self.sway).transpose(0, 2)  # n 1 k
        both_sides = (torch.cat((x, -x)) for x in (alone, together))
        return self.lengths(self._logs(*both_sides)).mean(dim=0)

    def lengths(self, logs: Tensor) -> Tensor:
        """Logarithms of weights n b k -> seconds, float64."""
        of = self.stretch.expand(logs.shape)
        slots = torch.zeros(*logs.shape[:2], self.spare_s.shape[1] + 1, dtype=torch.float64, device=logs.device)
        logs = logs.double()
        most = slots.scatter_reduce(2, of, logs, "amax", include_self=False)
        weights = (logs - most.gather(2, of)).exp()
        shares = weights / slots.scatter_add(2, of, weights).gather(2, of)
        spare_s = F.pad(self.spare_s, (1, 0)).gather(1, self.stretch)  # b k
        return shares * spare_s + LEAST_S * (self.stretch > 0).double()

    def _logs(self, alone: Tensor, together: Tensor) -> Tensor:
        """Unit noise of each part, n b k, and of each sway, n b r -> logarithms of weights, n b k."""
        return self.centre + self.deviation * alone + (self.sway @ together[..., None]).squeeze(-1)


def _log_diagonal(root: Tensor) -> Tensor:
    return root.diagonal(dim1=-2, dim2=-1).log().sum(dim=-1)
