"""Who puts a track into words, and what is measured of it beforehand."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveInt, field_validator, model_validator

from resources.devices import check_device, device_of
from resources.engines import worker_number
from resources.hub import find_weights
from resources.models import LocalModel, ModelChoice, ModelSpec, ModelUnavailable
from resources.weights import WeightsError

MEASURED = ModelSpec(name="measured-1", package="melisma", weights_sha256="")

RATE_HZ = 16_000
LONGEST_S = 30.0  # what a listener hears at once
QWEN = "Qwen/Qwen2-Audio-7B-Instruct"
ENGINES = {  # and what to do where one is not installed
    "transformers": "pip install 'melisma[production]'",
    "vllm": "pip install 'vllm[audio]' (it needs a GPU), or set the captioner's engine to transformers",
}
QWEN_FILES = ("*.json", "merges.txt", "*.safetensors")
TEMPERATURE, TOP_P = 0.7, 0.9  # of answers that are drawn with a seed


class CaptionerChoice(ModelChoice):
    model: str = Field(
        MEASURED.name,
        description=f"Who writes the captions: {MEASURED.name}, {QWEN}, or another Qwen2-Audio on the hub.",
    )
    engine: Literal["transformers", "vllm"] = Field("transformers", description="What runs a model that listens.")
    windows: PositiveInt = Field(3, description="So many stretches of a track are listened to, spread over it.")
    window_s: float = Field(LONGEST_S, gt=0, le=LONGEST_S, description="How long each of them is, seconds.")
    max_tokens: PositiveInt = Field(256, description="Longest answer about one of them, tokens.")

    @field_validator("model")
    @classmethod
    def _known(cls, model: str) -> str:
        if model != MEASURED.name and "qwen2-audio" not in model.lower():
            raise ValueError(f"no captioner is called {model!r}; there is {MEASURED.name}, {QWEN}")
        return model

    @model_validator(mode="after")
    def _in_floats(self) -> "CaptionerChoice":
        if self.precision == "int8":
            raise ValueError(f"{self.model} does not compute in int8; there is bfloat16, float16, float32")
        return self

    @property
    def listens(self) -> bool:
        """Whether a model hears the music; otherwise what was measured is put into words."""
        return self.model != MEASURED.name


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a track; None where it cannot be told. Nothing in here is a guess."""

    genre: str | None = None  # as the file itself says
    sung: bool | None = None
    register: str | None = None  # of the voice: low, middle or high
    tempo_bpm: float | None = None
    pace: str | None = None  # slow, mid-tempo or fast; None also where the beat could be counted twice as fast or slow
    key: str | None = None
    sound: tuple[str, ...] = ()  # words such as bright, sparse, quiet


@dataclass(frozen=True, slots=True)
class Caption:
    text: str
    short: str
    tags: tuple[str, ...]


class Question(NamedTuple):
    """What a listener is asked about one window; without a seed for its likeliest answer."""

    audio: NDArray[np.float32]
    prompt: str
    seed: int | None


def questions(windows: Sequence[NDArray[np.float32]], prompt: str, seed: int | None) -> list[Question]:
    """One for each window. Raises ValueError: a window is empty, or too long."""
    longest = int(LONGEST_S * RATE_HZ)
    if any(not 0 < len(window) <= longest for window in windows):
        raise ValueError(f"a window is from 1 to {longest} samples, got {[len(window) for window in windows]}")
    return [Question(window, prompt, seed) for window in windows]


class Listener(Protocol):
    def listen(self, windows: Sequence[NDArray[np.float32]], prompt: str, seed: int | None = None) -> list[str]:
        """What is answered to a prompt about each window, mono float32 [samples] at 16 kHz, at most 30 s long.

        Without a seed the likeliest answer, always the same; with one an answer drawn at random, the same for the
        same seed. Tells what it makes up as surely as what it hears. May be called from several threads.

        Raises:
            ValueError: a window is empty or too long.
        """


def captioner_of(choice: CaptionerChoice, *, fetch: bool = False) -> LocalModel:
    """The captioner that is chosen, as far as this machine has it; with `fetch` all of it, ready to be opened.

    Raises:
        ModelUnavailable: it cannot be had (`fetch` only).
    """
    if not choice.listens:
        return choice.local(MEASURED)
    if fetch:
        check_device(choice)
        if not find_spec(choice.engine):
            raise ModelUnavailable(f"{choice.engine} is not installed here: {ENGINES[choice.engine]}")
    found = find_weights(choice, QWEN_FILES, fetch=fetch)
    spec = ModelSpec(
        name=choice.model,
        package=found.package,
        weights_sha256=found.sha256,
        revision=found.revision,
        parameters=(
            ("engine", choice.engine),
            ("precision", choice.precision),
            ("windows", choice.windows),
            ("window_s", choice.window_s),
            ("max_tokens", choice.max_tokens),
        ),
    )
    return choice.local(spec, found.path)


def open_captioner(model: LocalModel, threads: int) -> Listener | None:
    """Loads the weights of a model that `captioner_of` has fetched; None where no model listens.

    Raises:
        WeightsError: its weights are not there, or its engine is not installed.
    """
    if model.spec.name == MEASURED.name:
        return None
    if model.path is None:
        raise WeightsError(f"the weights of {model.spec.name} are not on this machine: fetch them first")
    run = dict(model.spec.parameters)
    loaded: dict[str, Any] = {
        "device": device_of(model.device, worker_number()),
        "precision": run["precision"],
        "batch": model.batch,
        "max_tokens": run["max_tokens"],
    }
    if run["engine"] == "vllm":
        from resources.vllm_audio import VllmAudio

        return VllmAudio(model.path, **loaded)
    import torch

    from resources.qwen_audio import QwenAudio

    torch.set_num_threads(threads)
    return QwenAudio(model.path, **loaded)
