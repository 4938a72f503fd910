import hashlib
import io
import json
import math
import tarfile
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
import webdataset

from resources.stores import FolderStore
from resources.tars import TarWriter
from training.codec import MelCodec
from training.data.faults import Fault, SampleFault, Skipping
from training.data.latents import codec_name, encode_shard, index_shards, read_index
from training.data.members import npy_of
from training.data.sounds import samples_in
from training.settings import CodecSettings


@pytest.fixture
def codec(small_codec: CodecSettings) -> MelCodec:
    return MelCodec(small_codec)


def put_shard(store: FolderStore, samples: dict[str, dict[str, bytes]]) -> str:
    """A shard of audio as `assets/shards` writes it."""
    data = io.BytesIO()
    tar = TarWriter(data)
    for name, members in samples.items():
        tar.add(name, sorted(members.items()))
    key = f"shards/train/b00007-00000-{tar.close()[:12]}.tar"
    store.put_bytes(key, data.getvalue())
    return key


def first_shard(store: FolderStore) -> dict[str, dict[str, bytes]]:
    (key,) = store.list("shards/train/")
    with store.local(key) as path:
        return {name: dict(members) for name, members in samples_in(path)}


def tar_of(store: FolderStore, name: str, split: str = "train") -> str:
    (key,) = (key for key in store.list(f"latents/{name}/{split}/") if key.endswith(".tar"))
    return key


def arrays(store: FolderStore, key: str) -> dict[str, np.ndarray]:
    with store.local(key) as path, tarfile.open(path) as tar:
        return {
            member.name: np.load(io.BytesIO(tar.extractfile(member).read()))
            for member in tar
            if member.name.endswith(".npy")
        }


def test_a_shard_of_latents_holds_the_tracks_and_the_json_of_its_samples(songs, codec):
    (key,) = songs.list("shards/train/")
    shard = encode_shard(songs, key, codec, "mel-0")
    names = [f"{song}-{window}" for song in ("s0000", "s0004") for window in ("4s-1", "2500ms-1")]
    with songs.local(tar_of(songs, "mel-0")) as path, tarfile.open(path) as tar:
        members = tar.getnames()
    extensions = ("accompaniment.npy", "json", "mix.npy", "vocals.npy")
    assert members == [f"{name}.{extension}" for name in names for extension in extensions]
    assert (shard.samples, shard.faults) == (4, {})
    (_, first), *_ = first_shard(songs).items()
    with songs.local(tar_of(songs, "mel-0")) as path:
        assert next(samples_in(path))[1]["json"] == first["json"]


def test_latents_are_what_the_codec_makes_of_the_mono_sound(songs, codec):
    (key,) = songs.list("shards/train/")
    encode_shard(songs, key, codec, "mel-0")
    name, members = next(iter(first_shard(songs).items()))
    sound, rate_hz = soundfile.read(io.BytesIO(members["mix.flac"]), dtype="float32")
    assert (rate_hz, len(sound)) == (44_100, 4 * 44_100)
    mono = torch.nn.functional.interpolate(torch.from_numpy(sound).mean(dim=1)[None, None], scale_factor=0.5)[0]
    wanted = codec.encode(mono)[0].numpy()
    found = arrays(songs, tar_of(songs, "mel-0"))[f"{name}.mix.npy"]
    assert (found.dtype, found.shape) == (np.float16, wanted.shape)
    low = slice(0, 25)  # bands that the plain halving of the rate leaves as they are
    assert np.abs(found - wanted)[:, low].mean() < 0.1


def test_the_accompaniment_is_what_the_vocals_leave_of_the_mix(songs, codec):
    (key,) = songs.list("shards/train/")
    encode_shard(songs, key, codec, "mel-0")
    found = arrays(songs, tar_of(songs, "mel-0"))
    for name in first_shard(songs):
        mix, vocals, accompaniment = (found[f"{name}.{track}.npy"] for track in ("mix", "vocals", "accompaniment"))
        loud = mix > -7
        assert np.abs(vocals - mix - np.log(0.25))[loud].mean() < 0.02
        assert np.abs(accompaniment - mix - np.log(0.75))[loud].mean() < 0.02


def test_samples_can_be_opus(store, codec, pack_songs):
    (key,) = pack_songs(store, "opus", songs=1)
    encode_shard(store, key, codec, "mel-0")
    lengths = {name: len(latents) for name, latents in arrays(store, tar_of(store, "mel-0")).items()}
    assert lengths["s0000-4s-1.vocals.npy"] == -(-4 * 22_050 // 512)
    assert lengths["s0000-2500ms-1.mix.npy"] == -(-round(2.5 * 22_050) // 512)


def test_the_same_audio_gives_the_same_bytes(songs, codec, tmp_path, latents_once, small_codec):
    name = codec_name(small_codec)
    index = index_shards(songs, [encode_shard(songs, key, codec, name) for key in songs.list("shards/")])
    before = latents_once[0]
    assert index == latents_once[2]
    assert songs.list("latents/") == before.list("latents/")
    for key in songs.list("latents/"):
        assert (songs.root / key).read_bytes() == (before.root / key).read_bytes()


def test_what_is_there_is_not_encoded_again(latents_once):
    store, shards, _ = latents_once
    for shard in shards:
        assert encode_shard(store, read_index(store, shard.index)[1]["audio"], None, shard.index.split("/")[1]) == shard


def test_webdataset_reads_a_shard_as_it_is(latents_once):
    store, _, index = latents_once
    path = store.root / tar_of(store, index.split("/")[1])
    samples = list(webdataset.WebDataset(str(path), shardshuffle=False).decode())
    assert [sample["__key__"] for sample in samples] == [sample["json"]["sample"] for sample in samples]
    assert all(sample["mix.npy"].shape == sample["vocals.npy"].shape for sample in samples)
    assert samples[0]["json"]["lyrics"]["lines"][0]["text"] == "were dreaming in the rain"


def test_the_index_says_where_each_sample_lies(latents_once):
    store, _, index = latents_once
    table, about = read_index(store, index)
    rows = table.to_pylist()
    assert [row["split"] for row in rows] == ["train"] * 4 + ["valid"] * 2
    assert (about["channels"], about["frame_s"]) == (40, 512 / 22_050)
    for row in rows:
        data = (store.root / row["shard_uri"]).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (row["shard_bytes"], row["shard_sha256"])
        with tarfile.open(fileobj=io.BytesIO(data[row["offset_bytes"] :][: row["bytes"]] + bytes(1024))) as tar:
            assert {name.partition(".")[0] for name in tar.getnames()} == {row["sample"]}
            assert len(tar.extractfile(f"{row['sample']}.json").read()) == row["json_bytes"]


def test_a_snapshot_is_named_by_its_shards_and_nothing_else(latents):
    store, index = latents
    keys = [key for key in store.list("latents/") if key.endswith(".parquet") and key != index]
    shards = [encode_shard(store, read_index(store, key)[1]["audio"], None, key.split("/")[1]) for key in keys]
    assert index_shards(store, shards[::-1]) == index
    assert index_shards(store, shards[:1]) != index


def test_shards_of_several_codecs_have_no_common_index(latents, codec):
    store, _ = latents
    key = store.list("shards/")[0]
    shards = [encode_shard(store, key, codec, name) for name in ("mel-a", "mel-b")]
    with pytest.raises(ValueError, match="one codec"):
        index_shards(store, shards)
    with pytest.raises(ValueError, match="no shards"):
        index_shards(store, [])


def test_only_what_changes_latents_changes_the_name_of_a_codec():
    assert codec_name(CodecSettings()) == codec_name(CodecSettings(iterations=8))
    assert codec_name(CodecSettings()) != codec_name(CodecSettings(hop=512))


def test_a_new_version_of_what_makes_latents_changes_the_name_of_a_codec(monkeypatch):
    before = codec_name(CodecSettings())
    monkeypatch.setattr("training.data.latents.VERSION", 1_000)
    assert codec_name(CodecSettings()) != before


def test_a_truncated_shard_of_audio_is_a_clear_error(songs, codec):
    (key,) = songs.list("shards/train/")
    path = songs.root / key
    path.write_bytes(path.read_bytes()[:-100_000])
    with pytest.raises(SampleFault, match="cut short or damaged") as caught:
        encode_shard(songs, key, codec, "mel-0")
    assert (caught.value.reason, caught.value.where) == (Fault.CHANGED, key)
    assert not songs.list("latents/")


def test_a_shard_that_is_gone_is_a_clear_error(store, codec):
    with pytest.raises(SampleFault, match="no such shard"):
        encode_shard(store, "shards/train/b00000-00000-abc.tar", codec, "mel-0")


def test_a_shard_that_is_no_tar_is_a_clear_error(store, codec):
    data = b"no tar" * 1000
    key = f"shards/train/b00000-00000-{hashlib.sha256(data).hexdigest()[:12]}.tar"
    store.put_bytes(key, data)
    with pytest.raises(SampleFault, match="no tar") as caught:
        encode_shard(store, key, codec, "mel-0")
    assert (caught.value.reason, caught.value.where) == (Fault.CHANGED, key)
    assert not store.list("latents/")


def test_a_name_that_is_no_text_is_kept_as_far_as_it_is(songs, codec):
    members = next(iter(first_shard(songs).values()))
    shard = encode_shard(songs, put_shard(songs, {"la\udcff": members}), codec, "mel-0")
    assert read_index(songs, shard.index)[0]["sample"].to_pylist() == ["la\ufffd"]


def without(members: dict[str, bytes], *path: str) -> dict[str, bytes]:
    """Members less one, or less a field of the JSON."""
    if path[0] != "json":
        return {extension: data for extension, data in members.items() if extension != path[0]}
    facts = json.loads(members["json"])
    del facts[path[1]]
    return members | {"json": json.dumps(facts).encode()}


def having(members: dict[str, bytes], **fields: Any) -> dict[str, bytes]:
    """Members with other fields of the JSON."""
    return members | {"json": json.dumps(json.loads(members["json"]) | fields).encode()}


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda members: without(members, "json", "caption"), Fault.MISSING_FIELD),
        (lambda members: having(members, window="x"), Fault.WRONG_FIELD),
        (lambda members: having(members, window={}), Fault.MISSING_FIELD),
        (lambda members: having(members, window={"kind": "lyrics", "words": "many"}), Fault.WRONG_FIELD),
        (lambda members: having(members, window={"kind": "lyrics", "words": 10**30}), Fault.WRONG_FIELD),
        (lambda members: having(members, track_id=7), Fault.WRONG_FIELD),
        (lambda members: having(members, duration_s=None), Fault.WRONG_FIELD),
        (lambda members: having(members, duration_s=math.nan), Fault.WRONG_FIELD),
        (lambda members: having(members, duration_s=0.0), Fault.WRONG_FIELD),
        (lambda members: having(members, duration_s=1e300), Fault.TRUNCATED),
        (lambda members: without(members, "vocals.flac"), Fault.MISSING_FIELD),
        (lambda members: without(members, "json", "duration_s"), Fault.MISSING_FIELD),
        (lambda members: without(members, "json", "track_id"), Fault.MISSING_FIELD),
        (lambda members: members | {"json": b"{"}, Fault.NOT_JSON),
        (lambda members: members | {"mix.flac": b"noise" * 1000}, Fault.NOT_AUDIO),
        (lambda members: members | {"mix.flac": members["mix.flac"][:200_000]}, Fault.TRUNCATED),
    ],
)
def test_a_sample_with_a_fault_is_left_out_and_counted(songs, codec, spoil, reason):
    samples = first_shard(songs)
    name = list(samples)[1]
    key = put_shard(songs, samples | {name: spoil(samples[name])})
    with pytest.raises(SampleFault, match=name):
        encode_shard(songs, key, codec, "mel-0")
    policy = Skipping(most=0.5)
    shard = encode_shard(songs, key, codec, "mel-0", on_fault=policy)
    assert (shard.samples, shard.faults, dict(policy.counts)) == (3, {reason: 1}, {reason: 1})
    assert encode_shard(songs, key, codec, "mel-0") == shard  # what is there still says so


def test_a_sample_shorter_than_its_json_says_is_truncated(songs, codec):
    samples = first_shard(songs)
    first, second = list(samples)[:2]  # of 4 s and of 2.5 s
    key = put_shard(songs, {first: samples[first] | {"mix.flac": samples[second]["mix.flac"]}})
    with pytest.raises(SampleFault, match=r"2\.50 s long, and by its JSON 4\.00 s") as caught:
        encode_shard(songs, key, codec, "mel-0")
    assert caught.value.reason is Fault.TRUNCATED


def test_latents_that_float16_cannot_hold_are_refused(songs, codec):
    class Loud(MelCodec):
        def encode(self, sound):
            return super().encode(sound) * 1e5

    (key,) = songs.list("shards/train/")
    with pytest.raises(SampleFault, match="float16"):
        encode_shard(songs, key, Loud(CodecSettings(rate_hz=22_050)), "mel-0")


def test_an_array_is_a_npy_file():
    latents = np.random.default_rng(0).standard_normal((7, 5)).astype(np.float16)
    np.testing.assert_array_equal(np.load(io.BytesIO(npy_of(latents))), latents)


def test_shards_of_a_bucket_are_encoded_into_it(songs, codec, bucket):
    (key,) = songs.list("shards/valid/")
    bucket.put(key, songs.root / key)
    shard = encode_shard(bucket, key, codec, "mel-0")
    assert shard == encode_shard(songs, key, codec, "mel-0")
    assert bucket.list("latents/") == songs.list("latents/")
