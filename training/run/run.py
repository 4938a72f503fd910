"""A training run of one stage, on this rank.

Started again with the same settings it goes on from its last checkpoint. In its folder are

    checkpoints/step-…   all that is needed to go on
    exports/step-…       the model as it is handed on
    curves/              for TensorBoard, and as JSON lines
    samples/step-…       songs to listen to
    hours/               the ledger of device-hours
"""

from collections.abc import Callable
from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path

from resources.stores import open_store
from training.codec import LatentSpec, open_codec
from training.data.corpus import Corpus, open_corpus
from training.data.latents import codec_name
from training.data.order import Position
from training.model import new_model
from training.prompt_encoders import open_encoder
from training.run.checkpoints import CheckpointError, found, load, progress_of, step_name, step_of
from training.run.desk import KEPT, Desk
from training.run.export import differences, load_start
from training.run.feed import Feed
from training.run.interrupts import Interrupts
from training.run.lock import locked
from training.run.ranks import Ranks
from training.run.settings import RunSettings
from training.run.trainer import Trainer


class RunRefused(Exception):
    """Settings and data that do not go together; the message says what to set."""


class RankFailed(Exception):
    """Another rank failed, so this one ends, too."""


class Ending(StrEnum):
    DONE = "done"
    STOPPED = "stopped"  # it was asked to, and goes on when it is started again


def run(settings: RunSettings, ranks: Ranks, tell: Callable[[str], None] = lambda line: None) -> Ending:
    """Trains until all steps are done, or until a signal asks to stop. `tell` is given what a person wants to read.

    Raises:
        RunRefused, FolderTaken, ModelUnavailable, ExportError, CheckpointError: it cannot begin or go on; nothing was
        changed.
        TooManyFaults, TooMuchTrouble, RankFailed, CheckpointError, ExportError, Outage: it has to end; the last
        checkpoint is whole.
    """
    with locked(settings.folder, tell) if ranks.first else nullcontext():
        return _trained(settings, ranks, tell)


def _trained(settings: RunSettings, ranks: Ranks, tell: Callable[[str], None]) -> Ending:
    codec = open_codec(settings.model.codec)
    corpus = corpus_of(settings)
    encoder = open_encoder(settings.model.conditions, ranks.device, settings.folder / "prompts")
    model = new_model(settings.model, settings.seed, encoder.width if encoder else 0)
    last = newest(settings.folder / "checkpoints", ranks)
    if settings.start and not last:
        load_start(model, settings.start)
    try:
        trainer = Trainer(model, settings, ranks, encoder)
        position = go_on(last, trainer, corpus, ranks) if last else Position()
        feed = Feed(settings, corpus, LatentSpec.of(codec), ranks, position)
    except ValueError as error:
        raise RunRefused(str(error)) from error
    if last:
        tell(f"goes on after step {trainer.done} from {last}")
    with Interrupts() as stop, Desk(settings, trainer, feed, corpus, codec, tell) as desk:
        while trainer.done < settings.steps:
            batches, fault = feed.take_or_fault()
            desk.tally.add(step := trainer.step(batches, stop.asked, failed=fault is not None))
            if step.failed:
                raise fault or RankFailed("another rank could not go on, and says why; what was saved before is whole")
            ends = step.stop or trainer.done == settings.steps
            if ends or trainer.done % settings.saving.log_every == 0:
                desk.log()
            if ends or trainer.done % settings.saving.every == 0:
                desk.save()
            if step.trouble:
                trainer.guard.check(f"epoch {feed.position.epoch}, before batch {feed.position.batch}")
            if step.stop and trainer.done < settings.steps:
                return Ending.STOPPED
            if settings.saving.sample_every and trainer.done % settings.saving.sample_every == 0:
                desk.listen()
        desk.finish()
    return Ending.DONE


def newest(folder: Path, ranks: Ranks) -> Path | None:
    """The checkpoint that the first rank goes on from, and so all do.

    Raises:
        CheckpointError: this rank does not see it.
    """
    here = found(folder)
    step = ranks.first_says(step_of(here[-1]) if here else -1)
    if step < 0:
        return None
    if not (folder / step_name(step)).is_dir():
        raise CheckpointError(f"rank {ranks.rank} sees no {folder / step_name(step)}: all ranks need the same folder")
    return folder / step_name(step)


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
