"""Shards of a few seconds of real songs: of audio, and of latents beside them."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
import soundfile
import torch
from moto import mock_aws

from assets.shards.encode import encode_samples
from assets.shards.pack import pack
from assets.shards.settings import ShardSettings
from assets.tables import Row
from resources.buckets import S3Store
from resources.ffmpeg import decode
from resources.stores import FolderStore
from training.codec import MelCodec
from training.data.latents import LatentShard, codec_name, encode_shard, index_shards
from training.settings import CodecSettings

# Tests run side by side, on small tensors; and a run in processes of its own, with one thread, must give the same bits.
torch.set_num_threads(1)

VOCALS = 0.25  # of the mix of these samples: so the accompaniment is three quarters of it
SMALL = CodecSettings(rate_hz=22_050, hop=512, bands=40)


def track_of(song: dict[str, Any], folder: Path, store: FolderStore, split: str) -> Row:
    """All that the tables say of a demo song's 12 s from its sixth on, with two windows."""
    rate_hz = 44_100
    sound = np.concatenate(list(decode(song["path"], rate_hz, 2, start_s=6, duration_s=12)))
    mix, vocals = folder / f"{song['id']}.flac", store.root / f"stems/{song['id']}.flac"
    vocals.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(mix, sound, rate_hz, subtype="PCM_24")
    soundfile.write(vocals, VOCALS * sound, rate_hz, subtype="PCM_24")
    words = [
        {"text": word["w"], "start_s": word["start"] - 6, "end_s": word["end"] - 6, "confidence": 0.9}
        for word in song["words"]
        if 6 <= word["start"] and word["end"] <= 18
    ]
    line = {"text": " ".join(word["text"] for word in words), "confidence": 0.9, "words": words}
    line |= {"start_s": words[0]["start_s"], "end_s": words[-1]["end_s"]}
    made = {"parameter_hash": "0", "models": []}
    window = {"words": 3, "kind": "lyrics", "rank": 1}
    return {
        "track_id": song["id"],
        "batch": "b00000",
        "tracks": {
            "uri": mix.as_uri(), "sha256": None, "duration_s": 12.0, "license": "CC0", "genre": song["genre"], **made
        },
        "catalogue": {"split": split, **made},
        "stems": {"vocals_uri": f"stems/{song['id']}.flac", "gain_db": 0.0, **made},
        "lyrics": {"language": "en", "origin": "given", "lines": [line], "trust": 0.9, **made},
        "captions": {
            "caption": f"A {song['genre']} song at {song['tempo_bpm']:.0f} bpm.", "short_caption": song["genre"],
            "tags": [song["genre"]], "tempo_bpm": song["tempo_bpm"], "key": song["key"], **made,
        },
        "windows": [
            window | {"length_s": 4.0, "start_s": 2.0, "end_s": 6.0, **made},
            window | {"length_s": 2.5, "start_s": 7.25, "end_s": 9.75, **made},
        ],
    }  # fmt: skip


@pytest.fixture(scope="session")
def small_codec() -> CodecSettings:
    return SMALL


@pytest.fixture(scope="session")
def pack_songs(tmp_path_factory: pytest.TempPathFactory, demo_songs: dict[str, Any]) -> Callable[..., list[str]]:
    """Packs two songs for training and one for validation: pack_songs(store, "flac") -> keys of the shards."""
    types = {"pop": "train", "backing": "train", "acappella": "valid"}

    def packed(store: FolderStore, codec: str = "flac", songs: int = 3) -> list[str]:
        settings = ShardSettings(codec=codec)
        folder = tmp_path_factory.mktemp("songs")
        tracks = [track_of(demo_songs[kind], folder, store, split) for kind, split in list(types.items())[:songs]]
        samples = (sample for track in tracks for sample in encode_samples(settings, store, track))
        return sorted(shard.uri for shard in pack(samples, store, "b00000", settings))

    return packed


@pytest.fixture(scope="session")
def songs_once(tmp_path_factory: pytest.TempPathFactory, pack_songs: Callable[..., list[str]]) -> FolderStore:
    store = FolderStore(tmp_path_factory.mktemp("songs-once"))
    pack_songs(store)
    return store


@pytest.fixture
def songs(songs_once: FolderStore, store: FolderStore) -> FolderStore:
    """The test's own store, with shards of audio."""
    shutil.copytree(songs_once.root, store.root)
    return store


@pytest.fixture(scope="session")
def latents_once(
    tmp_path_factory: pytest.TempPathFactory, songs_once: FolderStore
) -> tuple[FolderStore, list[LatentShard], str]:
    store = FolderStore(tmp_path_factory.mktemp("latents-once") / "store")
    shutil.copytree(songs_once.root, store.root)
    name = codec_name(SMALL)
    shards = [encode_shard(store, key, MelCodec(SMALL), name) for key in store.list("shards/")]
    return store, shards, index_shards(store, shards)


@pytest.fixture
def latents(latents_once: tuple[FolderStore, list[LatentShard], str], store: FolderStore) -> tuple[FolderStore, str]:
    """The test's own store, with shards of latents, and the key of their index."""
    shutil.copytree(latents_once[0].root, store.root)
    return store, latents_once[2]


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Store]:
    """An empty store in a bucket."""
    for name, value in {"ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test", "DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="music")
        yield S3Store("music", "melisma")
