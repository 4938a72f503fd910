import io
import json
import pickle
import tracemalloc
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from resources.stores import FolderStore
from resources.tars import TarWriter
from training.data.corpus import Corpus, Sample, open_corpus
from training.data.faults import Fault, SampleFault
from training.data.latents import ABOUT, INDEX
from training.data.members import npy_of, places_of
from training.data.sounds import samples_in
from training.request import Track

ALL = tuple(Track)
ODD = {
    "sample": "odd", "track_id": "o", "caption": "c", "short_caption": "s", "tempo_bpm": None, "duration_s": 1.0,
    "window": {"kind": "lyrics", "words": 0}, "lyrics": {"language": None, "lines": []},
}  # fmt: skip


@pytest.fixture
def corpus(latents: tuple[FolderStore, str]) -> Corpus:
    return open_corpus(*latents)


def put_sample(store: FolderStore, members: dict[str, bytes], frames: int, channels: int) -> str:
    """An index of a shard with one sample in it, whatever that is."""
    data = io.BytesIO()
    tar = TarWriter(data)
    tar.add("odd", sorted(members.items()))
    store.put_bytes(f"latents/odd/{tar.close()[:12]}.tar", data.getvalue())
    (uri,) = store.list("latents/odd/")
    row = {"sample": "odd", "split": "train", "frames": frames, "shard_uri": uri, "offset_bytes": 0}
    row |= {"json_bytes": len(members["json"])}
    about = {"codec": "odd", "channels": channels, "frame_s": 0.02, "snapshot": "0"}
    index = io.BytesIO()
    schema = INDEX.with_metadata({ABOUT: json.dumps(about).encode()})
    pq.write_table(pa.Table.from_pylist([row], schema), index)
    store.put_bytes("latents/odd.parquet", index.getvalue())
    return "latents/odd.parquet"


def truth_of(corpus: Corpus, index: int) -> dict[str, bytes]:
    """The members of a sample, by reading the whole shard."""
    with corpus.store.local(corpus.shards[corpus.shard[index]]) as path:
        samples = [members for _, members in samples_in(path)]
    first = int(np.flatnonzero(corpus.shard == corpus.shard[index])[0])
    return dict(samples[index - first])


@pytest.mark.parametrize("tracks", [(), (Track.MIX,), (Track.VOCALS,), (Track.ACCOMPANIMENT, Track.VOCALS), ALL])
def test_a_sample_is_read_with_the_tracks_that_are_wanted(corpus: Corpus, tracks):
    for index in range(len(corpus)):
        sample, truth = corpus.read(index, tracks), truth_of(corpus, index)
        assert set(sample.latents) == set(tracks)
        for track in tracks:
            assert sample.latents[track].dtype == torch.float32
            wanted = np.load(io.BytesIO(truth[f"{track}.npy"])).astype(np.float32)
            np.testing.assert_array_equal(sample.latents[track].numpy(), wanted)


def test_a_sample_says_what_its_json_says(corpus: Corpus):
    sample, facts = corpus.read(0, ()), json.loads(truth_of(corpus, 0)["json"])
    assert sample.name == facts["sample"] == "s0000-4s-1"
    assert sample.prompt == facts["caption"] == "A electronic song at 120 bpm."
    assert (sample.short_prompt, sample.language, sample.tempo_bpm) == ("electronic", "en", 120.48)
    assert sample.duration_s == 4.0
    (line,), (truth,) = sample.lines, facts["lyrics"]["lines"]
    assert (line.text, line.section) == (truth["text"], "")
    found = [{"text": word.text, "start_s": word.start_s, "end_s": word.end_s} for word in line.words]
    assert found == [{name: word[name] for name in ("text", "start_s", "end_s")} for word in truth["words"]]


def test_frames_are_those_of_the_latents(corpus: Corpus):
    for index in range(len(corpus)):
        assert corpus.read(index, [Track.MIX]).latents[Track.MIX].shape == (corpus.frames[index], corpus.channels)


def test_a_corpus_holds_one_split(latents):
    assert [len(open_corpus(*latents, split=split)) for split in ("train", "valid")] == [4, 2]
    with pytest.raises(ValueError, match="no samples of the split test"):
        open_corpus(*latents, split="test")


def test_only_what_is_wanted_is_read(latents):
    read: list[int] = []

    class Counting(FolderStore):
        def read(self, key, offset_bytes, size_bytes):
            read.append(size_bytes)
            return super().read(key, offset_bytes, size_bytes)

    store, index = latents
    corpus = open_corpus(Counting(store.root), index)
    places = places_of(int(corpus.frames[0]), corpus.channels, int(corpus.json_bytes[0]))
    corpus.read(0, ALL)
    assert read == [places["vocals.npy"].end]  # all of it, at once
    read.clear()
    corpus.read(0, [Track.VOCALS])
    assert read == [512 + places[member].size for member in ("json", "vocals.npy")]


def test_the_snapshot_is_that_of_the_index(latents, corpus: Corpus):
    assert corpus.snapshot.startswith(latents[1].removesuffix(".parquet").rpartition("-")[2])


def test_other_processes_read_the_same(corpus: Corpus):
    with ProcessPoolExecutor(1) as other:
        sample = other.submit(pickle.loads(pickle.dumps(corpus)).read, 1, ALL).result()
    assert same(sample, corpus.read(1, ALL))


def same(first: Sample, second: Sample) -> bool:
    return replace(first, latents={}) == replace(second, latents={}) and all(
        torch.equal(first.latents[track], second.latents[track]) for track in ALL
    )


def test_samples_of_a_bucket_are_read_in_parts(latents, bucket):
    store, index = latents
    for key in store.list("latents/"):
        bucket.put(key, store.root / key)
    corpus = open_corpus(bucket, index)
    asked = []
    bucket.client.meta.events.register("before-call.s3.GetObject", lambda params, **_: asked.append(params))
    assert same(corpus.read(2, ALL), open_corpus(store, index).read(2, ALL))
    assert [params["headers"]["Range"].startswith("bytes=") for params in asked] == [True]


def test_a_truncated_shard_is_a_fault_of_the_samples_that_it_lost(corpus: Corpus):
    path = corpus.store.root / corpus.shards[0]
    path.write_bytes(path.read_bytes()[: corpus.offset_bytes[2] + 3000])
    assert corpus.read(1, ALL).name == "s0000-2500ms-1"
    for index in (2, 3):
        with pytest.raises(SampleFault, match="bytes too early") as caught:
            corpus.read(index, ALL)
        assert caught.value.reason is Fault.TRUNCATED
        assert corpus.shards[0] in str(caught.value)


def test_a_shard_that_is_gone_is_a_fault(corpus: Corpus):
    corpus.store.remove(corpus.shards[0])
    with pytest.raises(SampleFault) as caught:
        corpus.read(0, ALL)
    assert caught.value.reason is Fault.GONE


@pytest.mark.parametrize("tracks", [(), (Track.VOCALS,)])
def test_a_shard_in_the_place_of_another_is_a_fault(corpus: Corpus, tracks):
    path = corpus.store.root / corpus.shards[0]
    path.write_bytes(path.read_bytes()[512:] + bytes(512))
    with pytest.raises(SampleFault) as caught:
        corpus.read(0, tracks)
    assert caught.value.reason is Fault.CHANGED


@pytest.mark.parametrize("lacking", ["caption", "lyrics", "tempo_bpm"])
def test_a_json_without_a_field_is_a_fault_that_names_it(store, lacking):
    members = {f"{track}.npy": npy_of(np.zeros((50, 8), np.float16)) for track in ALL}
    members["json"] = json.dumps({name: value for name, value in ODD.items() if name != lacking}).encode()
    corpus = open_corpus(store, put_sample(store, members, 50, 8))
    with pytest.raises(SampleFault, match=f"no '{lacking}'") as caught:
        corpus.read(0, ())
    assert caught.value.reason is Fault.MISSING_FIELD


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"{", Fault.NOT_JSON),
        (b"[]", Fault.NOT_JSON),
        (json.dumps(ODD | {"lyrics": None}).encode(), Fault.WRONG_FIELD),
        (json.dumps(ODD | {"lyrics": {"language": "en"}}).encode(), Fault.MISSING_FIELD),
    ],
)
def test_a_json_that_is_not_of_a_sample_is_a_fault(store, data, reason):
    members = {f"{track}.npy": npy_of(np.zeros((50, 8), np.float16)) for track in ALL} | {"json": data}
    corpus = open_corpus(store, put_sample(store, members, 50, 8))
    with pytest.raises(SampleFault) as caught:
        corpus.read(0, ())
    assert caught.value.reason is reason


def test_an_array_of_another_shape_is_a_fault(store):
    members = {f"{track}.npy": npy_of(np.zeros((50, 8), np.float16)) for track in ALL} | {"json": b"{}"}
    corpus = open_corpus(store, put_sample(store, members, 80, 5))
    with pytest.raises(SampleFault) as caught:
        corpus.read(0, [Track.MIX])
    assert caught.value.reason is Fault.NOT_LATENTS


def test_a_track_without_captions_has_empty_prompts(store):
    facts = ODD | {"caption": None, "short_caption": None}
    members = {f"{track}.npy": npy_of(np.zeros((50, 8), np.float16)) for track in ALL}
    corpus = open_corpus(store, put_sample(store, members | {"json": json.dumps(facts).encode()}, 50, 8))
    assert corpus.read(0, ALL).prompt == ""


def test_a_key_that_is_no_index_is_refused(latents):
    store, _ = latents
    with pytest.raises(ValueError, match="no index of latents at nothing"):
        open_corpus(store, "nothing.parquet")
    with pytest.raises(ValueError, match="is no index of latents"):
        open_corpus(store, store.list("shards/")[0])
    other = io.BytesIO()
    pq.write_table(pa.table({"a": [1]}), other)
    store.put_bytes("other.parquet", other.getvalue())
    with pytest.raises(ValueError, match="is no index of latents"):
        open_corpus(store, "other.parquet")


def test_a_corpus_takes_twenty_bytes_a_sample(store):
    count = 100_000
    rows = {name: pa.nulls(count, INDEX.field(name).type) for name in INDEX.names}
    rows["split"] = pa.array(["train"] * count)
    rows["shard_uri"] = pa.array([f"latents/mel/train/{i // 200}.tar" for i in range(count)])
    for name in ("offset_bytes", "json_bytes", "frames"):
        rows[name] = pa.array(np.arange(count) + 1)
    about = {"codec": "mel", "channels": 96, "frame_s": 0.02, "snapshot": "0"}
    data = io.BytesIO()
    pq.write_table(pa.table(rows, INDEX.with_metadata({ABOUT: json.dumps(about).encode()})), data)
    store.put_bytes("index.parquet", data.getvalue())
    tracemalloc.start()
    corpus = open_corpus(store, "index.parquet")
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(corpus) == count
    assert held < 25 * count
