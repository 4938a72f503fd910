"""The models of production are a change of configuration: the same road, with small random weights of their kinds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from assets.manifest.batches import seal_batches
from assets.manifest.sources import list_source
from assets.profile import Profile
from assets.tables import Row
from assets.way import go
from resources.engines import LocalEngine
from resources.ffmpeg import decode, local_path
from resources.ledger import Ledger
from resources.models import ModelUnavailable
from resources.stores import FolderStore
from resources.weights import sha256_of, whisper_base

BATCH, RATE_HZ = "b00000", 44_100


@pytest.fixture(scope="module")
def profile(
    tmp_path_factory: pytest.TempPathFactory,
    demucs_network: Callable[..., Any],
    save_th: Callable[..., Path],
    save_ctc: Callable[..., Path],
    qwen_folder: Path,
) -> Profile:
    folder = tmp_path_factory.mktemp("production")
    separator = save_th(demucs_network("HTDemucs"), folder, "htdemucs")
    models = {
        "separator": {"model": "htdemucs", "weights": str(separator), "batch": 4, "tracks_at_once": 2},
        "transcriber": {"model": "base", "weights": str(whisper_base()), "batch": 4},
        "aligner": {"model": "wav2vec2", "weights": str(save_ctc()), "batch": 2},
        "captioner": {
            "model": "qwen2-audio", "weights": str(qwen_folder), "windows": 2, "window_s": 2.0, "max_tokens": 8,
        },
    }  # fmt: skip
    return Profile.model_validate(
        {
            "store": str(folder / "store"),
            "stems": {"separator": models["separator"]},
            "lyrics": {"transcriber": models["transcriber"], "aligner": models["aligner"]},
            "captions": {"captioner": models["captioner"]},
            "windows": {"lengths_s": [5.0]},
        }
    )


@pytest.fixture(scope="module")
def made(
    profile: Profile,
    tmp_path_factory: pytest.TempPathFactory,
    demo_songs: dict[str, Any],
    cut_song: Callable[..., Path],
) -> dict[str, list[Row]]:
    """Every table after two songs went all the way, from files to shards."""
    songs = tmp_path_factory.mktemp("songs")
    for name in ("pop", "long_breaks"):
        cut_song(demo_songs[name], songs / f"{name}.flac", start_s=8.0, length_s=9.0)
    ledger = Ledger(FolderStore(Path(profile.store)))
    seal_batches(list(list_source(str(songs))), ledger, batch_size=2, seal_short=True)
    outcomes = list(go(profile, BATCH, ledger, LocalEngine(workers=1)))
    assert [outcome.counts["ok"] for outcome in outcomes] == [2] * 7, [outcome.trouble for outcome in outcomes]
    return {outcome.stage: ledger.read(outcome.stage, BATCH).to_pylist() for outcome in outcomes}


def test_each_row_names_the_models_that_made_it_and_what_their_weights_hash_to(
    made: dict[str, list[Row]], profile: Profile
):
    chosen = {
        "separator": profile.stems.separator,
        "transcriber": profile.lyrics.transcriber,
        "aligner": profile.lyrics.aligner,
        "listener": profile.captions.captioner,
    }
    named = {model["role"]: model for table in ("stems", "lyrics", "captions") for model in made[table][0]["models"]}
    for role, choice in chosen.items():
        assert named[role]["name"] == choice.model
        assert named[role]["sha256"] == sha256_of(Path(choice.weights))


def test_stems_of_demucs_add_up_to_the_mix(made: dict[str, list[Row]], profile: Profile):
    store, stems, track = FolderStore(Path(profile.store)), made["stems"][0], made["tracks"][0]
    mix = np.concatenate(list(decode(local_path(track["uri"]), RATE_HZ, 2)))
    read = []
    for stem in ("vocals", "accompaniment"):
        with store.local(stems[f"{stem}_uri"]) as path:
            read.append(soundfile.read(path)[0])
    np.testing.assert_allclose(sum(read), mix, atol=2**-23)
    assert np.abs(read[0]).max() > 0


def test_what_a_model_makes_up_is_not_believed(made: dict[str, list[Row]]):
    for row in made["captions"]:
        assert row["origin"] == "measured"
        assert row["evidence"]


def test_a_model_that_is_missing_is_said_before_anything_is_done(tmp_path: Path):
    settings = {"store": str(tmp_path / "store"), "stems": {"separator": {"model": "htdemucs", "weights": "/nowhere"}}}
    ledger = Ledger(FolderStore(tmp_path / "store"))
    with pytest.raises(ModelUnavailable, match="there are no weights at /nowhere: check the path"):
        next(go(Profile.model_validate(settings), BATCH, ledger, LocalEngine(workers=1)))


@pytest.mark.parametrize(
    ("room", "choice"),
    [
        ("stems", {"separator": {"model": "htdemucs", "device": "cuda"}}),
        ("lyrics", {"transcriber": {"model": "whisper-base", "device": "cuda:1"}}),
        ("captions", {"captioner": {"model": "qwen2-audio", "device": "cuda"}}),
    ],
)
def test_a_device_that_is_not_there_is_said_before_anything_is_done(tmp_path: Path, room: str, choice: dict[str, Any]):
    profile = Profile.model_validate({"store": str(tmp_path / "store"), room: choice})
    with pytest.raises(ModelUnavailable, match=r"is to run on cuda.*, but this machine has no CUDA device"):
        next(go(profile, BATCH, Ledger(FolderStore(tmp_path / "store")), LocalEngine(workers=1)))
