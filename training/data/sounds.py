"""The samples of a shard of audio as a codec takes them: mix, vocals and accompaniment, mono, at its rate.

Letters: t sample of sound.
"""

import hashlib
import json
import tarfile
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import torch
from torch import Tensor

from resources.child import DecodeError
from resources.ffmpeg import decode
from resources.stores import Store
from training.data.faults import Fault, SampleFault
from training.data.members import JSON
from training.request import Track

SLACK_S = 0.05  # what a lossy codec's padding, or another rate, may take from a sample or add to it
THREADS = 2  # that decode ahead of who listens
NEEDED = ("track_id", "duration_s", "window")

Members = Mapping[str, bytes]  # by extension


@dataclass(frozen=True, slots=True)
class Heard:
    name: str
    json: bytes
    facts: Mapping[str, Any]  # what is in the JSON
    sounds: Tensor  # 3 t: a row for each `Track`


@contextmanager
def whole_shard(store: Store, key: str) -> Iterator[Path]:
    """The shard as a file, if its content is what its name says.

    Raises:
        SampleFault: it is gone, cut short or damaged.
    """
    try:
        with store.local(key) as path:
            with path.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            if not PurePosixPath(key).stem.endswith(f"-{sha256[:12]}"):
                raise SampleFault(Fault.CHANGED, key, f"cut short or damaged, it now has sha256 {sha256}: get it anew")
            yield path
    except KeyError:
        raise SampleFault(Fault.GONE, key, "there is no such shard in the store") from None


def heard_in(shard: Path, key: str, rate_hz: int, scratch: Path) -> Iterator[Heard | SampleFault]:
    """Its samples in their order, or what is wrong with one; decoded ahead in threads. `key` is what faults call it."""

    def hear(name: str, members: Members) -> Heard | SampleFault:
        try:
            return heard(name, members, rate_hz, scratch, where=f"{key}: {name}")
        except SampleFault as fault:
            return fault

    waiting: deque[Future[Heard | SampleFault]] = deque()
    with ThreadPoolExecutor(THREADS) as threads:
        for name, members in samples_in(shard):
            waiting.append(threads.submit(hear, name, members))
            if len(waiting) > THREADS:
                yield waiting.popleft().result()
        for future in waiting:
            yield future.result()


def samples_in(shard: Path) -> Iterator[tuple[str, Members]]:
    """Names and members, as WebDataset groups them: all in a row whose names agree up to the first dot."""
    with tarfile.open(shard, "r:") as tar:
        for name, group in groupby(tar, key=lambda member: member.name.partition(".")[0]):
            files = ((member.name.partition(".")[2], tar.extractfile(member)) for member in group)
            yield name, {extension: file.read() for extension, file in files if file is not None}


def heard(name: str, members: Members, rate_hz: int, scratch: Path, where: str) -> Heard:
    """A sample. The accompaniment is what the vocals leave of the mix; all are as long as the JSON says.

    Raises:
        SampleFault: a member or a field is not there, a track does not decode or is shorter than it should be.
    """
    facts = facts_of(members.get(JSON), where)
    if lacking := [field for field in NEEDED if field not in facts]:
        raise SampleFault(Fault.MISSING_FIELD, where, f"its JSON has no {', '.join(lacking)}")
    length = round(facts["duration_s"] * rate_hz)

    def mono(track: Track) -> np.ndarray:
        extension = next((each for each in members if each.startswith(f"{track}.")), None)
        if extension is None:
            raise SampleFault(Fault.MISSING_FIELD, where, f"it has no {track}")
        file = scratch / f"{name}.{extension}"
        file.write_bytes(members[extension])
        try:
            sound = np.concatenate([block.mean(axis=1) for block in decode(file, rate_hz, 2)])
        except DecodeError as error:
            raise SampleFault(Fault.NOT_AUDIO, where, f"its {track} does not decode: {error}") from error
        finally:
            file.unlink()
        if abs(len(sound) - length) > SLACK_S * rate_hz:
            found = f"its {track} is {len(sound) / rate_hz:.2f} s long, and by its JSON {length / rate_hz:.2f} s"
            raise SampleFault(Fault.TRUNCATED, where, found)
        return np.pad(sound[:length], (0, max(0, length - len(sound))))

    mix, vocals = mono(Track.MIX), mono(Track.VOCALS)
    sounds = {Track.MIX: mix, Track.VOCALS: vocals, Track.ACCOMPANIMENT: mix - vocals}
    return Heard(name, members[JSON], facts, torch.from_numpy(np.stack([sounds[track] for track in Track])))


def facts_of(data: bytes | None, where: str) -> dict[str, Any]:
    """What a sample's JSON says. Raises SampleFault: there is none, or it is no object."""
    if data is None:
        raise SampleFault(Fault.MISSING_FIELD, where, "it has no JSON")
    try:
        facts = json.loads(data)
    except ValueError as error:
        raise SampleFault(Fault.NOT_JSON, where, f"its JSON cannot be read: {error}") from None
    if not isinstance(facts, dict):
        raise SampleFault(Fault.NOT_JSON, where, "its JSON is no object")
    return facts
