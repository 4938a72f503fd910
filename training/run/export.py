"""A model as it is handed on: the averaged weights in safetensors, and all that one must know to use them.

model.safetensors     the weights
song_model.json       the model's settings, and what it was made from
scheduler/            the scheduler that samples were drawn with, as diffusers writes it
"""

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from training.codec import Codec, LatentSpec
from training.conditioning import FrozenEncoder
from training.generate import Singer
from training.guidance import State
from training.model import SongModel
from training.objective import Objective
from training.run.checkpoints import flush, remove
from training.sampler import scheduler_of
from training.settings import ModelSettings, SamplerSettings

WEIGHTS, CARD, SCHEDULER = "model.safetensors", "song_model.json", "scheduler"
NO_WEIGHT = ("dit.checkpointing", "codec.iterations")  # settings
MOST_TOLD = 300  # letters of an error; that of PyTorch names every weight
PACKAGES = ("torch", "diffusers", "transformers", "phonemizer", "espeakng-loader")


class ExportError(Exception):
    """An export that cannot be used; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What a model was made from."""

    stage: str
    step: int
    states: tuple[str, ...]  # that it was trained in
    codec: str  # as its latents are named
    index: str  # of the latent shards
    snapshot: str  # of these shards
    seed: int
    frozen_width: int  # of the frozen encoder of prompts; 0: none
    start: str  # the export it went on from
    device_hours: float


@dataclass(frozen=True, slots=True)
class Exported:
    model: SongModel
    sampler: SamplerSettings
    origin: Origin
    git_revision: str

    def singer(self, codec: Codec, encoder: FrozenEncoder | None = None) -> Singer:
        """What makes songs of it. `encoder` is the frozen one that its settings name, if they name one."""
        return Singer(self.model, LatentSpec.of(codec), self.sampler, tuple(map(State, self.origin.states)), encoder)


def export(
    folder: Path,
    weights: Mapping[str, Tensor],
    model: ModelSettings,
    sampler: SamplerSettings,
    origin: Origin,
    revision: str,
) -> Path:
    """Writes all of it under another name, then renames it.

    Raises:
        ExportError: it could not be written.
    """
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    card = {
        "model": model.model_dump(mode="json"),
        "sampler": sampler.model_dump(mode="json"),
        "origin": asdict(origin),
        "git_revision": revision,
        "packages": {name: version(name) for name in PACKAGES},
    }
    try:
        part.mkdir(parents=True)
        save_file({name: weight.contiguous() for name, weight in weights.items()}, part / WEIGHTS)
        scheduler_of(sampler, Objective(model.objective.kind)).save_pretrained(part / SCHEDULER)
        (part / CARD).write_text(json.dumps(card, indent=2, ensure_ascii=False), encoding="utf-8")
        flush(part)
        remove(folder)
        part.rename(folder)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(part, ignore_errors=True)
        raise ExportError(
            f"the export {folder} could not be written: {error}; start the run again once it can"
        ) from error
    return folder


def open_export(folder: Path, device: str = "cpu") -> Exported:
    """Raises ExportError: it is not whole, not an export of a song model, or its weights are of other settings."""
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        settings = ModelSettings.model_validate(card["model"])
        sampler = SamplerSettings.model_validate(card["sampler"])
        origin = Origin(**{**card["origin"], "states": tuple(card["origin"]["states"])})
        model = SongModel(settings, origin.frozen_width)
        model.load_state_dict(load_file(folder / WEIGHTS))
    except FileNotFoundError as error:
        raise ExportError(f"{folder} is no export of a song model: it has no {Path(error.filename).name}") from error
    except (ValidationError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        cause = " ".join(str(error).split())[:MOST_TOLD]
        raise ExportError(f"the export {folder} cannot be used: {cause}") from error
    return Exported(model.to(device).eval(), sampler, origin, card["git_revision"])


def git_revision() -> str:
    """Of the code as it lies here, with a + where it was changed since; empty where it is not in a checkout."""
    house = Path(__file__).parent
    try:
        subprocess.run(["git", "ls-files", "--error-unmatch", __file__], cwd=house, capture_output=True, check=True)
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=house, capture_output=True, text=True, check=True)
        changed = subprocess.run(
            ["git", "status", "--porcelain", "--untracked-files=no"],
            cwd=house,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return head.stdout.strip() + ("+" if changed.stdout.strip() else "")


def differences(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """Where two nested settings differ, as `dit.width: 192, was 256`; but for those that change no weight."""
    one, other = _flat(ours), _flat(theirs)
    names = [name for name in one | other if one.get(name) != other.get(name) and not name.endswith(NO_WEIGHT)]
    return [f"{name}: {one.get(name)}, was {other.get(name)}" for name in names]


def _flat(settings: Mapping[str, object], before: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in settings.items():
        flat |= _flat(value, f"{before}{name}.") if isinstance(value, dict) else {before + name: value}
    return flat


def load_start(model: SongModel, folder: Path) -> None:
    """Begins a model with the weights of another one's export.

    Raises:
        ExportError: it is of a model of another shape.
    """
    before = open_export(folder).model
    shape = {"dit", "conditions", "codec"}  # at what noise levels it learns may change
    ours, theirs = (each.settings.model_dump(mode="json", include=shape) for each in (model, before))
    if different := differences(ours, theirs):
        raise ExportError(f"{folder} is of another model than the one that is to go on from it: {'; '.join(different)}")
    with torch.no_grad():
        model.load_state_dict(before.state_dict())
