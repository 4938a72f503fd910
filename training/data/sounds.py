"""The samples of a shard of audio as a codec takes them: mix, vocals and accompaniment, mono, at its rate.

Letters: t sample of sound.
"""

import hashlib
import re
import tarfile
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path, PurePosixPath
from tempfile import NamedTemporaryFile

import numpy as np
import torch
from torch import Tensor

from resources.child import DecodeError
from resources.ffmpeg import decode
from resources.stores import Store
from training.data.facts import Facts, facts_of
from training.data.faults import Fault, SampleFault
from training.data.members import JSON, ORDER
from training.request import Track

SLACK_S = 0.05  # what a lossy codec's padding, or another rate, may take from a sample or add to it
THREADS = 2  # that decode ahead of who listens
NAME = re.compile(r"((?:.*/)?[^.]+)\.([^/]*)")  # of a member: its sample, and its extension
NAME_BYTES = 100  # of a member of a shard of latents

Members = Mapping[str, bytes]  # by extension


@dataclass(frozen=True, slots=True)
class DecodedSample:
    name: str
    json: bytes
    facts: Facts
    sounds: Tensor  # 3 t: a row for each `Track`


@contextmanager
def whole_shard(store: Store, key: str) -> Iterator[Path]:
    """The shard as a file, if its content is what its name says.

    Raises:
        SampleFault: it is gone, cut short or damaged.
    """
    with ExitStack() as stack:
        try:
            path = stack.enter_context(store.local(key))
        except KeyError:
            raise SampleFault(Fault.GONE, key, "there is no such shard in the store") from None
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        if not PurePosixPath(key).stem.endswith(f"-{sha256[:12]}"):
            raise SampleFault(Fault.CHANGED, key, f"cut short or damaged, it now has sha256 {sha256}: get it anew")
        yield path


def decoded_in(shard: Path, key: str, rate_hz: int, scratch: Path) -> Iterator[DecodedSample | SampleFault]:
    """Its samples in their order, or what is wrong with one; decoded ahead in threads. `key` is what faults call it.

    Raises:
        SampleFault: it is no tar.
    """

    def hear(name: str, members: Members) -> DecodedSample | SampleFault:
        try:
            return decoded(name, members, rate_hz, scratch, where=f"{key}: {name}")
        except SampleFault as fault:
            return fault

    waiting: deque[Future[DecodedSample | SampleFault]] = deque()
    with ThreadPoolExecutor(THREADS) as threads:
        samples = samples_in(shard)
        while found := _next(samples, key):
            waiting.append(threads.submit(hear, *found))
            if len(waiting) > THREADS:
                yield waiting.popleft().result()
        for future in waiting:
            yield future.result()


def samples_in(shard: Path) -> Iterator[tuple[str, Members]]:
    """Names and members, as WebDataset groups them: files in a row whose names agree up to the first dot.

    Dots of a folder do not count. What of a name is no text is replaced by marks. Files whose names have no dot are
    passed over, and so is all that is no file.

    Raises:
        tarfile.TarError: it is no tar, or cut short.
    """
    with tarfile.open(shard, "r:", errors="replace") as tar:
        files = ((match, member) for member in tar if member.isfile() and (match := NAME.fullmatch(member.name)))
        for name, group in groupby(files, key=lambda file: file[0][1]):
            yield name, {match[2]: _data(tar, member) for match, member in group}


def decoded(name: str, members: Members, rate_hz: int, scratch: Path, where: str) -> DecodedSample:
    """A sample. The accompaniment is what the vocals leave of the mix; all are as long as the JSON says.

    Raises:
        SampleFault: its name is too long, a member is not there, the JSON is not that of a sample, a track does not
            decode or is not as long as it should be.
    """
    if max(len(f"{name}.{extension}".encode()) for extension in ORDER) > NAME_BYTES:
        raise SampleFault(Fault.CHANGED, where, "its name is longer than that of a sample")
    facts = facts_of(members.get(JSON), where)
    length = round(facts.duration_s * rate_hz)

    def mono(track: Track) -> np.ndarray:
        extension = next((each for each in members if each.startswith(f"{track}.")), None)
        if extension is None:
            raise SampleFault(Fault.MISSING_FIELD, where, f"it has no {track}")
        with NamedTemporaryFile(dir=scratch, buffering=0) as file:  # under no name that the shard could choose
            file.write(members[extension])
            try:
                sound = np.concatenate([block.mean(axis=1) for block in decode(Path(file.name), rate_hz, 2)])
            except DecodeError as error:
                raise SampleFault(Fault.NOT_AUDIO, where, f"its {track} does not decode: {error}") from error
        if abs(len(sound) - length) > SLACK_S * rate_hz:
            found = f"its {track} is {len(sound) / rate_hz:.2f} s long, and by its JSON {length / rate_hz:.2f} s"
            raise SampleFault(Fault.TRUNCATED, where, found)
        return np.pad(sound[:length], (0, max(0, length - len(sound))))

    mix, vocals = mono(Track.MIX), mono(Track.VOCALS)
    sounds = {Track.MIX: mix, Track.VOCALS: vocals, Track.ACCOMPANIMENT: mix - vocals}
    return DecodedSample(name, members[JSON], facts, torch.from_numpy(np.stack([sounds[track] for track in Track])))


def _next(samples: Iterator[tuple[str, Members]], key: str) -> tuple[str, Members] | None:
    """None at the end."""
    try:
        return next(samples, None)
    except tarfile.TarError as error:
        raise SampleFault(Fault.CHANGED, key, f"it is no tar, or one that is cut short: {error}") from None


def _data(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    assert file is not None  # as it is of every file
    return file.read()
