"""Demucs over a stream: the vocals of its own command line, from the same weights."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from demucs import separate as command_line
from demucs.api import Separator as TheirSeparator
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.stems.separate import spread_of
from assets.stems.settings import StemSettings
from assets.stems.stage import stems_of
from resources.demucs import DemucsSeparator
from resources.demucs_files import demucs_files
from resources.ffmpeg import decode
from resources.models import ModelSpec
from resources.separators import Spread

RATE_HZ = 44_100
SEGMENT = 22_050  # of the small networks
STEP = int(0.75 * SEGMENT)
SAME = 1e-6  # of full scale: what is left of the order in which float32 numbers are added


def ours(folder: Path, name: str, batch: int = 1, precision: str = "float32") -> DemucsSeparator:
    return DemucsSeparator(demucs_files(name, str(folder)), "cpu", precision, batch, threads=1)


def heard(separator: DemucsSeparator, mix: np.ndarray, block: int = 10_000) -> np.ndarray:
    """The vocals, [n, 2], of a mix in blocks."""
    blocks = [mix[start : start + block] for start in range(0, len(mix), block)]
    return np.concatenate([np.zeros((0, 2), np.float32), *separator.vocals(blocks, -14.0, spread_of(blocks))])


def theirs(folder: Path, name: str, mix: np.ndarray) -> np.ndarray:
    separator = TheirSeparator(name, repo=folder, device="cpu", shifts=0)
    return separator.separate_tensor(torch.from_numpy(mix.T.copy()), RATE_HZ)[1]["vocals"].numpy().T


def noise(length: int, seed: int = 0, level: float = 0.3, offset: float = 0.1) -> np.ndarray:
    return np.random.default_rng(seed).normal(offset, level, (length, 2)).astype(np.float32)


@pytest.fixture(scope="module")
def models(tmp_path_factory, demucs_network, save_th) -> Path:
    """A folder as `demucs --repo` takes it: bags of one network, the fine-tuned one of four, and a mixture."""
    folder = tmp_path_factory.mktemp("models")
    for seed, signature in enumerate("abcd"):
        save_th(demucs_network(seed=seed), folder, signature)
    save_th(demucs_network("HDemucs"), folder, "e")
    one_each = [[float(source == member) for source in range(4)] for member in range(4)]
    bags = {
        "htdemucs": "models: [a]",
        "htdemucs_ft": f"models: [a, b, c, d]\nweights: {one_each}",
        "hdemucs_mmi": "models: [e]\nsegment: 0.7",
        "mixture": "models: [b, c]\nweights: [[1, 1, 1, 0.3], [1, 1, 1, 2.0]]",
    }
    for name, text in bags.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder


@pytest.fixture(scope="module")
def htdemucs(models) -> DemucsSeparator:
    return ours(models, "htdemucs", batch=3)


@pytest.mark.parametrize("name", ["htdemucs", "hdemucs_mmi"])
@pytest.mark.parametrize("length", [2, 1_000, STEP, STEP + 1, SEGMENT - 1, SEGMENT, SEGMENT + 1, 2 * STEP + 1, 70_000])
def test_the_vocals_are_those_of_demucs(models, name, length):
    mix = noise(length)
    np.testing.assert_allclose(heard(ours(models, name), mix), theirs(models, name, mix), atol=SAME, rtol=0)


@given(
    length=st.integers(2, 3 * SEGMENT),
    block=st.integers(1_000, 40_000),
    seed=st.integers(0, 100),
    level=st.sampled_from([1e-4, 0.3, 2.0]),
    name=st.sampled_from(["htdemucs", "hdemucs_mmi"]),
    batch=st.integers(1, 4),
)
@settings(max_examples=15)
def test_neither_length_level_blocks_nor_batches_make_a_difference(models, length, block, seed, level, name, batch):
    mix = noise(length, seed, level, offset=level / 3)
    found, wanted = heard(ours(models, name, batch), mix, block), theirs(models, name, mix)
    np.testing.assert_allclose(found, wanted, atol=SAME * max(1.0, np.abs(wanted).max()), rtol=0)


def test_of_the_fine_tuned_bag_one_network_gives_the_vocals_of_all_four(models):
    mix = noise(50_000)
    assert len(demucs_files("htdemucs_ft", str(models)).members) == 1
    np.testing.assert_allclose(heard(ours(models, "htdemucs_ft"), mix), theirs(models, "htdemucs_ft", mix), atol=SAME)


def test_a_mixture_is_weighed_as_demucs_does(models):
    mix = noise(50_000)
    np.testing.assert_allclose(heard(ours(models, "mixture"), mix), theirs(models, "mixture", mix), atol=SAME)


def test_the_command_line_writes_the_same_vocals(models, tmp_path, htdemucs):
    mono = np.repeat(noise(60_000)[:, :1], 2, axis=1)
    files = {"stereo": noise(60_000, seed=1), "mono": mono}
    for name, mix in files.items():
        soundfile.write(tmp_path / f"{name}.wav", mix[:, :1] if name == "mono" else mix, RATE_HZ, subtype="FLOAT")
    options = ["--two-stems", "vocals", "--shifts", "0", "--float32", "--clip-mode", "none", "-d", "cpu"]
    tracks = [str(tmp_path / f"{name}.wav") for name in files]
    command_line.main([*options, "--repo", str(models), "-n", "htdemucs", "-o", str(tmp_path), *tracks])
    for name in files:
        wanted, _ = soundfile.read(tmp_path / "htdemucs" / name / "vocals.wav", dtype="float32")
        mix = np.concatenate(list(decode(tmp_path / f"{name}.wav", RATE_HZ, 2)))
        np.testing.assert_allclose(heard(htdemucs, mix), wanted, atol=SAME, rtol=0)


def test_tracks_in_threads_that_share_batches_get_what_each_gets_alone(htdemucs):
    mixes = [noise(40_000 + 9_000 * seed, seed) for seed in range(4)]
    alone = [heard(htdemucs, mix) for mix in mixes]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda mix: heard(htdemucs, mix), mixes))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(other, one, atol=SAME, rtol=0)


def test_silence_and_nothing_give_silence_and_nothing(htdemucs):
    assert heard(htdemucs, np.zeros((0, 2), np.float32)).shape == (0, 2)
    assert np.abs(heard(htdemucs, np.zeros((30_000, 2), np.float32))).max() < SAME
    assert np.isfinite(heard(htdemucs, noise(1))).all()


def test_a_long_track_is_held_a_few_segments_at_a_time(models):
    taken, block = 0, 5_000

    def blocks():
        nonlocal taken
        for seed in range(50):
            taken += block
            yield noise(block, seed)

    given_back, most = 0, 0
    for found in ours(models, "htdemucs", batch=2).vocals(blocks(), -14.0, Spread(0.1, 0.3)):
        most = max(most, taken - given_back)
        given_back += len(found)
    assert given_back == taken
    assert most <= 2 * SEGMENT + 2 * SEGMENT + block


def test_half_the_precision_is_nearly_the_same(models, htdemucs):
    mix = noise(30_000)
    found, wanted = heard(ours(models, "htdemucs", precision="bfloat16"), mix), heard(htdemucs, mix)
    assert found.dtype == np.float32
    assert 0 < np.square(found - wanted).mean() < 1e-3 * np.square(wanted).mean()


def test_a_precision_that_it_does_not_have_is_named(models):
    with pytest.raises(ValueError, match="not in int8"):
        ours(models, "htdemucs", precision="int8")


def test_without_the_spread_of_the_mix_it_does_not_begin(htdemucs):
    with pytest.raises(ValueError, match="spread"):
        next(htdemucs.vocals([noise(10)], -14.0))


def test_the_stems_of_a_song_are_its_vocals_and_the_rest(demo_songs, cut_song, store, tmp_path, htdemucs):
    path = cut_song(demo_songs["pop"], tmp_path / "song.flac", 10.0, 3.0)
    track = {"key": "abcdef", "sha256": None, "uri": str(path), "true_peak_dbtp": 0.0, "integrated_lufs": -14.0}
    (row,) = stems_of(StemSettings(), ModelSpec("htdemucs", "", ""), store, htdemucs, track | {"duration_s": 3.0})
    mix = np.concatenate(list(decode(path, RATE_HZ, 2)))
    with store.local(row["vocals_uri"]) as vocals, store.local(row["accompaniment_uri"]) as accompaniment:
        stems = [soundfile.read(stem, dtype="float64")[0] for stem in (vocals, accompaniment)]
    np.testing.assert_allclose(stems[0], heard(htdemucs, mix), atol=2e-7, rtol=0)
    np.testing.assert_allclose(sum(stems), mix, atol=2**-24, rtol=0)
