"""Samples into shards, as they come; each split into its own."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from assets.shards.sample import EncodedSample
from assets.shards.settings import ShardSettings
from assets.tables import Row
from resources.stores import Store
from resources.tars import END_BYTES, TarWriter, size_of


@dataclass(frozen=True, slots=True)
class FinishedShard:
    """A shard that is in the store, and its part of the index: a row for each sample, in the order of the tar."""

    uri: str  # its key in the store
    sha256: str
    bytes: int
    split: str
    index: tuple[Row, ...]


def pack(
    samples: Iterable[EncodedSample],
    store: Store,
    batch: str,
    settings: ShardSettings,
    finished: Iterable[Row] = (),
) -> Iterator[FinishedShard]:
    """Writes shards of at most `max_samples` and `max_bytes`, and gives each once the store has it.

    A shard is closed only by the sample that no longer fits, or by the end; so what a shard holds depends on nothing
    but the samples and their order. `finished` is the index of the shards that an interrupted run has given already:
    their samples are passed over where they come again, and the rest ends in the same bytes as if it had not stopped.
    """
    finished = list(finished)
    packed = {row["sample"] for row in finished}
    written: dict[str, set[str]] = {}
    for row in finished:
        written.setdefault(row["split"], set()).add(row["shard_uri"])
    numbers = {split: len(uris) for split, uris in written.items()}
    with ExitStack() as stack:
        folder = stack.enter_context(store.scratch())
        shards: dict[str, OpenShard] = {}
        for sample in samples:
            if sample.name in packed:
                continue
            shard = shards.get(sample.split)
            if shard and not shard.has_room(sample, settings):
                yield shard.finish(store)
                del shards[sample.split]
            if sample.split not in shards:
                number = numbers.get(sample.split, 0)
                numbers[sample.split] = number + 1
                path = folder / f"{sample.split}-{number}.tar"
                shards[sample.split] = OpenShard(
                    stack.enter_context(path.open("wb")), path, batch, sample.split, number
                )
            shards[sample.split].add(sample)
        for split in sorted(shards):
            yield shards[split].finish(store)


class OpenShard:
    """A shard that is being written, in a file of its own outside the store."""

    def __init__(self, file: BinaryIO, path: Path, batch: str, split: str, number: int) -> None:
        self.file, self.path = file, path
        self.split, self.stem = split, f"{batch}-{number:05d}"
        self.tar = TarWriter(file)
        self.index: list[Row] = []

    def has_room(self, sample: EncodedSample, settings: ShardSettings) -> bool:
        grown = self.tar.bytes + size_of(sample.members) + END_BYTES
        return len(self.index) < settings.max_samples and grown <= settings.max_bytes

    def add(self, sample: EncodedSample) -> None:
        offset_bytes, size_bytes = self.tar.add(sample.name, sample.members)
        self.index.append(
            {
                "track_id": sample.track_id,
                "sample": sample.name,
                "split": sample.split,
                "offset_bytes": offset_bytes,
                "bytes": size_bytes,
                "start_s": sample.start_s,
                "end_s": sample.end_s,
                "words": sample.words,
                "kind": sample.kind,
            }
        )

    def finish(self, store: Store) -> FinishedShard:
        """Ends the tar and hands it to the store, under a name that says what is in it."""
        sha256 = self.tar.close()
        self.file.close()
        uri = f"shards/{self.split}/{self.stem}-{sha256[:12]}.tar"
        store.put(uri, self.path)
        self.path.unlink()
        shard = {"shard_uri": uri, "shard_sha256": sha256, "shard_bytes": self.tar.bytes}
        return FinishedShard(uri, sha256, self.tar.bytes, self.split, tuple(row | shard for row in self.index))
