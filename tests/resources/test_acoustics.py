"""The acoustic model listens to a real clip of a song."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from resources.acoustics import CTC_HEAD, FRAME_S, RATE_HZ, AcousticModel, Overheard, open_acoustic_model
from resources.ffmpeg import decode
from resources.models import LocalModel
from resources.weights import WeightsError
from training.ctc_head import word_starts

ROOT = Path(__file__).parents[2]
CLIP_S = 34.0  # longer than one window of the encoder


@pytest.fixture(scope="module")
def model() -> AcousticModel:
    return open_acoustic_model(LocalModel(CTC_HEAD), threads=2)


@pytest.fixture(scope="module")
def truth(demo_songs: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return demo_songs["backing"]


@pytest.fixture(scope="module")
def clip(truth: dict[str, Any]) -> np.ndarray:
    return np.concatenate(list(decode(truth["path"], RATE_HZ, 1, duration_s=CLIP_S)))[:, 0]


@pytest.fixture(scope="module")
def heard(model: AcousticModel, clip: np.ndarray) -> np.ndarray:
    return model.log_probs(clip)


def test_there_is_one_distribution_over_letters_every_20_ms(
    model: AcousticModel, clip: np.ndarray, heard: np.ndarray
) -> None:
    assert heard.dtype == np.float32
    assert heard.shape == (-(-len(clip) // 320), len(model.symbols))
    assert model.symbols[0] == "_"
    np.testing.assert_allclose(np.exp(heard).sum(axis=1), 1, atol=1e-4)


def test_the_words_of_the_mix_of_a_song_are_heard_where_they_are_sung(truth: dict[str, Any], heard: np.ndarray) -> None:
    words = [word for word in truth["words"] if word["end"] < CLIP_S]
    late = word_starts(heard, [word["w"] for word in words]) - [word["start"] for word in words]
    assert len(words) > 20
    assert np.mean(np.abs(late) <= 0.3) >= 0.95
    assert abs(np.median(late)) <= 0.03  # the constant delay is taken out


def test_what_is_heard_does_not_depend_on_how_loud_the_track_is(model: AcousticModel, clip: np.ndarray) -> None:
    short = clip[: 5 * RATE_HZ]
    np.testing.assert_allclose(model.log_probs(short), model.log_probs(short * np.float32(0.01)), atol=0.05)


def test_the_seam_between_two_windows_is_not_heard(model: AcousticModel, clip: np.ndarray, heard: np.ndarray) -> None:
    later = model.log_probs(clip[4 * RATE_HZ :])  # so that the seams fall elsewhere
    same = heard[200:].argmax(axis=1) == later.argmax(axis=1)
    seam = slice(26 * 50 - 200 - 25, 26 * 50 - 200 + 25)
    assert same[seam].mean() >= 0.85
    assert same.mean() >= 0.95


@pytest.mark.parametrize("samples", [0, 1, 320, 321, 5000])
def test_audio_may_have_any_length(model: AcousticModel, samples: int) -> None:
    log_probs = model.log_probs(np.zeros(samples, np.float32))
    assert log_probs.shape == (-(-samples // 320), len(model.symbols))
    assert np.isfinite(log_probs).all()


def test_other_weights_than_the_spec_names_are_refused() -> None:
    with pytest.raises(WeightsError, match="sha256"):
        open_acoustic_model(LocalModel(replace(CTC_HEAD, weights_sha256="0" * 64)), threads=1)


def test_the_spec_costs_nothing_to_import() -> None:
    code = "import sys, resources.acoustics; sys.exit(any(m in sys.modules for m in ('torch', 'ctranslate2')))"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT).returncode == 0


@given(st.floats(0, 4), st.floats(0.1, 4))
def test_what_is_overheard_lies_where_it_was_heard(start_s: float, length_s: float):
    class Head:
        def __call__(self, encoded: torch.Tensor) -> torch.Tensor:
            return encoded[..., :3]

    overheard = Overheard(Head(), 3, 250, 0.04)  # type: ignore[arg-type]
    overheard.hear(start_s, start_s + length_s, np.full((1500, 8), -1.0, np.float32))
    heard = np.flatnonzero(overheard.log_probs[:, 1] == -1.0) * FRAME_S
    until_s = min(5.0, start_s + length_s) - 0.04
    assert abs(heard[0] - max(0.0, start_s - 0.04)) <= 1.5 * FRAME_S
    assert abs(heard[-1] + FRAME_S - until_s) <= 2.5 * FRAME_S
