"""What each step of a run is fed: batches of examples from a corpus, from where the run stands."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from resources.outages import Outage
from training.codec import LatentSpec
from training.data.corpus import Corpus
from training.data.draws import draw_of, random_of
from training.data.examples import Batch, Example, batch_of, context_of, example_of
from training.data.faults import Skipping, TooManyFaults
from training.data.loader import load
from training.data.order import Order, Position
from training.guidance import State
from training.request import Request
from training.run.ranks import Ranks
from training.run.settings import RunSettings


@dataclass(frozen=True, slots=True)
class Examples:
    """The example of an epoch and a sample."""

    settings: RunSettings
    corpus: Corpus
    spec: LatentSpec

    @property
    def crop_frames(self) -> int:
        return max(1, round(self.settings.crop_s / self.spec.frame_s))

    def __call__(self, epoch: int, index: int) -> Example:
        """Raises SampleFault: the sample cannot be read."""
        random = random_of(self.settings.seed, epoch, index)
        draw = draw_of(self.settings.stage, random)
        sample = self.corpus.read(index, draw.tracks)
        return example_of(sample, draw, random, self.crop_frames, self.settings.stage, self.settings.model, self.spec)


class Feed:
    """A rank's batches, step after step; `position` is where a run goes on that stops now."""

    def __init__(
        self, settings: RunSettings, corpus: Corpus, spec: LatentSpec, ranks: Ranks, position: Position
    ) -> None:
        make = Examples(settings, corpus, spec)
        frames = np.minimum(corpus.frames, make.crop_frames)
        self.order = Order(frames, settings.frames, settings.seed)
        self.policy = Skipping(settings.most_faulty)
        self.position = position
        self._accumulation = settings.accumulation
        self._nothing = idle_batch(settings, spec)
        collate = partial(batch_of, model=settings.model, spec=spec)
        turns = self.order.turns(position, ranks.rank, ranks.world)
        self._loaded = load(turns, make, collate, settings.workers, self.policy)

    def take_or_fault(self) -> tuple[list[Batch], Exception | None]:
        """The batches of a step; or some that add nothing, and why. So that all ranks hear of it before one ends."""
        try:
            return self.take(), None
        except (TooManyFaults, Outage) as fault:
            return [self._nothing] * self._accumulation, fault

    def take(self) -> list[Batch]:
        """The batches of a step.

        Raises:
            TooManyFaults: more samples cannot be read than the settings allow.
        """
        batches = []
        for _ in range(self._accumulation):
            loaded = next(self._loaded)
            batches.append(self._nothing if loaded.batch is None else loaded.batch)
            self.position = loaded.then
        return batches


def idle_batch(settings: RunSettings, spec: LatentSpec) -> Batch:
    """For a rank whose samples are all faulty: it takes part in a step, and adds nothing to it."""
    nothing = torch.zeros(1, spec.channels)
    example = Example(
        request=Request(spec.frame_s),
        state=State.NOTHING,
        given=0,
        x=nothing,
        context=context_of(nothing, torch.zeros(1, dtype=torch.bool)),
        counted=torch.zeros(1, dtype=torch.bool),
        noise=nothing,
        t=0.5,
    )
    return batch_of([example], settings.model, spec)
