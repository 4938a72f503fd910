"""What an aligner listens with: letter probabilities, frame by frame.

Letters in comments: n frames of 20 ms, s symbols, t samples at 16 kHz.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from pydantic import Field, model_validator

from resources.devices import check_device, device_of
from resources.engines import worker_number
from resources.hub import find_weights
from resources.models import LocalModel, ModelChoice, ModelSpec, Parameters, check_installed, here
from resources.weights import WHISPER_BASE_SHA256, read_checked, whisper_base

if TYPE_CHECKING:
    from resources.ctc_head import CtcHead

RATE_HZ = 16_000
FRAME_S = 0.02
FRAME_SAMPLES = 320
UNHEARD = -30.0  # log probability of a letter where nobody listened
HEAD_PATH = Path(__file__).parent / "weights" / "ctc_head.safetensors"

CTC_HEAD = ModelSpec(
    name="whisper-base-ctc",
    package="resources/weights/ctc_head.safetensors",
    weights_sha256="05e0d9e148392fd876dd9298013c6e3ee7eb493d2a50e3342ef98e5a1f01b970",
    parameters=(
        ("encoder_sha256", WHISPER_BASE_SHA256),
        ("window_s", 30.0),
        ("context_s", 2.0),
        ("level_db", -23.0),
    ),
)


class AlignerChoice(ModelChoice):
    model: str = Field(CTC_HEAD.name, description="What hears where the letters of the words are.")
    language: str = Field("", description="Of a model that has several, as eng; empty: its own.")
    window_s: float = Field(30.0, ge=5.0, description="What a model of transformers hears at once, seconds.")

    @model_validator(mode="after")
    def _runs_there(self) -> "AlignerChoice":
        if self.model == CTC_HEAD.name:
            self.only_on_the_cpu()
        if self.precision == "int8":
            raise ValueError(f"{self.model} does not compute in int8; there is float32, float16, bfloat16")
        return self


class AcousticModel(Protocol):
    symbols: tuple[str, ...]  # symbols[0] is the CTC blank
    frame_s: float

    @property
    def late_s(self) -> Mapping[str, float]:
        """How late words are heard that begin with a letter or two; empty where that is not known."""

    def log_probs(self, audio: np.ndarray) -> np.ndarray:
        """Float32 [t] at 16 kHz, of any length -> float32 [n, s], natural logarithms; n = ceil(t / 320).

        A letter begins to be heard at its frame: the model's own delay is taken out.
        """


def aligner_of(choice: AlignerChoice, *, fetch: bool = False) -> LocalModel:
    """The acoustic model that is chosen, as far as this machine has it; with `fetch` all of it, ready to be opened.

    Raises:
        ModelUnavailable: it cannot be had (`fetch` only).
    """
    if choice.model == CTC_HEAD.name:
        return choice.local(CTC_HEAD)
    if fetch:
        check_installed("transformers")
        check_device(choice)
    adapter = (f"adapter.{choice.language}.safetensors",) if choice.language else ()
    found = find_weights(choice, ("*.json", "model*.safetensors", *adapter), fetch=fetch)
    run: Parameters = (
        ("precision", choice.precision),
        ("language", choice.language),
        ("window_s", choice.window_s),
        ("settings", found.settings),
    )
    return choice.local(ModelSpec(choice.model, found.package, found.sha256, run, found.revision), found.path)


def open_acoustic_model(model: LocalModel, threads: int) -> AcousticModel:
    """Loads the weights of a model that `aligner_of` has fetched.

    Raises:
        WeightsError: its weights are not installed, or are others.
    """
    parameters: dict[str, Any] = dict(model.spec.parameters)
    if model.spec.name != CTC_HEAD.name:
        from resources.wav2vec2 import Wav2Vec2

        device = device_of(model.device, worker_number())
        del parameters["settings"]  # whose files they are read from
        return Wav2Vec2(here(model), threads, device=device, batch=model.batch, **parameters)
    return WhisperCtc(
        read_checked(HEAD_PATH, model.spec.weights_sha256),
        WhisperEncoder(threads),
        context_s=parameters["context_s"],
        level_db=parameters["level_db"],
    )


def hears_the_same(aligner: LocalModel, transcriber: LocalModel) -> bool:
    """Whether the aligner's encoder is the transcriber's, which hands on what it makes of a track."""
    run = dict(transcriber.spec.parameters)
    return (
        aligner.spec.name == CTC_HEAD.name
        and transcriber.spec.weights_sha256 == dict(aligner.spec.parameters)["encoder_sha256"]
        and "engine" not in run
    )


class WhisperEncoder:
    """The encoder of Whisper base in single precision: 30 s of audio -> float32 [1500, 512]."""

    window_s = 30.0

    def __init__(self, threads: int) -> None:
        import torch
        from ctranslate2.models import Whisper
        from faster_whisper.feature_extractor import FeatureExtractor

        torch.set_num_threads(threads)
        folder = str(whisper_base())
        self.model = Whisper(folder, device="cpu", compute_type="float32", intra_threads=threads, inter_threads=1)
        self.mels = FeatureExtractor()

    def encode(self, audio: np.ndarray) -> np.ndarray:
        """Float32 [t], t at most 30 s; what is missing is silence."""
        from ctranslate2 import StorageView

        samples = int(self.window_s * RATE_HZ)
        if len(audio) > samples:
            raise ValueError(f"a window holds {samples} samples, got {len(audio)}")
        padded = np.pad(np.asarray(audio, np.float32), (0, samples - len(audio)))
        mel = np.ascontiguousarray(self.mels(padded, padding=0)[None])  # 1, 80 bands, 3000 frames of 10 ms
        heard: np.ndarray = np.array(self.model.encode(StorageView.from_array(mel)))[0]
        return heard


class WhisperCtc:
    """Our CTC head on Whisper's encoder. Windows overlap by twice `context_s`, of which nothing is kept.

    The whole track is brought to one level first, since log-mel features depend on it.
    """

    frame_s = FRAME_S

    def __init__(self, weights: bytes, encoder: WhisperEncoder, *, context_s: float, level_db: float) -> None:
        from resources.ctc_head import unpack

        self.head, facts = unpack(weights)
        self.encoder = encoder
        self.symbols = facts.symbols
        self.late_s = facts.late_s
        self.delay_samples = round(facts.delay_s * RATE_HZ)
        self.context = round(context_s / FRAME_S)
        self.level_db = level_db

    def log_probs(self, audio: np.ndarray) -> np.ndarray:
        import torch

        frames = -(-len(audio) // FRAME_SAMPLES)
        window = round(self.encoder.window_s / FRAME_S)
        step = window - 2 * self.context
        audio = self._levelled(audio)
        heard = [np.zeros((0, len(self.symbols)), np.float32)]
        for first in range(0, frames, step):
            features = self.encoder.encode(self._window(audio, first - self.context, window))
            with torch.inference_mode():
                log_probs = self.head(torch.from_numpy(features)[None])[0].numpy()  # n s
            heard.append(log_probs[self.context : self.context + min(step, frames - first)])
        return np.concatenate(heard)

    def overheard(self, samples: int) -> "Overheard":
        """For what a transcriber with the same encoder makes of a track of so many samples at 16 kHz."""
        return Overheard(self.head, len(self.symbols), -(-samples // FRAME_SAMPLES), self.delay_samples / RATE_HZ)

    def _window(self, audio: np.ndarray, first: int, frames: int) -> np.ndarray:
        """`frames` frames of audio from frame `first` on, moved ahead by the delay; silence outside the track."""
        start = first * FRAME_SAMPLES + self.delay_samples
        end = start + frames * FRAME_SAMPLES
        inside = audio[max(0, start) : max(0, end)]
        return np.pad(inside, (max(0, -start), 0))

    def _levelled(self, audio: np.ndarray) -> np.ndarray:
        rms = float(np.sqrt(np.mean(np.square(audio, dtype=np.float64)))) if len(audio) else 0.0
        return audio if rms < 1e-7 else (audio * (10 ** (self.level_db / 20) / rms)).astype(np.float32)


class Overheard:
    """Letter probabilities from the encoder's output of somebody else; where that heard nothing, nothing is sung.

    A cut begins anywhere between two frames, so what is heard is up to 10 ms off.
    """

    def __init__(self, head: "CtcHead", symbols: int, frames: int, delay_s: float) -> None:
        self.head, self.delay_s = head, delay_s
        self.log_probs = np.full((frames, symbols), UNHEARD, np.float32)
        self.log_probs[:, 0] = 0.0

    def hear(self, start_s: float, end_s: float, encoded: np.ndarray) -> None:
        """One window of the encoder's, float32 [n, d], that begins at `start_s` and holds sound up to `end_s`."""
        import torch

        first = round((start_s - self.delay_s) / FRAME_S)
        length = round((end_s - start_s) / FRAME_S)
        with torch.inference_mode():
            heard = self.head(torch.from_numpy(encoded)[None])[0].numpy()[max(0, -first) : length]  # n s
        room = self.log_probs[max(0, first) :][: len(heard)]
        room[:] = heard[: len(room)]
