"""A training step: the same numbers whether one rank takes all batches of a step or several share them.

Letters: b batch, n latent frame, c latent channel.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor

from training.conditioning import FrozenEncoder
from training.data.examples import Batch
from training.model import SongModel
from training.objective import LEVELS, Loss, Objective, loss_of
from training.run.checkpoints import Learner
from training.run.ema import Ema
from training.run.guard import Guard, Trouble
from training.run.parallel import bare, computing, shared, syncing
from training.run.ranks import Ranks
from training.run.settings import OptimiserSettings, RunSettings


@dataclass(frozen=True, slots=True)
class Step:
    """What a step came to, over all ranks."""

    loss: float
    gradient: float  # its length, before it was cut
    learning_rate: float
    trouble: Trouble | None
    frames: float  # that counted
    padded: float  # that were computed
    levels: Tensor  # 2 LEVELS, see Loss.by_level
    stop: bool  # a rank was asked to
    failed: bool  # a rank has nothing to go on with


class Trainer:
    """A model that learns, with all that it learns with.

    A step's loss is the mean over all frames of all its batches on all ranks, so that neither the number of ranks nor
    the way in which samples are put into batches weighs some of them more.
    """

    def __init__(
        self, model: SongModel, settings: RunSettings, ranks: Ranks, encoder: FrozenEncoder | None = None
    ) -> None:
        self.settings, self.ranks, self.encoder = settings, ranks, encoder
        self.objective = Objective(settings.model.objective.kind)
        self.model = shared(model.train(), settings, ranks)
        self.optimiser = optimiser_of(self.model, settings.optimiser)
        self.ema = Ema(bare(self.model), settings.optimiser.ema)
        self.guard = Guard(settings.guard)
        self.done = 0  # steps, taken or skipped

    @property
    def learner(self) -> Learner:
        return Learner(self.model, self.optimiser, self.ema)

    def step(self, batches: Sequence[Batch], stop: bool = False, failed: bool = False) -> Step:
        """One step over this rank's batches. What one rank says, to stop or that it failed, all ranks hear."""
        counts = [
            float(sum(int(batch.counted.sum()) for batch in batches)),
            float(sum(batch.counted.numel() for batch in batches)),
            float(stop),
            float(failed),
        ]
        frames, padded, stops, faults = self.ranks.total(self._numbers(counts)).tolist()
        batches = [self._read(batch.to(self.ranks.device)) for batch in batches]
        learning_rate = self._warm()
        total, levels = self._numbers([0.0])[0], torch.zeros(2, LEVELS, dtype=torch.float64, device=self.ranks.device)
        for i, batch in enumerate(batches):
            with syncing(self.model, now=i == len(batches) - 1):
                loss = self._loss(batch)
                # Ranks' gradients are averaged, not summed.
                (loss.total * (self.ranks.world / max(frames, 1.0))).backward()
            total, levels = total + loss.total.detach().double(), levels + loss.by_level().double()
        summed = self.ranks.total(torch.cat((total[None], levels.flatten())))
        mean = float(summed[0]) / max(frames, 1.0)
        gradient = self._cut()
        self.done += 1
        trouble = self.guard.judge(mean, gradient) if frames else None
        if trouble is None and frames:
            self.optimiser.step()
            self.ema.follow(bare(self.model), self.done)
        self.optimiser.zero_grad(set_to_none=True)
        return Step(
            mean,
            gradient,
            learning_rate,
            trouble,
            frames,
            padded,
            summed[1:].reshape(2, LEVELS).cpu(),
            bool(stops),
            bool(faults),
        )

    def progress(self) -> dict[str, Any]:
        """What a checkpoint holds beside weights: JSON."""
        return {"step": self.done, "guard": self.guard.state()}

    def resume(self, progress: dict[str, Any]) -> None:
        self.done = progress["step"]
        self.guard.load(progress["guard"])

    def _read(self, batch: Batch) -> Batch:
        """Prompts as the frozen encoder reads them, where there is one."""
        return replace(batch, told=batch.told.read_by(self.encoder, batch.prompts)) if self.encoder else batch

    def _loss(self, batch: Batch) -> Loss:
        x_t, target = self.objective.noisy(batch.x, batch.noise, batch.t)
        with computing(self.settings, self.ranks):
            said = self.model(x_t, batch.t, batch.told)
        return loss_of(said, target, batch.t, batch.counted)

    def _warm(self) -> float:
        """Sets the learning rate of this step, and gives it."""
        settings = self.settings.optimiser
        rate = settings.learning_rate * min(1.0, (self.done + 1) / max(settings.warm_up, 1))
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        return rate

    def _cut(self) -> float:
        """The length of the gradient of all ranks, before it is cut."""
        length = nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.optimiser.clip)
        length = length.full_tensor() if isinstance(length, DTensor) else length
        return float(length) if torch.isfinite(length) else inf

    def _numbers(self, values: Sequence[float]) -> Tensor:
        return torch.tensor(values, dtype=torch.float64, device=self.ranks.device)


def optimiser_of(model: nn.Module, settings: OptimiserSettings) -> torch.optim.AdamW:
    """AdamW (Loshchilov and Hutter, 2019); what has one dimension, biases and norms, does not decay."""
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    matrices, others = [w for w in weights if w.ndim > 1], [w for w in weights if w.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": settings.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=settings.betas, fused=True)
