"""What `melisma doctor` looks into: whether each model of the profile can be had, loads and runs, and at what cost."""

import resource
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from assets.captions.heard import prompt
from assets.captions.sentence import measured_caption
from assets.profile import Profile
from assets.stems.separate import spread_of
from resources import captioners
from resources.acoustics import aligner_of, open_acoustic_model
from resources.captioners import Facts, captioner_of, open_captioner
from resources.engines import EngineError, LocalEngine
from resources.models import LocalModel, ModelChoice, ModelUnavailable
from resources.separators import open_separator, separator_of
from resources.transcribers import open_transcriber, transcriber_of

TIMEOUT_S = 1800.0
LOUDNESS_LUFS = -14.0

Listen = Callable[[np.ndarray], object]  # a model that is open, given float32 [samples] mono at 44.1 kHz or 16 kHz


@dataclass(frozen=True, slots=True)
class Trial:
    """What one model cost; `fault` says why it could not be tried."""

    role: str
    choice: ModelChoice
    model: LocalModel | None = None
    load_s: float = 0.0
    heard_s: float = 0.0
    memory_bytes: int = 0
    gpu_bytes: int = 0
    fault: str = ""

    def row(self, seconds: float) -> dict[str, Any]:
        """As the command line prints it."""
        spec = self.model.spec if self.model else None
        return {
            "role": self.role,
            "model": self.choice.model,
            "from": spec.package if spec else "",
            "sha256": spec.weights_sha256[:12] if spec else "",
            "device": self.choice.device,
            "precision": dict(spec.parameters).get("precision", self.choice.precision) if spec else "",
            "load s": round(self.load_s, 2),
            "memory MB": round(self.memory_bytes / 1e6),
            "GPU MB": round(self.gpu_bytes / 1e6),
            "× real time": round(seconds / self.heard_s, 2) if self.heard_s else None,
            "": "failed" if self.fault else "ok",
        }


@dataclass(frozen=True, slots=True)
class Role:
    """How a role's model is found, opened and made to listen."""

    name: str
    choice: ModelChoice
    find: Callable[..., LocalModel]
    open: Callable[[LocalModel, int], Listen]
    rate_hz: int


def roles(profile: Profile) -> list[Role]:
    return [
        Role("separator", profile.stems.separator, separator_of, _separate, 44_100),
        Role("transcriber", profile.lyrics.transcriber, transcriber_of, _transcribe, 16_000),
        Role("aligner", profile.lyrics.aligner, aligner_of, _align, 16_000),
        Role("captioner", profile.captions.captioner, captioner_of, _caption, captioners.RATE_HZ),
    ]


def examine(roles: Sequence[Role], seconds: float, threads: int) -> Iterator[Trial]:
    """Each model, fetched here and then run in a worker of its own, as a stage runs it."""
    for role in roles:
        try:
            model = role.find(role.choice, fetch=True)
            (done,) = LocalEngine(1, threads).run(partial(_open, role, model, threads), [seconds], TIMEOUT_S)
        except (ModelUnavailable, EngineError) as error:
            yield Trial(role.name, role.choice, fault=str(error))
            continue
        if done.error:
            yield Trial(role.name, role.choice, model, fault=f"{type(done.error).__name__}: {done.error}")
        else:
            yield Trial(role.name, role.choice, model, **done.result)


def _open(role: Role, model: LocalModel, threads: int) -> Callable[[float], dict[str, Any]]:
    free_bytes, start_s = _free_gpu_bytes(model), time.perf_counter()
    listen = role.open(model, threads)
    load_s = time.perf_counter() - start_s

    def run(seconds: float) -> dict[str, Any]:
        sound = _sound(role.rate_hz, seconds)
        listen(sound)  # what is done once only, such as compiling kernels, is not its speed
        start_s = time.perf_counter()
        listen(sound)
        heard_s = time.perf_counter() - start_s
        memory_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        gpu_bytes = max(0, free_bytes - _free_gpu_bytes(model))
        return {"load_s": load_s, "heard_s": heard_s, "memory_bytes": memory_bytes, "gpu_bytes": gpu_bytes}

    return run


def _sound(rate_hz: int, seconds: float) -> np.ndarray:
    """A chord that swells, over a little noise: something to hear, and the same each time."""
    time_s = np.arange(round(rate_hz * seconds)) / rate_hz
    chord = sum(np.sin(2 * np.pi * hz * time_s) for hz in (220.0, 277.2, 329.6))
    noise = np.random.default_rng(0).standard_normal(len(time_s))
    return np.asarray(0.1 * chord * np.sin(np.pi * time_s) ** 2 + 0.01 * noise, np.float32)


def _separate(model: LocalModel, threads: int) -> Listen:
    separator = open_separator(model, threads)

    def listen(sound: np.ndarray) -> object:
        mix = [np.stack([sound, sound], axis=1)]
        return list(separator.vocals(mix, LOUDNESS_LUFS, spread_of(mix)))

    return listen


def _transcribe(model: LocalModel, threads: int) -> Listen:
    transcriber = open_transcriber(model, threads)
    return lambda sound: transcriber.transcribe(sound, _cuts(len(sound) / 16_000))


def _cuts(duration_s: float) -> list[tuple[float, float]]:
    return [(start_s, min(start_s + 30.0, duration_s)) for start_s in np.arange(0.0, duration_s, 30.0)]


def _align(model: LocalModel, threads: int) -> Listen:
    return open_acoustic_model(model, threads).log_probs


def _caption(model: LocalModel, threads: int) -> Listen:
    listener = open_captioner(model, threads)
    if listener is None:  # what was measured is put into words
        return lambda sound: measured_caption(Facts())
    longest = round(captioners.LONGEST_S * captioners.RATE_HZ)
    return lambda sound: listener.listen([sound[:longest]], prompt())


def _free_gpu_bytes(model: LocalModel) -> int:
    if model.device == "cpu":
        return 0
    import torch

    return int(torch.cuda.mem_get_info(model.device)[0])
