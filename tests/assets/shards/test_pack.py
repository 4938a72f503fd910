import hashlib
import json
import tarfile

import webdataset
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.shards.pack import pack
from assets.shards.sample import EncodedSample
from assets.shards.settings import ShardSettings
from assets.tables import table_of
from resources.stores import FolderStore


def sample(number, split="train", size=100):
    name = f"track{number}-10s-1"
    members = (
        ("json", json.dumps({"sample": name}).encode()),
        ("mix.flac", bytes([number % 256]) * size),
        ("vocals.flac", b"v"),
    )
    return EncodedSample(name, f"track{number}", split, 1.0, 11.0, 3, "lyrics", members)


def test_webdataset_reads_a_shard_as_it_is(tmp_path):
    store = FolderStore(tmp_path)
    (shard,) = pack([sample(0), sample(1)], store, "b00000", ShardSettings())
    pipeline = webdataset.WebDataset(str(tmp_path / shard.uri), shardshuffle=False).decode()
    found = [(got["__key__"], got["json"]["sample"], got["mix.flac"], got["vocals.flac"]) for got in pipeline]
    assert found == [
        ("track0-10s-1", "track0-10s-1", b"\0" * 100, b"v"),
        ("track1-10s-1", "track1-10s-1", b"\1" * 100, b"v"),
    ]


def test_headers_do_not_tell_who_wrote_them_or_when(tmp_path):
    (shard,) = pack([sample(0)], FolderStore(tmp_path), "b00000", ShardSettings())
    with tarfile.open(tmp_path / shard.uri) as tar:
        assert tar.getnames() == ["track0-10s-1.json", "track0-10s-1.mix.flac", "track0-10s-1.vocals.flac"]
        heads = {(member.mode, member.uid, member.gid, member.mtime, member.uname) for member in tar.getmembers()}
    assert heads == {(0o644, 0, 0, 0, "")}


def test_the_index_finds_a_sample_without_reading_the_shard(tmp_path):
    store = FolderStore(tmp_path)
    (shard,) = pack(map(sample, range(3)), store, "b00000", ShardSettings())
    row = shard.index[1]
    data = (tmp_path / shard.uri).read_bytes()
    assert hashlib.sha256(data).hexdigest() == shard.sha256 == row["shard_sha256"]
    assert len(data) == shard.bytes == row["shard_bytes"]
    assert data[row["offset_bytes"] :].startswith(b"track1-10s-1.json\0")
    assert data[row["offset_bytes"] + row["bytes"] :].startswith(b"track2-10s-1.json\0")
    table_of("shards", shard.index)


def test_each_split_has_its_own_shards(tmp_path):
    samples = [sample(i, split) for i, split in enumerate(["train", "valid", "train", "test"])]
    shards = list(pack(samples, FolderStore(tmp_path), "b00000", ShardSettings()))
    assert {shard.split: len(shard.index) for shard in shards} == {"train": 2, "valid": 1, "test": 1}
    assert all(shard.uri.startswith(f"shards/{shard.split}/b00000-00000-") for shard in shards)


def test_a_full_shard_is_followed_by_the_next(tmp_path):
    shards = list(pack(map(sample, range(5)), FolderStore(tmp_path), "b00000", ShardSettings(max_samples=2)))
    assert [len(shard.index) for shard in shards] == [2, 2, 1]
    assert [shard.uri.split("-")[1] for shard in shards] == ["00000", "00001", "00002"]


def test_a_shard_is_never_larger_than_its_limit(tmp_path):
    limit = ShardSettings(max_bytes=20_000)
    samples = [sample(i, size=500 * i) for i in range(16)]
    shards = list(pack(samples, FolderStore(tmp_path), "b00000", limit))
    assert sum(len(shard.index) for shard in shards) == 16
    assert all(shard.bytes <= 20_000 for shard in shards)


def test_a_sample_larger_than_the_limit_has_a_shard_to_itself(tmp_path):
    samples = [sample(0), sample(1, size=5000), sample(2)]
    shards = list(pack(samples, FolderStore(tmp_path), "b00000", ShardSettings(max_bytes=6000)))
    assert [len(shard.index) for shard in shards] == [1, 1, 1]


def test_nothing_unfinished_is_left_in_the_store(tmp_path):
    shards = pack(map(sample, range(5)), FolderStore(tmp_path), "b00000", ShardSettings(max_samples=2))
    first = next(shards)
    shards.close()
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()] == [first.uri]


@settings(max_examples=25, deadline=None)  # each example writes files
@given(
    st.lists(st.tuples(st.sampled_from(["train", "valid"]), st.integers(0, 3000)), max_size=14),
    st.integers(1, 4),
    st.integers(4_000, 12_000),
    st.integers(0, 6),
)
def test_a_run_that_was_stopped_ends_in_the_same_shards(tmp_path_factory, samples, max_samples, max_bytes, survived):
    samples = [sample(i, split, size) for i, (split, size) in enumerate(samples)]
    limits = ShardSettings(max_samples=max_samples, max_bytes=max_bytes)
    folder = tmp_path_factory.mktemp("shards")
    whole = list(pack(samples, FolderStore(folder / "whole"), "b00000", limits))
    store = FolderStore(folder / "stopped")
    before = [shard for shard, _ in zip(pack(samples, store, "b00000", limits), range(survived), strict=False)]
    index = [row for shard in before for row in shard.index]
    after = list(pack(samples, store, "b00000", limits, finished=index))
    assert sorted(before + after, key=lambda s: s.uri) == sorted(whole, key=lambda s: s.uri)
