"""Where a run is written down: checkpoints, exports, curves, samples, hours."""

import time
from collections.abc import Callable
from types import TracebackType

import torch

from resources.outages import outages_of
from training.codec import Codec
from training.data.corpus import Corpus
from training.data.draws import states_of
from training.data.faults import Fault
from training.run.checkpoints import drop_newer, keep_newest, save, step_name
from training.run.curves import Curves, NoCurves, WrittenCurves
from training.run.export import Origin, export, git_revision
from training.run.feed import Feed
from training.run.hours import Hours, sessions
from training.run.listening import NothingToHear, hear
from training.run.settings import RunSettings
from training.run.tally import Tally
from training.run.trainer import Trainer

KEPT = ("stage", "model", "seed", "frames", "crop_s")  # settings that a run may not change on its way


class Desk:
    """All ranks have to come here together; the first one writes. What lies in the folder and is newer than where the
    run goes on from is taken away: it is of another course of the run."""

    def __init__(
        self,
        settings: RunSettings,
        trainer: Trainer,
        feed: Feed,
        corpus: Corpus,
        codec: Codec,
        tell: Callable[[str], None],
    ) -> None:
        self.settings, self.trainer, self.feed, self.corpus, self.codec = settings, trainer, feed, corpus, codec
        self.tell, self.ranks, self.folder = tell, trainer.ranks, settings.folder
        self.revision = git_revision()
        self.hours = Hours(self.folder / "hours", trainer.done, self.ranks)
        self.curves: Curves = NoCurves()
        self.tally = Tally(time.monotonic())
        if self.ranks.first:
            with outages_of(f"the run's folder {self.folder}"):
                for kind in ("exports", "samples"):
                    drop_newer(self.folder / kind, trainer.done)
                self.curves = WrittenCurves(self.folder / "curves", trainer.done)

    def __enter__(self) -> "Desk":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.curves.close()

    def log(self) -> None:
        row = self.tally.row(self.trainer.guard.skipped, self._faults(), self.codec.frame_s, self.ranks.device)
        with outages_of(f"the run's folder {self.folder}"):
            self.curves.add(self.trainer.done, row)
            self.hours.reached(self.trainer.done)
        self.tally = Tally(time.monotonic())
        speed = f"{row['speed/audio_s_per_s']:.0f} s of music a second"
        self.tell(f"step {self.trainer.done}: loss {row['loss']:.4f}, {speed}")

    def save(self) -> None:
        """A checkpoint, and the model as it is now."""
        settings = self.settings.model_dump(mode="json")
        progress = self.trainer.progress() | {
            "position": {"epoch": self.feed.position.epoch, "batch": self.feed.position.batch},
            "snapshot": self.corpus.snapshot,
            "settings": {name: settings[name] for name in KEPT},
        }
        checkpoints, keep = self.folder / "checkpoints", self.settings.saving.keep
        save(checkpoints, self.trainer.done, self.trainer.learner, progress, keep, self.ranks)
        self._export()
        self.curves.flush()

    def finish(self) -> None:
        """Makes the last export where the run was killed between its last checkpoint and that."""
        done = (self.folder / "exports" / step_name(self.trainer.done)).is_dir()
        if not self.ranks.first_says(int(done)):
            self._export()

    def listen(self) -> None:
        """Samples to listen to. That they cannot be made or written ends no run."""
        weights = self.trainer.ema.whole(keep=self.ranks.first)
        if self.ranks.first:
            try:
                hear(weights, self.trainer, self.corpus, self.codec, self.curves)
            except NothingToHear as error:
                self.tell(str(error))
        self.ranks.wait()

    def _export(self) -> None:
        weights = self.trainer.ema.whole(keep=self.ranks.first)
        if self.ranks.first:
            exports, settings = self.folder / "exports", self.settings
            now = exports / step_name(self.trainer.done)
            export(now, weights, settings.model, settings.sampler, self._origin(), self.revision)
            keep_newest(exports, settings.saving.keep)

    def _origin(self) -> Origin:
        self.hours.reached(self.trainer.done)
        return Origin(
            stage=self.settings.stage.name,
            step=self.trainer.done,
            states=tuple(sorted(states_of(self.settings.stage))),
            codec=self.corpus.codec,
            index=self.settings.index,
            snapshot=self.corpus.snapshot,
            seed=self.settings.seed,
            frozen_width=self.trainer.encoder.width if self.trainer.encoder else 0,
            start=str(self.settings.start or ""),
            device_hours=sum(session.hours for session in sessions(self.folder / "hours")),
        )

    def _faults(self) -> dict[Fault, int]:
        """Samples that could not be read since the run was started, on all ranks."""
        here = torch.tensor([self.feed.policy.counts[fault] for fault in Fault], dtype=torch.float64)
        counts = self.ranks.total(here.to(self.ranks.device)).tolist()
        return {fault: int(count) for fault, count in zip(Fault, counts, strict=True) if count}
