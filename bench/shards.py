"""Writing and reading shards: python bench/shards.py [--samples 128] [--folder /on/the/disk/to/measure]

Samples are random bytes of the size that 30 s of FLAC have. Every line is the best of three; the writers' files are in
the page cache when they are read.
"""

import argparse
import shutil
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import webdataset

from assets.shards.pack import pack
from assets.shards.sample import EncodedSample
from assets.shards.settings import ShardSettings
from resources.stores import FolderStore

MEMBERS = {"json": 6_000, "mix.flac": 3_200_000, "vocals.flac": 1_600_000}
ROUNDS = 3


def samples(count: int) -> list[EncodedSample]:
    random = np.random.default_rng(1)
    return [
        EncodedSample(
            f"track{i:06d}-30s-1", f"track{i:06d}", "train", 0.0, 30.0, 60, "lyrics",
            tuple((name, random.bytes(size)) for name, size in MEMBERS.items()),
        )
        for i in range(count)
    ]  # fmt: skip


def with_pack(data: list[EncodedSample], folder: Path) -> None:
    for _ in pack(data, FolderStore(folder), "b00000", ShardSettings()):
        pass


def with_shard_writer(data: list[EncodedSample], folder: Path) -> None:
    with webdataset.ShardWriter(f"{folder}/%06d.tar", maxcount=2048, maxsize=1 << 30, verbose=0) as writer:
        for sample in data:
            writer.write({"__key__": sample.name, **dict(sample.members)})


def with_cp(shards: list[Path], folder: Path) -> None:
    for shard in shards:
        shutil.copyfile(shard, folder / shard.name)


def through_webdataset(shards: list[Path]) -> None:
    for _ in webdataset.WebDataset([str(path) for path in shards], shardshuffle=False):
        pass


def through_tarfile(shards: list[Path]) -> None:
    for path in shards:
        with tarfile.open(path) as tar:
            for member in tar:
                part = tar.extractfile(member)
                assert part is not None
                part.read()


def best_s(work: Callable[[Path], None], parent: Path) -> float:
    """Seconds of the fastest round, each in a fresh folder."""
    times = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory(dir=parent) as folder:
            start = time.perf_counter()
            work(Path(folder))
            times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=128)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    arguments = parser.parse_args()
    data = samples(arguments.samples)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        with_pack(data, Path(folder))
        shards = sorted(Path(folder).rglob("*.tar"))
        size_mb = sum(path.stat().st_size for path in shards) / 1e6
        print(f"{len(data)} samples, {len(shards)} shards, {size_mb:.0f} MB")
        print(f"{'':40} {'s':>7} {'MB/s':>7} {'samples/s':>10}")
        for name, work in {
            "write: melisma (fsync, SHA-256, index)": lambda f: with_pack(data, f),
            "write: webdataset.ShardWriter": lambda f: with_shard_writer(data, f),
            "write: cp of the finished shards": lambda f: with_cp(shards, f),
            "read: webdataset.WebDataset": lambda f: through_webdataset(shards),
            "read: tarfile": lambda f: through_tarfile(shards),
        }.items():
            seconds = best_s(work, arguments.folder)
            print(f"{name:40} {seconds:7.2f} {size_mb / seconds:7.0f} {len(data) / seconds:10.0f}")


if __name__ == "__main__":
    main()
