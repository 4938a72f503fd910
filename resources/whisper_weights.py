"""Whisper as openai-whisper runs it, out of the file that CTranslate2 runs it from.

`model.bin` holds named arrays (the order of its fields is that of `ModelSpec._serialize` in `ctranslate2.specs`). The
names of a Whisper differ from openai's, queries, keys and values lie in one matrix, and keys have a bias, of zeros.
"""

import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import torch
from torch import Tensor

from resources.weights import WeightsError

if TYPE_CHECKING:
    from whisper import Whisper

BINARY_VERSION = 6
DTYPES: dict[int, np.dtype[Any]] = {
    0: np.dtype("<f4"),
    1: np.dtype("i1"),
    2: np.dtype("<i2"),
    3: np.dtype("<i4"),
    4: np.dtype("<f2"),
}
TEXT_POSITIONS = "decoder/position_encodings/encodings"
AUDIO_POSITIONS = "encoder/position_encodings/encodings"


def openai_model(model_bin: Path) -> "Whisper":
    """An openai-whisper model in single precision with the weights of a CTranslate2 Whisper in float32 or float16.

    Raises:
        WeightsError: the file is no Whisper of CTranslate2's, or its weights are quantised.
    """
    from whisper import ModelDimensions, Whisper

    arrays = read_arrays(model_bin)
    if any(name.endswith("weight_scale") for name in arrays):
        raise WeightsError(f"{model_bin} is quantised: openai-whisper needs it in float32 or float16")
    encoder, decoder = _depth(arrays, "encoder"), _depth(arrays, "decoder")
    n_vocab, n_text_state = arrays["decoder/embeddings/weight"].shape
    n_audio_ctx, n_audio_state = arrays[AUDIO_POSITIONS].shape
    model = Whisper(
        ModelDimensions(
            n_mels=arrays["encoder/conv1/weight"].shape[1],
            n_audio_ctx=n_audio_ctx,
            n_audio_state=n_audio_state,
            n_audio_head=int(arrays["encoder/num_heads"]),
            n_audio_layer=encoder,
            n_vocab=n_vocab,
            n_text_ctx=arrays[TEXT_POSITIONS].shape[0],
            n_text_state=n_text_state,
            n_text_head=int(arrays["decoder/num_heads"]),
            n_text_layer=decoder,
        )
    )
    model.load_state_dict(_state(arrays, encoder, decoder))
    return model.eval().requires_grad_(False)


def read_arrays(model_bin: Path) -> dict[str, np.ndarray]:
    """Every array of the file by its name.

    Raises:
        WeightsError: the file is no Whisper of CTranslate2's, ends early, or has a type that openai's code has not.
    """
    try:
        with model_bin.open("rb") as file:
            if (version := _number(file, "I")) != BINARY_VERSION:
                raise WeightsError(f"{model_bin} is no model of CTranslate2's version {BINARY_VERSION}: {version}")
            if (kind := _text(file)) != "WhisperSpec":
                raise WeightsError(f"{model_bin} holds a {kind}, not a WhisperSpec")
            _number(file, "I")  # the revision of the layout
            arrays = dict(_array(file) for _ in range(_number(file, "I")))
            aliases = [(_text(file), _text(file)) for _ in range(_number(file, "I"))]  # arrays that are kept once
            return arrays | {alias: arrays[name] for alias, name in aliases}
    except (struct.error, UnicodeDecodeError, ValueError, KeyError) as error:
        raise WeightsError(f"{model_bin} cannot be read as a model of CTranslate2's: {error}") from None


def _array(file: BinaryIO) -> tuple[str, np.ndarray]:
    name = _text(file)
    shape = tuple(_number(file, "I") for _ in range(_number(file, "B")))
    dtype = DTYPES[_number(file, "B")]
    return name, np.frombuffer(file.read(_number(file, "I")), dtype).reshape(shape)


def _number(file: BinaryIO, format: str) -> int:
    (value,) = struct.unpack(f"<{format}", file.read(struct.calcsize(f"<{format}")))
    return int(value)


def _text(file: BinaryIO) -> str:
    return file.read(_number(file, "H"))[:-1].decode()


def _depth(arrays: dict[str, np.ndarray], half: str) -> int:
    return len({name.split("/")[1] for name in arrays if name.startswith(f"{half}/layer_") and name.count("/") > 2})


def _state(arrays: dict[str, np.ndarray], encoder: int, decoder: int) -> dict[str, Tensor]:
    """The arrays under openai's names, float32."""
    names = {
        "encoder.positional_embedding": AUDIO_POSITIONS,
        "decoder.positional_embedding": TEXT_POSITIONS,
        "decoder.token_embedding.weight": "decoder/embeddings/weight",
    }
    for conv in ("conv1", "conv2"):
        names |= {f"encoder.{conv}.{leaf}": f"encoder/{conv}/{leaf}" for leaf in ("weight", "bias")}
    names |= _norm("encoder.ln_post", "encoder/layer_norm") | _norm("decoder.ln", "decoder/layer_norm")
    state: dict[str, np.ndarray] = {}
    for half, depth in (("encoder", encoder), ("decoder", decoder)):
        for i in range(depth):
            ours, theirs = f"{half}.blocks.{i}", f"{half}/layer_{i}"
            names |= _norm(f"{ours}.mlp_ln", f"{theirs}/ffn/layer_norm")
            names |= _linear(f"{ours}.mlp.0", f"{theirs}/ffn/linear_0")
            names |= _linear(f"{ours}.mlp.2", f"{theirs}/ffn/linear_1")
            names |= _norm(f"{ours}.attn_ln", f"{theirs}/self_attention/layer_norm")
            names |= _linear(f"{ours}.attn.out", f"{theirs}/self_attention/linear_1")
            fused = _parts(arrays, f"{theirs}/self_attention/linear_0", 3)
            state |= _attention(f"{ours}.attn", fused)
            if half == "decoder":
                names |= _norm(f"{ours}.cross_attn_ln", f"{theirs}/attention/layer_norm")
                names |= _linear(f"{ours}.cross_attn.out", f"{theirs}/attention/linear_2")
                query = _parts(arrays, f"{theirs}/attention/linear_0", 1)
                state |= _attention(f"{ours}.cross_attn", query + _parts(arrays, f"{theirs}/attention/linear_1", 2))
    state |= {ours: arrays[theirs] for ours, theirs in names.items()}
    return {name: torch.from_numpy(array.astype(np.float32)) for name, array in state.items()}


def _norm(ours: str, theirs: str) -> dict[str, str]:
    return {f"{ours}.weight": f"{theirs}/gamma", f"{ours}.bias": f"{theirs}/beta"}


def _linear(ours: str, theirs: str) -> dict[str, str]:
    return {f"{ours}.{leaf}": f"{theirs}/{leaf}" for leaf in ("weight", "bias")}


def _parts(arrays: dict[str, np.ndarray], name: str, parts: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """A fused linear layer taken apart: weight and bias of each part."""
    weights, biases = (np.split(arrays[f"{name}/{leaf}"], parts) for leaf in ("weight", "bias"))
    return list(zip(weights, biases, strict=True))


def _attention(ours: str, parts: list[tuple[np.ndarray, np.ndarray]]) -> dict[str, np.ndarray]:
    state: dict[str, np.ndarray] = {}
    for part, (weight, bias) in zip(("query", "key", "value"), parts, strict=True):
        state[f"{ours}.{part}.weight"] = weight
        if part != "key":
            state[f"{ours}.{part}.bias"] = bias
        elif np.any(bias):
            raise ValueError(f"{ours}.key has a bias, which Whisper's keys have not")
    return state
