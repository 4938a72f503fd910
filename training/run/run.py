"""A training run of one stage, on this rank.

Started again with the same settings it goes on from its last checkpoint. In its folder are

    checkpoints/step-…   all that is needed to go on
    exports/step-…       the model as it is handed on
    curves/              for TensorBoard, and as JSON lines
    samples/step-…       songs to listen to
    hours/               the ledger of device-hours
"""

import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from resources.stores import open_store
from training.codec import Codec, Scale, open_codec
from training.data.corpus import Corpus, open_corpus
from training.data.draws import states_of
from training.data.latents import codec_name
from training.data.order import Position
from training.model import new_model
from training.prompt_encoders import open_encoder
from training.run.checkpoints import CheckpointError, found, keep_newest, load, progress_of, save, step_name
from training.run.curves import Curves, NoCurves, WrittenCurves
from training.run.export import Origin, differences, export, load_start
from training.run.feed import Feed
from training.run.hours import Hours, stretches
from training.run.interrupts import Interrupts
from training.run.listening import hear
from training.run.ranks import Ranks
from training.run.settings import RunSettings
from training.run.tally import Tally
from training.run.trainer import Trainer

KEPT = ("stage", "model", "seed", "frames", "crop_s")  # settings that a run may not change on its way


class RunRefused(Exception):
    """Settings and data that do not go together; the message says what to set."""


class Ending(StrEnum):
    DONE = "done"
    STOPPED = "stopped"  # it was asked to, and goes on when it is started again


def run(settings: RunSettings, ranks: Ranks, tell: Callable[[str], None] = lambda line: None) -> Ending:
    """Trains until all steps are done, or until a signal asks to stop. `tell` is given what a person wants to read.

    Raises:
        RunRefused, ModelUnavailable, ExportError, CheckpointError: it cannot begin or go on; nothing was changed.
        TooManyFaults, TooMuchTrouble, CheckpointError, ExportError, Outage, OSError: it has to end; the last checkpoint
        is whole.
    """
    codec = open_codec(settings.model.codec)
    corpus = corpus_of(settings)
    encoder = open_encoder(settings.model.conditions, ranks.device, settings.folder / "prompts")
    model = new_model(settings.model, settings.seed, encoder.width if encoder else 0)
    checkpoints = found(settings.folder / "checkpoints")
    if settings.start and not checkpoints:
        load_start(model, settings.start)
    try:
        trainer = Trainer(model, settings, ranks, encoder)
        position = go_on(checkpoints[-1], trainer, corpus, ranks) if checkpoints else Position()
        feed = Feed(settings, corpus, Scale.of(codec), ranks, position)
    except ValueError as error:
        raise RunRefused(str(error)) from error
    if checkpoints:
        tell(f"goes on after step {trainer.done} from {checkpoints[-1]}")
    curves: Curves = WrittenCurves(settings.folder / "curves", trainer.done) if ranks.first else NoCurves()
    desk = Desk(settings, trainer, feed, corpus, codec, curves, Hours(settings.folder / "hours", trainer.done, ranks))
    with Interrupts() as stop:
        while trainer.done < settings.steps:
            desk.tally.add(step := trainer.step(feed.take(), stop.asked))
            last = step.stop or trainer.done == settings.steps
            if last or trainer.done % settings.saving.log_every == 0:
                tell(desk.log())
            if last or trainer.done % settings.saving.every == 0:
                desk.save()
            if settings.saving.sample_every and (trainer.done % settings.saving.sample_every == 0):
                desk.listen()
            if step.stop:
                break
    desk.export()  # where it was killed between its last checkpoint and that
    curves.close()
    return Ending.DONE if trainer.done == settings.steps else Ending.STOPPED


class Desk:
    """Where a run is written down. All ranks have to come here together; the first one writes."""

    def __init__(
        self,
        settings: RunSettings,
        trainer: Trainer,
        feed: Feed,
        corpus: Corpus,
        codec: Codec,
        curves: Curves,
        hours: Hours,
    ) -> None:
        self.settings, self.trainer, self.feed, self.corpus = settings, trainer, feed, corpus
        self.codec, self.curves, self.hours = codec, curves, hours
        self.ranks = trainer.ranks
        self.tally = Tally(time.monotonic())

    def log(self) -> str:
        row = self.tally.row(self.trainer.guard.skipped, self.feed.policy.counts, self.codec.frame_s, self.ranks.device)
        self.curves.add(self.trainer.done, row)
        self.hours.reached(self.trainer.done)
        self.tally = Tally(time.monotonic())
        return f"step {self.trainer.done}: loss {row['loss']:.4f}, {row['speed/audio_s_per_s']:.0f} s of music a second"

    def save(self) -> None:
        saving, done = self.settings.saving, self.trainer.done
        settings = self.settings.model_dump(mode="json")
        progress = self.trainer.progress() | {
            "position": {"epoch": self.feed.position.epoch, "batch": self.feed.position.batch},
            "snapshot": self.corpus.snapshot,
            "settings": {name: settings[name] for name in KEPT},
        }
        save(self.settings.folder / "checkpoints", done, self.trainer.learner, progress, saving.keep, self.ranks)
        self.export()

    def export(self) -> None:
        """The model as it is now, unless that was done."""
        exports = self.settings.folder / "exports"
        now = exports / step_name(self.trainer.done)
        if self.ranks.first_says(now.exists()):
            return
        weights = self.trainer.ema.whole()
        if self.ranks.first:
            export(now, weights, self.settings.model, self.settings.sampler, self.origin())
            keep_newest(exports, self.settings.saving.keep)

    def listen(self) -> None:
        weights = self.trainer.ema.whole()
        if self.ranks.first:
            encoder = self.trainer.encoder
            hear(weights, self.trainer.done, self.settings, self.corpus, self.codec, encoder, self.curves)
        self.ranks.wait()

    def origin(self) -> Origin:
        self.hours.reached(self.trainer.done)
        return Origin(
            stage=self.settings.stage.name,
            step=self.trainer.done,
            states=tuple(sorted(states_of(self.settings.stage))),
            snapshot=self.corpus.snapshot,
            seed=self.settings.seed,
            frozen_width=self.trainer.encoder.width if self.trainer.encoder else 0,
            start=str(self.settings.start or ""),
            device_hours=sum(stretch.hours for stretch in stretches(self.settings.folder / "hours")),
        )


def corpus_of(settings: RunSettings) -> Corpus:
    """Raises RunRefused: there is none, or its latents are of another codec than the model's."""
    try:
        corpus = open_corpus(open_store(settings.store), settings.index)
    except ValueError as error:
        raise RunRefused(f"{settings.store}: {error}") from error
    wanted = codec_name(settings.model.codec)
    if corpus.codec != wanted or corpus.channels != settings.model.dit.channels:
        raise RunRefused(
            f"{settings.index} holds latents of {corpus.codec} with {corpus.channels} channels, and the model is of "
            f"{wanted} with {settings.model.dit.channels}: set `model.codec` and `model.dit.channels`, or make latents"
        )
    return corpus


def go_on(checkpoint: Path, trainer: Trainer, corpus: Corpus, ranks: Ranks) -> Position:
    """Brings a checkpoint back.

    Raises:
        CheckpointError: it cannot be read, or is of another run.
    """
    progress = progress_of(checkpoint)
    ours = trainer.settings.model_dump(mode="json")
    different = differences({name: ours[name] for name in KEPT}, progress["settings"])
    if corpus.snapshot != progress["snapshot"]:
        different.append(f"snapshot of the data: {corpus.snapshot[:12]}, was {progress['snapshot'][:12]}")
    if different:
        raise CheckpointError(
            f"{checkpoint} is of another run: {'; '.join(different)}. Set them back, or use another folder"
        )
    load(checkpoint, trainer.learner, ranks)
    trainer.resume(progress)
    return Position(**progress["position"])
