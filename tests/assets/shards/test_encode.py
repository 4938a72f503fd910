import io
from functools import partial

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from assets.shards.encode import RATE_HZ, cut, encode_samples, open_encoder
from assets.shards.settings import ShardSettings
from assets.tables import Rejected
from resources.stores import FolderStore

SETTINGS = ShardSettings()


@pytest.fixture
def vocals():
    return (0.2 * np.random.default_rng(1).standard_normal((RATE_HZ * 12, 2))).astype(np.float32).clip(-1, 1)


@pytest.fixture
def track(tmp_path, vocals):
    accompaniment = 0.1 * np.random.default_rng(2).standard_normal(vocals.shape)
    soundfile.write(tmp_path / "a song.flac", vocals + accompaniment, RATE_HZ, subtype="PCM_24")
    (tmp_path / "store/stems").mkdir(parents=True)
    soundfile.write(tmp_path / "store/stems/v.flac", 0.5 * vocals, RATE_HZ, subtype="PCM_24")
    window = {"length_s": 5.0, "words": 0, "kind": "energy", "parameter_hash": "w"}
    captions = dict.fromkeys(("caption", "short_caption", "tags", "tempo_bpm", "key", "models", "parameter_hash"))
    return {
        "track_id": "t",
        "batch": "b00000",
        "tracks": {
            "uri": (tmp_path / "a song.flac").as_uri(), "sha256": None, "duration_s": 12.0,
            "license": None, "genre": None,
            "parameter_hash": "t",
        },
        "catalogue": {"split": "train", "parameter_hash": "c"},
        "stems": {"vocals_uri": "stems/v.flac", "gain_db": 20 * np.log10(0.5), "models": [], "parameter_hash": "s"},
        "lyrics": {"language": None, "origin": "none", "lines": [], "trust": 0.4, "models": [], "parameter_hash": "l"},
        "captions": captions,
        "windows": [
            window | {"rank": 1, "start_s": 6.5, "end_s": 11.5},
            window | {"rank": 2, "start_s": 0.25, "end_s": 5.25},
        ],
    }  # fmt: skip


@pytest.fixture
def encode(tmp_path):
    return partial(encode_samples, SETTINGS, FolderStore(tmp_path / "store"))


def read(sample, extension):
    return soundfile.read(io.BytesIO(dict(sample.members)[extension]))


def test_a_window_is_cut_to_the_sample(track, encode, vocals):
    first, second = encode(track)
    audio, rate_hz = read(second, "vocals.flac")
    assert (rate_hz, audio.shape) == (RATE_HZ, (5 * RATE_HZ, 2))
    np.testing.assert_allclose(audio, 0.5 * vocals[RATE_HZ // 4 :][: 5 * RATE_HZ], atol=1 / 32768)
    assert [sample.start_s for sample in (first, second)] == [6.5, 0.25]


def test_the_mix_has_the_gain_of_its_stems(track, encode, vocals):
    (mix, _), (voice, _) = (read(encode(track)[0], name) for name in ("mix.flac", "vocals.flac"))
    whole, _ = soundfile.read(track["tracks"]["uri"].removeprefix("file://").replace("%20", " "))
    start = round(6.5 * RATE_HZ)
    accompaniment = 0.5 * (whole - vocals)[start : start + 5 * RATE_HZ]
    unclipped = np.abs(whole[start : start + 5 * RATE_HZ]) < 0.99
    np.testing.assert_allclose((mix - voice)[unclipped], accompaniment[unclipped], atol=3 / 32768)


def test_the_same_track_gives_the_same_bytes(track, encode):
    assert encode(track) == encode(track)


def test_samples_can_be_opus(track, tmp_path):
    opus = open_encoder(ShardSettings(codec="opus"), str(tmp_path / "store"))
    sample = opus(track)[0]
    audio, rate_hz = read(sample, "mix.opus")
    assert len(audio) / rate_hz == pytest.approx(5, abs=0.01)


def test_a_track_that_is_shorter_than_its_window_is_an_error(track, encode):
    track["windows"][0] |= {"start_s": 8.0, "end_s": 13.0}
    with pytest.raises(ValueError, match="shorter"):
        encode(track)


def test_a_track_with_untrusted_lyrics_is_left_out_when_asked(track, tmp_path):
    strict = open_encoder(ShardSettings(min_trust=0.5), str(tmp_path / "store"))
    with pytest.raises(Rejected, match=r"trusted 0\.40"):
        strict(track)


@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=9),
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 30)), max_size=5),
)
def test_a_cut_is_that_slice_however_the_audio_comes_in_blocks(lengths, spans):
    audio = np.arange(sum(lengths), dtype=np.float32)[:, None]
    spans = [(first, frames) for first, frames in spans if first + frames <= len(audio)]
    blocks = np.split(audio, np.cumsum(lengths)[:-1])
    found = dict(cut(blocks, spans))
    assert len(found) == len(spans)
    for i, (first, frames) in enumerate(spans):
        np.testing.assert_array_equal(found[i], audio[first : first + frames])
