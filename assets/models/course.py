"""A stage of a training run: what it is to do, fixed in its folder when it is first launched.

    RUNS/RUN/STAGE/settings.json    what the trainer is given
    RUNS/RUN/STAGE/start/           the model of the stage before, where there is one
    RUNS/RUN/STAGE/…                what the trainer leaves behind (training/run/run.py)

Launched again it goes on, on the data and from the start that it began with; only what changes no meaning of what was
learnt before, such as the learning rate or more steps, may be set anew.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from assets.models.latents import index_now
from assets.models.presets import PRESETS, Preset
from assets.models.published import fetch, last_model
from assets.models.settings import LaunchSettings, ModelsSettings, Size
from resources.ledger import Ledger
from resources.models import check_installed
from training.run.settings import RunSettings
from training.settings import CodecSettings, ModelSettings

RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
TAKEN = {"model", "real", "codec", "shuffled", "noise"}  # by what runs are compared with
ASSET_OF = {"music": "music_pretrain", "vocals": "vocal_finetune", "joint": "joint"}  # which asset a stage's model is
BEFORE = {"vocals": "music", "joint": "vocals"}  # the stage that another one goes on from
KEPT = ("stage", "model", "seed", "frames", "crop_s", "index", "start")


class NotReady(Exception):
    """The stage cannot be launched like this; the message says what to do first, or to set."""


class Told(BaseModel):
    """What of a launch the next stages and the tables go by."""

    model_config = ConfigDict(frozen=True)

    size: Size
    codec: str  # as the profile calls it
    before: str  # sha256 of the model that it goes on from; empty for none


@dataclass(frozen=True, slots=True)
class Course:
    run: str
    stage: str
    told: Told
    settings: RunSettings
    resumes: bool  # it has been launched before

    @property
    def file(self) -> Path:
        return self.settings.folder / "settings.json"

    @property
    def asset(self) -> str:
        return ASSET_OF[self.stage]


def begin(
    stage: str, launch: LaunchSettings, run: str, ledger: Ledger, models: ModelsSettings, runs: Path, store: str
) -> Course:
    """Works out what the stage is to do, and writes it into its folder under `runs`.

    Raises:
        NotReady: the stage before is not there, the settings are not those it began with, or the run has no name.
        NoLatents: there is nothing to learn from.
        ModelUnavailable: the codec's weights cannot be had, or what training needs is not installed.
    """
    if not RUN_NAME.fullmatch(run) or run in TAKEN:
        raise NotReady(
            f"{run!r} is no name of a run: take letters, digits, dots and dashes, 64 at most, and none of "
            f"{', '.join(sorted(TAKEN))}"
        )
    check_installed("diffusers", "phonemizer", "tensorboard", extra="training")
    if launch.stage.name != stage:
        raise NotReady(f"the stage is {stage}: set stage.name back from {launch.stage.name}")
    folder = runs / run / stage
    earlier = _written(folder / "settings.json")
    begun = _told(folder) if earlier else None
    before = None if begun else _before(launch, run, ledger)
    size: Size = launch.size or (begun.size if begun else before["size"] if before else "tiny")
    preset = PRESETS[size]
    codec = launch.codec or (begun.codec if begun else before["codec"] if before else preset.codec)
    if codec not in models.codecs:
        raise NotReady(f"there is no codec {codec}: `models.codecs` of the profile has {', '.join(models.codecs)}")
    told = Told(size=size, codec=codec, before=begun.before if begun else before["sha256"] if before else "")
    if earlier:
        index, channels, start = earlier.index, earlier.model.dit.channels, earlier.start
    else:
        data = index_now(ledger, codec, models.codecs[codec])
        index, channels = data.key, data.channels
        start = fetch(ledger.store, before["export_uri"], folder / "start") if before else None
    settings = settings_of(launch, earlier, preset, models.codecs[codec], channels, folder, store, index, start)
    if earlier:
        _check_same(run, stage, settings, earlier)
    course = Course(run, stage, told, settings, resumes=earlier is not None)
    # What was begun is there before the settings that make the trainer go on with it.
    _write(folder / "told.json", told.model_dump_json())
    _write(course.file, settings.model_dump_json(indent=1))
    return course


def settings_of(
    launch: LaunchSettings,
    earlier: RunSettings | None,
    preset: Preset,
    codec: CodecSettings,
    channels: int,
    folder: Path,
    store: str,
    index: str,
    start: Path | None,
) -> RunSettings:
    """What the trainer is given: as launched, else as begun earlier, else as the preset has it.

    Raises:
        NotReady: settings that do not go together.
    """
    optimiser = earlier.optimiser if earlier else preset.optimiser
    if launch.learning_rate:
        optimiser = optimiser.model_copy(update={"learning_rate": launch.learning_rate})
    try:
        return RunSettings(
            folder=folder,
            store=store,
            index=index,
            stage=launch.stage,
            model=ModelSettings(
                dit=preset.dit.model_copy(update={"channels": channels}),
                conditions=preset.conditions,
                codec=codec,
                objective=preset.objective,
            ),
            optimiser=optimiser,
            saving=preset.saving,
            sampler=preset.sampler,
            start=start,
            seed=launch.seed,
            steps=launch.steps or (earlier.steps if earlier else preset.steps[launch.stage.name]),
            frames=launch.frames or (earlier.frames if earlier else preset.frames),
            crop_s=launch.crop_s or (earlier.crop_s if earlier else preset.crop_s),
            precision=launch.precision or (earlier.precision if earlier else preset.precision),
            parallel=launch.parallel,
            workers=preset.workers if launch.workers is None else launch.workers,
        )
    except ValidationError as error:
        raise NotReady("; ".join(fault["msg"] for fault in error.errors())) from None


def _before(launch: LaunchSettings, run: str, ledger: Ledger) -> Mapping[str, Any] | None:
    """The model that the stage goes on from, as the tables have it. Raises NotReady."""
    before = BEFORE.get(launch.stage.name)
    if before is None:
        return None
    of = launch.goes_on_from or run
    found = last_model(ledger, ASSET_OF[before], of)
    if found is None:
        raise NotReady(
            f"{launch.stage.name} goes on from {before}, and the run {of} has not finished that: materialise "
            f"{ASSET_OF[before]} for it first, or set goes_on_from to a run that has"
        )
    return found


def _check_same(run: str, stage: str, settings: RunSettings, earlier: RunSettings) -> None:
    from training.run.export import differences

    ours, theirs = (each.model_dump(mode="json", include=set(KEPT)) for each in (settings, earlier))
    if different := differences(ours, theirs):
        raise NotReady(
            f"{stage} of the run {run} was begun with other settings: {'; '.join(different)}. Set them back, or take "
            "another training_run key"
        )


def _written(file: Path) -> RunSettings | None:
    """Raises NotReady: what is there is of another version of Melisma, or was edited."""
    if not file.exists():
        return None
    try:
        return RunSettings.model_validate_json(file.read_bytes())
    except ValidationError as error:
        raise NotReady(
            f"{file} cannot be read ({error.errors()[0]['msg']}): take another training_run key, or take that folder "
            "away"
        ) from None


def _told(folder: Path) -> Told | None:
    file = folder / "told.json"
    return Told.model_validate(json.loads(file.read_bytes())) if file.exists() else None


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}")
    part.write_text(text, encoding="utf-8")
    part.replace(file)
