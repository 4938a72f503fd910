"""From a track to its samples: the stretches of the mix and the vocals, encoded."""

import io
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from assets.shards.sample import EncodedSample, sample_json, sample_name
from assets.shards.settings import ShardSettings
from assets.tables import Reason, Rejected, Row
from resources import ffmpeg
from resources.stores import Store, open_store

RATE_HZ = 44_100
SLACK = 64  # samples: what rounding and a codec's padding may leave short at the end of a track

Audio = NDArray[np.float32]


class Encoder(Protocol):
    def __call__(self, track: Row) -> list[EncodedSample]: ...


def open_encoder(settings: ShardSettings, store_root: str) -> Encoder:
    """What a worker calls with each track (a row of `tracks_of`) to get its samples."""
    return partial(encode_samples, settings, open_store(store_root))


def encode_samples(settings: ShardSettings, store: Store, track: Row) -> list[EncodedSample]:
    """A track's samples, in the order of its windows. Mix and vocals are cut at the same samples, 44.1 kHz stereo.

    The mix has the gain that it had when it was taken apart, so that mix minus vocals is the accompaniment, but for the
    samples that a lossy file decodes to over full scale: those are clipped here, as they are wherever it is played.

    Raises:
        Rejected: the track's words are trusted less than `min_trust`.
        DecodeError: the file no longer decodes.
        ValueError: it is shorter than one of its windows.
    """
    trust = track["lyrics"]["trust"]
    if trust is not None and trust < settings.min_trust:
        raise Rejected(Reason.LOW_TRUST, f"its lyrics are trusted {trust:.2f}, which is below {settings.min_trust:.2f}")
    windows = track["windows"]
    spans = [(round(w["start_s"] * RATE_HZ), round((w["end_s"] - w["start_s"]) * RATE_HZ)) for w in windows]
    gain = np.float32(10 ** (track["stems"]["gain_db"] / 20))
    file = track["tracks"]
    source = ffmpeg.decode(ffmpeg.local_path(file["uri"]), RATE_HZ, 2, sha256=file["sha256"])
    mixes = _encoded((block * gain for block in source), spans, settings.codec)
    with store.local(track["stems"]["vocals_uri"]) as path:
        vocals = _encoded(ffmpeg.decode(path, RATE_HZ, 2), spans, settings.codec)
    return [
        EncodedSample(
            name=sample_name(track["track_id"], window),
            track_id=track["track_id"],
            split=track["catalogue"]["split"],
            start_s=window["start_s"],
            end_s=window["end_s"],
            words=window["words"],
            kind=window["kind"],
            members=(
                ("json", sample_json(track, window, RATE_HZ)),
                (f"mix.{settings.codec}", mix),
                (f"vocals.{settings.codec}", vocal),
            ),
        )
        for window, mix, vocal in zip(windows, mixes, vocals, strict=True)
    ]


def cut(blocks: Iterable[Audio], spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, Audio]]:
    """(i, audio [frames, channels]) of every span (first sample, frames), as soon as its last sample has come.

    Holds no more than the spans that are open at a time, which may overlap.

    Raises:
        ValueError: the audio ends more than a hair before a span does.
    """
    waiting = dict(enumerate(spans))
    parts: dict[int, list[Audio]] = {i: [] for i in waiting}
    position = 0
    for block in blocks:
        for i, (first, frames) in list(waiting.items()):
            part = block[max(0, first - position) : max(0, first + frames - position)]
            if len(part):
                parts[i].append(part)
            if first + frames <= position + len(block):
                del waiting[i]
                yield i, np.concatenate(parts.pop(i))
        position += len(block)
    for i, (first, frames) in waiting.items():
        missing = first + frames - position
        if missing > SLACK or not parts[i]:
            raise ValueError(
                f"the audio is {missing / RATE_HZ:.2f} s shorter than the window that starts at sample {first}"
            )
        yield i, np.pad(np.concatenate(parts[i]), ((0, missing), (0, 0)))


def _encoded(blocks: Iterable[Audio], spans: Sequence[tuple[int, int]], codec: Literal["flac", "opus"]) -> list[bytes]:
    encode = {"flac": _flac, "opus": _opus}[codec]
    encoded = {i: encode(audio) for i, audio in cut(blocks, spans)}
    return [encoded[i] for i in range(len(spans))]


def _flac(audio: Audio) -> bytes:
    """16-bit FLAC: the noise of 16 bits lies below what lossy sources and separators leave, at half the size of 24.

    Rounded, not dithered, so that the same audio gives the same bytes.
    """
    import soundfile

    file = io.BytesIO()
    whole = np.clip(np.rint(audio * 32768.0), -32768, 32767).astype(np.int16)
    soundfile.write(file, whole, RATE_HZ, format="FLAC", subtype="PCM_16")
    return file.getvalue()


def _opus(audio: Audio) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "sample.opus"
        ffmpeg.encode(path, [audio], RATE_HZ, "opus")
        return path.read_bytes()
