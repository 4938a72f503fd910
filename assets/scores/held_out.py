"""Windows of tracks that nothing was learnt from: what is asked of a song because of one, and how it really sounds."""

import io
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from assets.models.fullest import fullest_windows
from resources.ledger import Ledger

if TYPE_CHECKING:
    from training.request import Request, Track

HELD_OUT = "valid"
SLACK_S = 0.05


class NothingHeldOut(Exception):
    """No window is held out; the message says what to do."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """A held-out window. `request` asks for a song like it, its lines at their times."""

    item: str
    track_id: str
    request: "Request"
    tempo_bpm: float | None


def held_out(ledger: Ledger, index: str, longest_s: float, most: int) -> list[HeldOut]:
    """One window of each of the first `most` tracks that are held out, cut to `longest_s`.

    Raises:
        NothingHeldOut: all tracks are learnt from.
        SampleFault: a sample cannot be read.
    """
    from training.data.corpus import open_corpus
    from training.data.draws import lines_between
    from training.request import Request

    numbers = fullest_windows(ledger.store, index, HELD_OUT, longest_s)[:most]
    if not numbers:
        raise NothingHeldOut(
            f"{index} holds no sample of the split {HELD_OUT}: give some tracks `split` {HELD_OUT} in the manifest, or "
            "ingest more (two in a hundred are held out by themselves)"
        )
    corpus = open_corpus(ledger.store, index, HELD_OUT)
    found = []
    for number in numbers:
        sample = corpus.read(number, ())
        duration_s = min(sample.duration_s, longest_s)
        lines = tuple(lines_between(sample.lines, 0.0, duration_s))
        request = Request(duration_s, sample.prompt, lines, sample.language)
        found.append(HeldOut(sample.name, sample.name.split("-")[0], request, sample.tempo_bpm))
    return found


def real_sounds(
    ledger: Ledger, items: Mapping[str, float], rate_hz: int
) -> Iterator[tuple[str, "Mapping[Track, NDArray[np.float32]]"]]:
    """Each item of the shards that count now, with its three tracks, mono, cut to so many seconds."""
    from training.data.sounds import decoded
    from training.request import Track

    with TemporaryDirectory() as scratch:
        for batch in ledger.batches("shards"):
            rows = ledger.read("shards", batch, ["sample", "shard_uri", "offset_bytes", "bytes"]).to_pylist()
            for row in rows:
                if row["sample"] not in items:
                    continue
                where = f"{row['shard_uri']}: {row['sample']}"
                data = ledger.store.read(row["shard_uri"], row["offset_bytes"], row["bytes"])
                sample = decoded(row["sample"], _members(data), rate_hz, Path(scratch), where)
                length = round(items[row["sample"]] * rate_hz)
                yield row["sample"], {t: s[:length].numpy() for t, s in zip(Track, sample.sounds, strict=True)}


def _members(data: bytes) -> dict[str, bytes]:
    """The files of one sample, by what follows its name."""
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
        files = ((member.name.partition(".")[2], tar.extractfile(member)) for member in tar if member.isfile())
        return {extension: file.read() for extension, file in files if file}
