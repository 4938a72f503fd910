"""Whisper as its authors run it, `openai-whisper`: any size, from a checkpoint or from CTranslate2's `model.bin`."""

import os
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from resources.transcribers import LONGEST_CUT_S, RATE_HZ, Listener, Segment, Transcript, check_cuts, within
from resources.weights import WeightsError, sha256_of

if TYPE_CHECKING:
    from whisper import Whisper

FRAMES = 3000  # of 10 ms, which Whisper hears at once
HOP_SAMPLES = 160
NEWEST = {"large": "large-v3", "turbo": "large-v3-turbo"}  # names that have moved on


class OpenAIWhisper:
    """Each cut is heard as `FasterWhisper` hears it, at temperature 0 and without a second try, one after the other.

    The same weights in float32 give the same words, and scores that are equal to three places.
    """

    def __init__(
        self,
        model: "Whisper",
        threads: int,
        *,
        beam_size: int = 5,
        device: str = "cpu",
        precision: str = "float32",
    ) -> None:
        import torch

        if precision not in ("float32", "float16") or (device == "cpu" and precision == "float16"):
            raise ValueError(f"openai-whisper does not compute in {precision} on {device}: float32, or float16 on cuda")
        torch.set_num_threads(threads)
        self.model = model.to(device)
        self.beam_size = beam_size
        self.half = precision == "float16"
        self.alone = threading.Lock()  # a decoding keeps its state in the model itself

    def transcribe(
        self,
        audio: np.ndarray,
        cuts: Sequence[tuple[float, float]],
        language: str | None = None,
        overhear: Listener | None = None,
    ) -> Transcript:
        import torch

        if overhear is not None:
            raise ValueError("openai-whisper does not hand on what its encoder makes of a track")
        check_cuts(cuts)
        with self.alone, torch.inference_mode():
            probability = 1.0
            if language is None:
                language, probability = self._language(audio, cuts)
            last_s = len(audio) // HOP_SAMPLES * HOP_SAMPLES / RATE_HZ  # a cut that ends later would never be done
            found = self.model.transcribe(
                np.asarray(audio, np.float32),
                language=language,
                beam_size=self.beam_size,
                temperature=0.0,
                condition_on_previous_text=False,
                clip_timestamps=[min(edge_s, last_s) for cut in cuts for edge_s in cut],
                fp16=self.half,
                no_speech_threshold=None,
                logprob_threshold=None,
                compression_ratio_threshold=None,
            )
        spoken = (each for each in found["segments"] if each["text"].strip())
        return Transcript(language, probability, tuple(_segment(each, cuts) for each in spoken))

    def _language(self, audio: np.ndarray, cuts: Sequence[tuple[float, float]]) -> tuple[str, float]:
        """The language that the singing, end to end, most likely is in; the first 30 s of it decide."""
        import torch
        from whisper.audio import log_mel_spectrogram, pad_or_trim

        if not self.model.is_multilingual:
            return "en", 1.0
        sung = np.concatenate([audio[round(a * RATE_HZ) : round(b * RATE_HZ)] for a, b in cuts])
        start = torch.from_numpy(np.asarray(sung[: round(LONGEST_CUT_S * RATE_HZ)], np.float32))
        mel = pad_or_trim(log_mel_spectrogram(start, self.model.dims.n_mels), FRAMES).to(self.model.device)
        _, probabilities = self.model.detect_language(mel)
        language = max(probabilities, key=probabilities.get)
        return language, float(probabilities[language])


def _segment(found: dict[str, Any], cuts: Sequence[tuple[float, float]]) -> Segment:
    start_s, end_s = within(cuts, float(found["start"]), float(found["end"]))
    return Segment(
        text=found["text"].strip(),
        start_s=start_s,
        end_s=end_s,
        no_speech_probability=float(found["no_speech_prob"]),
        mean_log_probability=float(found["avg_logprob"]),
        compression_ratio=float(found["compression_ratio"]),
    )


def load_whisper(weights: Path) -> "Whisper":
    """A checkpoint of openai's (.pt), or CTranslate2's model.bin of a Whisper that is not quantised.

    Raises:
        WeightsError: it is neither.
    """
    import pickle

    import torch
    from whisper import ModelDimensions, Whisper

    if weights.suffix == ".bin":
        from resources.whisper_weights import openai_model

        return openai_model(weights)
    try:
        checkpoint = torch.load(weights, map_location="cpu", weights_only=True)
        model = Whisper(ModelDimensions(**checkpoint["dims"]))
        model.load_state_dict(checkpoint["model_state_dict"])
    except (OSError, pickle.UnpicklingError, RuntimeError, KeyError, TypeError) as error:
        cause = str(error).strip().splitlines()[0]
        raise WeightsError(f"{weights} cannot be loaded as a checkpoint of openai-whisper: {cause}") from None
    return model.eval().requires_grad_(False)


def published_sha256(name: str) -> str:
    """The sha256 that openai publishes of the size called `name` (base, large-v3, turbo, …), in its address."""
    return _address(name).split("/")[-2]


def fetch_whisper(name: str) -> Path:
    """The checkpoint of the size called `name`, from whisper's own cache, else downloaded there.

    Raises:
        WeightsError: there is no such size, it cannot be downloaded, or what came is not what openai publishes.
    """
    address, expected = _address(name), published_sha256(name)
    target = whisper_file(name)
    folder = target.parent
    if target.is_file() and sha256_of(target) == expected:
        return target
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".", suffix=".pt", delete=False) as part:
        try:
            with urllib.request.urlopen(address, timeout=60) as source:
                while block := source.read(1 << 20):
                    part.write(block)
            part.flush()
            if (found := sha256_of(Path(part.name))) != expected:
                raise WeightsError(f"{address} came with sha256 {found}, expected {expected}: try again")
            Path(part.name).replace(target)
        except (OSError, urllib.error.URLError) as error:
            cause = getattr(error, "reason", error)
            raise WeightsError(
                f"whisper {name} is not on this machine and cannot be downloaded ({cause}): "
                f"go online once, or copy {target.name} here and set `weights` to it"
            ) from None
        finally:
            Path(part.name).unlink(missing_ok=True)
    return target


def whisper_file(name: str) -> Path:
    """Where whisper's own cache has the checkpoint of the size called `name`, once it was downloaded."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "whisper"
    return folder / f"{NEWEST.get(name, name)}.pt"


def _address(name: str) -> str:
    from whisper import _MODELS

    if name not in _MODELS:
        raise WeightsError(f"openai-whisper has no size {name!r}; there is {', '.join(sorted(_MODELS))}")
    return _MODELS[name]
