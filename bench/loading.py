"""Our loader beside a plain webdataset loop: python -m bench.loading [--samples 384] [--workers 0 1 2]

Latents are random numbers of the shape that mel has, 96 bands and 43 frames a second; JSON is as long as a song's is.
Both sides read the same shards, make the same samples and batches of them with the same functions, and have the same
workers. The shards are in the page cache. The clock starts once a loop has given its first batches, so starting workers
is not in it. Rounds are taken in turns; every figure is the best of its rounds.
"""

import argparse
import io
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
import webdataset
from torch import Tensor

from resources.stores import FolderStore
from resources.tars import TarWriter
from training.data.corpus import Corpus, Sample, latents_of, open_corpus, sample_of
from training.data.facts import facts_of
from training.data.latents import ABOUT, INDEX
from training.data.loader import load
from training.data.members import FILES, JSON, npy_of
from training.data.order import Order, Position, batches_of
from training.request import Track

CHANNELS, FRAME_S = 96, 1024 / 44_100
FRAMES = 16_384  # of a batch
SHARD = 48  # samples
ROUNDS = 3
SAMPLES, WORKERS = 384, (0, 1, 2)
FIRST, TIMED = 24, 48  # batches

Batch = tuple[tuple[str, ...], dict[Track, Tensor]]


def write_shards(store: FolderStore, length_s: float, count: int) -> str:
    """Shards of random latents, and the key of their index."""
    random = np.random.default_rng(0)
    frames = round(length_s / FRAME_S)
    rows = []
    for first in range(0, count, SHARD):
        data = io.BytesIO()
        tar = TarWriter(data)
        mine = []
        for i in range(first, min(first + SHARD, count)):
            latents = {FILES[track]: npy_of(_random(random, frames)) for track in Track}
            members = latents | {JSON: _json(f"track{i:06d}-{length_s:.0f}s-1", length_s)}
            offset_bytes, _ = tar.add(f"track{i:06d}-{length_s:.0f}s-1", sorted(members.items()))
            mine.append({"offset_bytes": offset_bytes, "json_bytes": len(members[JSON]), "frames": frames})
        uri = f"latents/mel/train/{length_s:.0f}s-{first:06d}-{tar.close()[:12]}.tar"
        store.put_bytes(uri, data.getvalue())
        rows += [{"shard_uri": uri, "split": "train", **row} for row in mine]
    about = {"codec": "mel", "channels": CHANNELS, "frame_s": FRAME_S, "snapshot": "random"}
    index = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, INDEX.with_metadata({ABOUT: json.dumps(about).encode()})), index)
    store.put_bytes(f"latents/mel/{length_s:.0f}s.parquet", index.getvalue())
    return f"latents/mel/{length_s:.0f}s.parquet"


def _random(random: np.random.Generator, frames: int) -> np.ndarray:
    return (2.5 * random.standard_normal((frames, CHANNELS), dtype=np.float32) - 5).astype(np.float16)


def _json(name: str, length_s: float) -> bytes:
    """Two words a second, eight a line."""
    words = [
        {"text": "summer", "start_s": i / 2, "end_s": i / 2 + 0.4, "confidence": 0.9123}
        for i in range(int(2 * length_s))
    ]
    lines = [
        {
            "text": " ".join("summer" for _ in words[i : i + 8]), "start_s": i / 2, "end_s": i / 2 + 4,
            "confidence": 0.9, "whole": True, "words": words[i : i + 8],
        }
        for i in range(0, len(words), 8)
    ]  # fmt: skip
    stages = {stage: {"parameter_hash": "0" * 64, "models": []} for stage in ("tracks", "stems", "lyrics", "captions")}
    facts = {
        "sample": name, "track_id": name.partition("-")[0], "duration_s": length_s, "tempo_bpm": 120.0,
        "window": {"kind": "lyrics", "words": len(words)}, "caption": "A bright pop song at 120 bpm. " * 4,
        "short_caption": "pop, bright, 120 bpm", "lyrics": {"language": "en", "lines": lines}, "provenance": stages,
    }  # fmt: skip
    return json.dumps(facts, sort_keys=True).encode()


def side_by_side(samples: Sequence[Sample]) -> Batch:
    latents = {
        track: torch.nn.utils.rnn.pad_sequence([sample.latents[track] for sample in samples], batch_first=True)
        for track in samples[0].latents
    }
    return tuple(sample.prompt for sample in samples), latents


def ours(corpus: Corpus, tracks: Sequence[Track], workers: int) -> Iterator[Batch]:
    def make(epoch: int, index: int) -> Sample:
        return corpus.read(index, tracks)

    order = Order(corpus.frames, FRAMES, seed=0)
    for loaded in load(order.turns(Position()), make, side_by_side, workers):
        assert loaded.batch is not None
        yield loaded.batch


def plain(corpus: Corpus, tracks: Sequence[Track], workers: int) -> Iterator[Batch]:
    """As webdataset's own pages write it, in the order of the tars; members that are not wanted are passed over."""
    wanted = (JSON, *(FILES[track] for track in tracks))
    frames = int(corpus.frames[0])  # all are of one length

    def decode(members: dict[str, Any]) -> Sample:
        where = members["__key__"]
        latents = {
            track: latents_of(memoryview(members[FILES[track]]), frames, corpus.channels, where) for track in tracks
        }
        return sample_of(facts_of(members[JSON], where), latents)

    dataset = webdataset.WebDataset(
        files_of(corpus), shardshuffle=False, select_files=lambda name: name.endswith(wanted), empty_check=False
    )
    batches = dataset.repeat().map(decode).batched(FRAMES // frames, collation_fn=side_by_side)
    yield from webdataset.WebLoader(batches, batch_size=None, num_workers=workers)


def files_of(corpus: Corpus) -> list[str]:
    return [str(corpus.store.root / shard) for shard in corpus.shards]  # type: ignore[attr-defined]


def plain_read_s(corpus: Corpus) -> float:
    """What reading the tars takes, and nothing else."""
    block = bytearray(1 << 20)
    start = time.perf_counter()
    for shard in files_of(corpus):
        with Path(shard).open("rb", buffering=0) as file:
            while file.readinto(block):
                pass
    return time.perf_counter() - start


def samples_a_second(batches: Iterator[Batch]) -> float:
    for _ in islice(batches, FIRST):
        pass
    start = time.perf_counter()
    samples = sum(len(prompts) for prompts, _ in islice(batches, TIMED))
    return samples / (time.perf_counter() - start)


def beside_webdataset(samples: int, workers: Sequence[int], folder: Path) -> None:
    """Prints the table."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    print(
        "| length | workers | tracks | ours, samples/s | plain, samples/s | ratio | ours, MB/s of the tar | cat, MB/s |"
    )
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        store = FolderStore(Path(scratch))
        for length_s, count in ((30.0, samples), (90.0, samples // 3)):
            corpus = open_corpus(store, write_shards(store, length_s, count))
            size_mb = sum(Path(shard).stat().st_size for shard in files_of(corpus)) / 1e6
            ceiling = size_mb / min(plain_read_s(corpus) for _ in range(ROUNDS))
            for number in workers:
                for name, tracks in (("all three", tuple(Track)), ("one", (Track.VOCALS,))):
                    best = {ours: 0.0, plain: 0.0}
                    for _ in range(ROUNDS):
                        for loop, before in best.items():
                            best[loop] = max(before, samples_a_second(loop(corpus, tracks, number)))
                    print(
                        f"| {length_s:.0f} s | {number} | {name} | {best[ours]:.0f} | {best[plain]:.0f} | "
                        f"{best[ours] / best[plain]:.2f} | {best[ours] * size_mb / count:.0f} | {ceiling:.0f} |",
                        flush=True,
                    )
    for count in (1_000_000, 15_000_000):
        print(f"batches of an epoch of {count:,} samples: {order_s(count):.2f} s")
    torch.set_num_threads(threads)


def order_s(samples: int) -> float:
    """What it takes to put an epoch in order."""
    frames = np.random.default_rng(0).choice([1292, 1938, 3876], samples).astype(np.int32)
    start = time.perf_counter()
    batches_of(frames, FRAMES, seed=0, epoch=0)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=SAMPLES, help="of 30 s; a third as many of 90 s")
    parser.add_argument("--workers", type=int, nargs="+", default=WORKERS)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    arguments = parser.parse_args()
    beside_webdataset(arguments.samples, arguments.workers, arguments.folder)


if __name__ == "__main__":
    main()
