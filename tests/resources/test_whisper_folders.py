"""Folders as faster-whisper's repositories are: a Whisper of one layer with random weights, saved and loaded back."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from resources.openai_whisper import OpenAIWhisper, load_whisper
from resources.transcribers import RATE_HZ, FasterWhisper
from resources.weights import WeightsError, whisper_base
from resources.whisper_weights import read_arrays

WIDTH = 16
VOCABULARY = 51_865
CUTS = [(0.0, 6.0), (6.0, 12.0)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the 128 mel bands of large-v3."""
    folder = tmp_path_factory.mktemp("whisper") / "tiny"
    save(folder, bands=128)
    return folder


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    return (0.1 * np.random.default_rng(1).standard_normal(12 * RATE_HZ + 40)).astype(np.float32)


def save(folder: Path, bands: int, quantization: str | None = None) -> None:
    from ctranslate2.specs.whisper_spec import WhisperSpec

    random = np.random.default_rng(0)

    def weight(*shape: int) -> np.ndarray:
        return (0.05 * random.standard_normal(shape)).astype(np.float32)

    def fill_norm(norm: Any) -> None:
        norm.gamma, norm.beta = np.ones(WIDTH, np.float32), np.zeros(WIDTH, np.float32)

    def fill(layer: Any, out: int, *into: int) -> None:
        layer.weight, layer.bias = weight(out, *into), np.zeros(out, np.float32)

    spec = WhisperSpec(1, 2, 1, 2)
    fill(spec.encoder.conv1, WIDTH, bands, 3)
    fill(spec.encoder.conv2, WIDTH, WIDTH, 3)
    spec.encoder.position_encodings.encodings = weight(1500, WIDTH)
    spec.decoder.position_encodings.encodings = weight(448, WIDTH)
    spec.decoder.embeddings.weight = spec.decoder.projection.weight = weight(VOCABULARY, WIDTH)
    for half in (spec.encoder, spec.decoder):
        layer = half.layer[0]
        for norm in (half.layer_norm, layer.self_attention.layer_norm, layer.ffn.layer_norm):
            fill_norm(norm)
        fill(layer.self_attention.linear[0], 3 * WIDTH, WIDTH)
        fill(layer.self_attention.linear[1], WIDTH, WIDTH)
        fill(layer.ffn.linear_0, 4 * WIDTH, WIDTH)
        fill(layer.ffn.linear_1, WIDTH, 4 * WIDTH)
    across = spec.decoder.layer[0].attention
    fill_norm(across.layer_norm)
    for linear, parts in zip(across.linear, (1, 2, 1), strict=True):
        fill(linear, parts * WIDTH, WIDTH)
    spec.register_vocabulary(vocabulary())
    spec.config.suppress_ids, spec.config.suppress_ids_begin = [], [220, 50257]
    spec.config.lang_ids, spec.config.alignment_heads = list(range(50259, 50358)), [[0, 0]]
    spec.validate()
    spec.optimize(quantization)
    folder.mkdir()
    spec.save(str(folder))
    shutil.copy(whisper_base() / "tokenizer.json", folder)


def vocabulary() -> list[str]:
    tokenizer = json.loads((whisper_base() / "tokenizer.json").read_text(encoding="utf-8"))
    ids = tokenizer["model"]["vocab"] | {each["content"]: each["id"] for each in tokenizer["added_tokens"]}
    words = {number: word for word, number in ids.items()}
    return [words.get(i, f"<|extra {i}|>") for i in range(VOCABULARY)]


def test_a_model_is_given_as_many_mel_bands_as_it_was_trained_with(folder: Path, noise: np.ndarray) -> None:
    large = FasterWhisper(folder, 1, compute_type="float32")
    assert large.model.model.n_mels == 128
    assert large.model.feature_extractor(noise).shape[0] == 128
    assert large.transcribe(noise, CUTS).segments


@pytest.mark.parametrize("batch", [1, 2])
def test_both_back_ends_say_the_same_with_any_weights(folder: Path, noise: np.ndarray, batch: int) -> None:
    fast = FasterWhisper(folder, 1, compute_type="float32", beam_size=2, batch=batch).transcribe(noise, CUTS)
    plain = OpenAIWhisper(load_whisper(folder / "model.bin"), 1, beam_size=2).transcribe(noise, CUTS)
    assert [each.text for each in fast.segments] == [each.text for each in plain.segments]
    assert fast.language == plain.language
    assert fast.language_probability == pytest.approx(plain.language_probability, rel=1e-3)


@pytest.mark.parametrize("name", ["model.bin", "config.json", "tokenizer.json", "vocabulary.json"])
def test_a_folder_that_lacks_a_file_is_refused_by_its_name(folder: Path, tmp_path: Path, name: str) -> None:
    shutil.copytree(folder, tmp_path / "copy")
    (tmp_path / "copy" / name).unlink()
    with pytest.raises(WeightsError, match=f"it has no {name.replace('json', '.*') if 'vocab' in name else name}"):
        FasterWhisper(tmp_path / "copy", 1)


def test_a_precision_that_the_processor_has_not_is_one_sentence(folder: Path) -> None:
    with pytest.raises(WeightsError, match="cannot be run on cpu in float16: "):
        FasterWhisper(folder, 1, compute_type="float16")


def test_a_file_that_ends_early_is_refused(folder: Path, tmp_path: Path) -> None:
    part = tmp_path / "model.bin"
    part.write_bytes((folder / "model.bin").read_bytes()[:-100_000])
    with pytest.raises(WeightsError, match="cannot be read as a model of CTranslate2's"):
        read_arrays(part)


def test_quantised_weights_are_refused_for_openai_whisper(tmp_path: Path) -> None:
    save(tmp_path / "int8", bands=80, quantization="int8")
    with pytest.raises(WeightsError, match="is quantised: openai-whisper needs it in float32 or float16"):
        load_whisper(tmp_path / "int8" / "model.bin")


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "model.bin"
    other.write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(WeightsError, match="no model of CTranslate2's version 6"):
        read_arrays(other)
