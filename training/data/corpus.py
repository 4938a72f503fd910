"""All samples that a run may learn from: where each lies, and one as it is read, its JSON and some of its tracks.

What is held in memory is twenty bytes a sample, whatever its name and lyrics. A sample is read from its shard
in one or two parts, without the rest of the shard.

Letters: n latent frame, c latent channel.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from tarfile import BLOCKSIZE
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor

from resources.stores import Store
from training.data.facts import Facts, facts_of
from training.data.faults import Fault, SampleFault
from training.data.latents import read_index
from training.data.members import FILES, JSON, Place, npy_head, places_of
from training.request import SungLine, Track

NAME_BYTES = 100  # of a tar's header
COLUMNS = ("shard_uri", "offset_bytes", "json_bytes", "frames")


@dataclass(frozen=True, slots=True)
class Sample:
    """A window of a track. Latents are as the codec gave them, n c, float32. Where there is no caption it is empty."""

    name: str
    prompt: str
    short_prompt: str
    language: str | None
    lines: tuple[SungLine, ...]
    tempo_bpm: float | None
    duration_s: float
    latents: Mapping[Track, Tensor]


@dataclass(frozen=True, eq=False)
class Corpus:
    """Samples by number, in the order of the index. It may be pickled, and read by forked processes.

    `snapshot` is the data version; `codec` names what made the latents, of `channels`, `frame_s` apart.
    """

    store: Store
    codec: str
    channels: int
    frame_s: float
    snapshot: str
    shards: tuple[str, ...]
    shard: NDArray[np.int32]  # index into `shards`
    offset_bytes: NDArray[np.int64]
    json_bytes: NDArray[np.int32]
    frames: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.frames)

    def read(self, index: int, tracks: Sequence[Track]) -> Sample:
        """A sample with the latents of these tracks and no others.

        Raises:
            SampleFault: its shard is gone, cut short or another one, or its JSON is not that of a sample.
        """
        members, where = self._sample(index, tracks)
        frames = int(self.frames[index])
        latents = {
            track: latents_of(members[FILES[track]][BLOCKSIZE:], frames, self.channels, where) for track in tracks
        }
        return sample_of(facts_of(bytes(members[JSON][BLOCKSIZE:]), where), latents)

    def story(self, index: int) -> dict[str, Any]:
        """All that a sample's JSON says. Raises SampleFault, as `read`."""
        members, where = self._sample(index, ())
        data = bytes(members[JSON][BLOCKSIZE:])
        facts_of(data, where)
        said: dict[str, Any] = json.loads(data)
        return said

    def _sample(self, index: int, tracks: Sequence[Track]) -> tuple[dict[str, memoryview], str]:
        """Its JSON and these tracks as members with their headers, and where they are, in words."""
        shard, offset_bytes = self.shards[self.shard[index]], int(self.offset_bytes[index])
        where = f"{shard} at byte {offset_bytes} (sample {index})"
        places = places_of(int(self.frames[index]), self.channels, int(self.json_bytes[index]))
        asked = {JSON, *(FILES[track] for track in tracks)}
        wanted = {extension: place for extension, place in places.items() if extension in asked}
        members = self._members(shard, offset_bytes, wanted, where)
        _check_names(members, where)
        return members, where

    def _members(self, shard: str, offset_bytes: int, wanted: Mapping[str, Place], where: str) -> dict[str, memoryview]:
        """Members with their headers. Those that lie side by side are read at once."""
        members: dict[str, memoryview] = {}
        for together in _side_by_side(wanted):
            first, end = wanted[together[0]].header, wanted[together[-1]].end
            try:
                part = memoryview(self.store.read(shard, offset_bytes + first, end - first))
            except KeyError:
                raise SampleFault(Fault.GONE, where, "there is no such shard in the store") from None
            if len(part) < end - first:
                raise SampleFault(Fault.TRUNCATED, where, f"the shard ends {end - first - len(part)} bytes too early")
            for extension in together:
                place = wanted[extension]
                members[extension] = part[place.header - first : place.end - first]
        return members


def open_corpus(store: Store, index: str, split: str | None = "train") -> Corpus:
    """The samples of one split, or of all, by an index of latent shards.

    Raises:
        ValueError: there is no such index, or nothing in it is of that split.
    """
    table, about = read_index(store, index, COLUMNS, split)
    if not len(table):
        raise ValueError(f"{index} holds no samples{f' of the split {split}' if split else ''}")
    shards = pa.concat_arrays(table["shard_uri"].unify_dictionaries().chunks)
    return Corpus(
        store=store,
        codec=about["codec"],
        channels=about["channels"],
        frame_s=about["frame_s"],
        snapshot=about["snapshot"],
        shards=tuple(shards.dictionary.to_pylist()),
        shard=shards.indices.to_numpy().astype(np.int32),
        offset_bytes=table["offset_bytes"].to_numpy(),
        json_bytes=table["json_bytes"].to_numpy().astype(np.int32),
        frames=table["frames"].to_numpy().astype(np.int32),
    )


def sample_of(facts: Facts, latents: Mapping[Track, Tensor]) -> Sample:
    return Sample(
        name=facts.sample,
        prompt=facts.caption or "",
        short_prompt=facts.short_caption or "",
        language=facts.lyrics.language,
        lines=facts.lyrics.lines,
        tempo_bpm=facts.tempo_bpm,
        duration_s=facts.duration_s,
        latents=latents,
    )


def latents_of(npy: memoryview, frames: int, channels: int, where: str) -> Tensor:
    """n c, float32, of a .npy file. Raises SampleFault: it is not one of n c, float16."""
    head = npy_head(frames, channels)
    if npy[: len(head)] != head:
        raise SampleFault(Fault.NOT_LATENTS, where, f"no array of {frames} frames and {channels} channels is there")
    numbers = bytearray(npy[len(head) :])  # a copy, since torch takes no memory that it may not write
    return torch.frombuffer(numbers, dtype=torch.float16).view(frames, channels).float()


def _side_by_side(wanted: Mapping[str, Place]) -> list[list[str]]:
    """Extensions, those together that nothing lies between."""
    groups: list[list[str]] = []
    for extension, place in wanted.items():
        if groups and wanted[groups[-1][-1]].next == place.header:
            groups[-1].append(extension)
        else:
            groups.append([extension])
    return groups


def _check_names(members: Mapping[str, memoryview], where: str) -> None:
    """Raises SampleFault: members are not those of one sample, under the names that they should have."""
    names = {extension: bytes(member[:NAME_BYTES]).rstrip(b"\0") for extension, member in members.items()}
    name = names[JSON].removesuffix(b"." + JSON.encode())
    for extension, found in names.items():
        if found != name + b"." + extension.encode():
            raise SampleFault(Fault.CHANGED, where, f"the shard has {found!r} where a {extension} should be")
