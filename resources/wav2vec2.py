"""Letters from the large acoustic models of `transformers`: wav2vec2, HuBERT, MMS and others with a CTC head.

Letters: b batch, n frames of 20 ms, s symbols, v the model's own vocabulary, t samples at 16 kHz.

Frame k hears the samples from 320 k to 320 k + 400. A base model normalises over all the frames that it is given, and
every model attends to them, so what it says of a frame depends on how long its window is and how much of it is
padding. Here no window is ever padded, and all windows of a track are equally long.
"""

import json
import logging
import re
from collections.abc import Iterator, Mapping
from math import ceil, prod
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from resources.acoustics import FRAME_S, FRAME_SAMPLES, RATE_HZ
from resources.batching import is_out_of_memory
from resources.weights import WeightsError

HEARD_SAMPLES = 400  # by one frame
BLANK = "_"
SPECIAL = re.compile(r"<.+>|\[.+\]")
DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
DEFAULT_LANGUAGE = "eng"  # of a model of many languages that does not say

log = logging.getLogger(__name__)


class Wav2Vec2:
    """A folder as `save_pretrained` writes it: config.json, vocab.json, *.safetensors, preprocessor_config.json.

    Windows are up to `window_s` long and overlap by twice `context_s`, of which nothing is kept. A track that is
    shorter than a window is heard at its own length. `batch` windows are computed at once.
    """

    frame_s = FRAME_S
    late_s: Mapping[str, float] = MappingProxyType({})

    def __init__(
        self,
        folder: Path,
        threads: int,
        *,
        language: str = "",
        device: str = "cpu",
        precision: str = "float32",
        batch: int = 1,
        window_s: float = 30.0,
        context_s: float = 2.0,
    ) -> None:
        """Raises WeightsError: the folder holds no such model, or not for this language or precision."""
        torch.set_num_threads(threads)
        self.model = load(folder, precision).to(device)
        vocabulary = _read(folder, "vocab.json")
        language = self._speak(folder, vocabulary, language)
        self.symbols, self.columns, self.merged = symbols_of(
            vocabulary[language] if language else vocabulary,
            blank=self.model.config.pad_token_id,
            gap=_read(folder, "tokenizer_config.json").get("word_delimiter_token", "|"),
            width=self.model.lm_head.out_features,
        )
        self.normalized = bool(_read(folder, "preprocessor_config.json").get("do_normalize", True))
        self.device, self.batch, self._halved = device, batch, False
        self.longest, self.context = round(window_s / FRAME_S), round(context_s / FRAME_S)

    def log_probs(self, audio: np.ndarray) -> np.ndarray:
        """Float32 [t] -> float32 [n, s], natural logarithms; n = ceil(t / 320).

        The last 80 samples and what is over of 320 make no frame of the model's: one or two frames repeat its last.
        """
        n = -(-len(audio) // FRAME_SAMPLES)
        if not n:
            return np.zeros((0, len(self.symbols)), np.float32)
        audio = np.pad(self._normal(audio), (0, max(0, HEARD_SAMPLES - len(audio))))
        heard = np.empty((n, len(self.symbols)), np.float32)
        frames = (len(audio) - HEARD_SAMPLES) // FRAME_SAMPLES + 1
        starts, window = windows_of(frames, self.longest, self.context)
        samples = len(audio) if len(starts) == 1 else (window - 1) * FRAME_SAMPLES + HEARD_SAMPLES
        done = 0
        for start, log_probs in zip(starts, self._listen(audio, starts, samples), strict=True):
            until = frames if start == starts[-1] else start + window - self.context
            heard[done:until] = log_probs[done - start : until - start]
            done = until
        heard[frames:] = heard[frames - 1]
        return heard

    def _normal(self, audio: np.ndarray) -> np.ndarray:
        """The whole track at mean 0 and variance 1, where the model was trained so: one level for all windows."""
        if not self.normalized:
            return np.asarray(audio, np.float32)
        spread = np.sqrt(audio.var(dtype=np.float64) + 1e-7)
        return np.asarray((audio - audio.mean(dtype=np.float64)) / spread, np.float32)

    def _listen(self, audio: np.ndarray, starts: list[int], samples: int) -> Iterator[np.ndarray]:
        """What is heard in the windows of so many samples from each of the frames on, one after the other."""
        first = 0
        while first < len(starts):
            group = [start * FRAME_SAMPLES for start in starts[first : first + self.batch]]
            try:
                heard = self._forward(np.stack([audio[start : start + samples] for start in group]))
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                if len(group) == 1 or self._halved:
                    raise MemoryError(
                        f"no memory on {self.device} for {len(group)} windows: set a smaller `batch`"
                    ) from None
                self.batch, self._halved = len(group) // 2, True
                log.warning("no memory for a batch of %d: from now on batches of %d", len(group), self.batch)
                continue
            yield from heard
            first += len(group)

    @torch.inference_mode()
    def _forward(self, windows: np.ndarray) -> np.ndarray:
        values = torch.from_numpy(windows).to(self.device, self.model.dtype)  # b t
        logits: Tensor = self.model(values).logits.float()  # b n v
        scores = logits[..., self.columns]  # b n s
        for column, same in self.merged:
            scores[..., column] = logits[..., same].logsumexp(dim=-1)
        heard: np.ndarray = scores.log_softmax(dim=-1).cpu().numpy()
        return heard

    def _speak(self, folder: Path, vocabulary: dict[str, Any], language: str) -> str:
        """Fits the model for a language, and says which it then writes; empty where it has only one."""
        languages = [key for key, value in vocabulary.items() if isinstance(value, dict)]
        if not languages:
            if language:
                raise WeightsError(f"{folder} has a single language: leave `language` empty, not {language!r}")
            return ""
        own = _read(folder, "tokenizer_config.json").get("target_lang") or DEFAULT_LANGUAGE
        if (chosen := language or own) not in languages:
            raise WeightsError(f"{folder} has no language {chosen!r}; there is {', '.join(sorted(languages)[:40])}")
        if not language:
            return own
        try:
            self.model.load_adapter(language, use_safetensors=True, local_files_only=True)
        except (OSError, ValueError) as error:
            cause = str(error).strip().splitlines()[0]
            raise WeightsError(f"{folder} has no adapter.{language}.safetensors that fits: {cause}") from None
        return language


def load(folder: Path, precision: str) -> Any:
    """A network with a CTC head that hears 16 kHz at 20 ms a frame, from safetensors only.

    Raises:
        WeightsError: the folder does not hold one, or not in this precision.
    """
    from transformers import AutoModelForCTC
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    if precision not in DTYPES:
        raise WeightsError(f"a model of transformers does not compute in {precision}; there is {', '.join(DTYPES)}")
    try:
        model, report = AutoModelForCTC.from_pretrained(
            str(folder),
            dtype=DTYPES[precision],
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError) as error:
        cause = str(error).strip().splitlines()[0]
        raise WeightsError(f"{folder} cannot be loaded as a CTC model of transformers: {cause}") from None
    if report["missing_keys"]:
        raise WeightsError(f"{folder} lacks {sorted(report['missing_keys'])[0]}: it was not trained to write letters")
    strides, kernels = (getattr(model.config, name, ()) for name in ("conv_stride", "conv_kernel"))
    heard = 1 + sum((kernel - 1) * prod(strides[:i]) for i, kernel in enumerate(kernels))
    rate_hz = _read(folder, "preprocessor_config.json").get("sampling_rate", RATE_HZ)
    if (prod(strides), heard, rate_hz) != (FRAME_SAMPLES, HEARD_SAMPLES, RATE_HZ) or getattr(
        model.config, "add_adapter", False
    ):
        raise WeightsError(f"{folder} does not hear 400 of every 320 samples at 16 kHz, as wav2vec2 does")
    return model.eval().requires_grad_(False)


def symbols_of(
    vocabulary: dict[str, int], *, blank: int, gap: str, width: int
) -> tuple[tuple[str, ...], list[int], list[tuple[int, list[int]]]]:
    """The blank, then letters in lower case and the space; which column of the model is each, and which are several.

    Tokens that write nothing (<s>, [UNK]) are left out. `gap` is the model's token between words.
    """
    found: dict[str, list[int]] = {}
    for token, column in sorted(vocabulary.items(), key=lambda pair: pair[1]):
        if column != blank and column < width and not SPECIAL.fullmatch(token):
            found.setdefault(" " if token == gap else token.casefold(), []).append(column)
    columns = [blank, *(same[0] for same in found.values())]
    merged = [(i, same) for i, same in enumerate(found.values(), 1) if len(same) > 1]
    return (BLANK, *found), columns, merged


def windows_of(frames: int, longest: int, context: int) -> tuple[list[int], int]:
    """First frames, and the length, of as few equal windows as cover a track and overlap by two contexts.

    They are no longer than need be, so that little is heard twice; the last one ends with the track.
    """
    if frames <= longest:
        return [0], frames
    count = ceil((frames - 2 * context) / (longest - 2 * context))
    window = ceil((frames + 2 * context * (count - 1)) / count)
    return [*(i * (window - 2 * context) for i in range(count - 1)), frames - window], window


def _read(folder: Path, name: str) -> dict[str, Any]:
    """A file of settings; without it the settings are what they are everywhere."""
    try:
        return dict(json.loads((folder / name).read_text(encoding="utf-8")))
    except FileNotFoundError:
        if name == "vocab.json":
            raise WeightsError(f"{folder} has no vocab.json: its letters are not known") from None
        return {}
    except ValueError as error:
        raise WeightsError(f"{folder / name} is not JSON: {error}") from None
