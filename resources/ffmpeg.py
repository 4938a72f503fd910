"""Audio from the outside and back, through ffmpeg.

A file is handed over as an open descriptor, never as a name: so no name can be taken for an option or a protocol, and a
playlist cannot reach any other file.
"""

import errno
import hashlib
import os
import re
import stat
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import IO, Any, Literal
from urllib.parse import unquote_to_bytes, urlsplit

import ffmpeg
import numpy as np

from resources.child import LIMITS, Child, DecodeError, Limits

__all__ = [
    "LIMITS",
    "DecodeError",
    "Limits",
    "decode",
    "decode_mono",
    "encode",
    "first_audio",
    "local_path",
    "opened",
    "sound_file",
]

# Without dates, versions and random serial numbers in the file, so that the same audio gives the same bytes.
BITEXACT = {"map_metadata": -1, "fflags": "+bitexact", "flags:a": "+bitexact", "threads": 1}
CANCELLED = 0.01  # a mean so much weaker than the difference is what is left of a track with one channel turned over
CODECS: dict[str, dict[str, Any]] = {
    "flac": {"format": "flac", "acodec": "flac", "sample_fmt": "s32", "bits_per_raw_sample": 24},
    "opus": {"format": "ogg", "acodec": "libopus", "audio_bitrate": "160k"},
    # What every browser plays; the index at the front, so that it plays while it loads.
    "aac": {"format": "ipod", "acodec": "aac", "audio_bitrate": "96k", "movflags": "+faststart"},
}


def local_path(uri: str) -> Path:
    """The path that a file: uri or a plain path names.

    Raises:
        ValueError: a uri of another kind, or of another machine.
    """
    if not uri.startswith("file://"):
        if re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", uri):
            raise ValueError(f"not a local file: {uri}")
        return Path(uri)
    host = urlsplit(uri).netloc
    if host not in ("", "localhost"):
        raise ValueError(f"not a file of this machine: {uri}")
    return Path(os.fsdecode(unquote_to_bytes(uri.removeprefix(f"file://{host}"))))


@contextmanager
def opened(path: Path, sha256: str | None = None) -> Iterator[IO[bytes]]:
    """`path` open for reading, if it is an ordinary file with something in it; with `sha256`, only that very content.

    Raises:
        DecodeError: missing, unreadable, empty, (a folder, a pipe, a device) not_audio, or (other content) replaced.
    """
    try:
        # Without O_NONBLOCK, to open a named pipe is to wait for its writer for ever.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except ValueError as error:
        raise DecodeError("missing", str(error)) from error
    except OSError as error:
        gone = error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG)
        raise DecodeError("missing" if gone else "unreadable", error.strerror or str(error)) from error
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise DecodeError("not_audio", "not an ordinary file")
        if status.st_size == 0:
            raise DecodeError("empty", "zero bytes")
        with os.fdopen(handle, "rb", buffering=0, closefd=False) as file:
            if sha256 is not None and hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                raise DecodeError("replaced", f"{path.name} is no longer the file that was measured: ingest it again")
            file.seek(0)
            yield file
    finally:
        os.close(handle)


def sound_file() -> Any:
    """The file on descriptor 0 as an input of a graph; its pictures, subtitles and data are never decoded.

    Where rate or channels change on the way (that is damage: no codec of music does it), it fails: built anew for each
    change, a graph would lose samples, and how many would depend on what it does.
    """
    only_sound = {"vn": None, "sn": None, "dn": None, "reinit_filter": 0}
    return ffmpeg.input("fd:", fd=0, protocol_whitelist="fd,pipe", threads=1, **only_sound)


def first_audio() -> Any:
    """Its first audio stream."""
    return sound_file()["a:0"]


def decode(
    path: Path,
    rate_hz: int,
    channels: int,
    *,
    start_s: float = 0.0,
    duration_s: float | None = None,
    sha256: str | None = None,
    limits: Limits = LIMITS,
) -> Iterator[np.ndarray]:
    """The first audio stream as float32 [rate_hz, channels] blocks of a second (the last shorter), channels 1 or 2.

    A stretch is cut by counting samples after a decode from the beginning, so it equals that slice of the whole
    whatever the container's index says. Mono is copied to both sides at its level; samples not finite come as zero.
    With `sha256`, only a file of that content is decoded.

    Raises:
        DecodeError: what is wrong with the file; blocks that came before it are good.
    """
    if channels not in (1, 2):
        raise ValueError(f"channels must be 1 or 2, got {channels}")
    audio = first_audio().filter("aresample", rate_hz, resampler="soxr")
    # ffmpeg would take 3 dB off a mono file made stereo, so mono stays mono here and is doubled below.
    audio = audio.filter("aformat", sample_fmts="flt", channel_layouts="mono" if channels == 1 else "mono|stereo")
    if start_s > 0 or duration_s is not None:
        first = round(start_s * rate_hz)
        cut = {} if duration_s is None else {"end_sample": first + round(duration_s * rate_hz)}
        audio = audio.filter("asetpts", f"N/{rate_hz}/TB").filter("atrim", start_sample=first, **cut)
    # A wav header comes first, to tell how many channels there are.
    graph = audio.output("pipe:1", format="wav", acodec="pcm_f32le", **BITEXACT)
    with opened(path, sha256) as file:
        yield from _blocks(file, ["-loglevel", "error", *graph.get_args()], rate_hz, channels, limits)


def decode_mono(
    path: Path, rate_hz: int, *, start_s: float = 0.0, duration_s: float | None = None, sha256: str | None = None
) -> np.ndarray:
    """A stretch in memory as float32 [samples]: the mean of both channels, or half their difference where they cancel.

    Raises:
        DecodeError: what is wrong with the file.
    """
    blocks = list(decode(path, rate_hz, 2, start_s=start_s, duration_s=duration_s, sha256=sha256))
    both = np.concatenate([np.zeros((0, 2), np.float32), *blocks])
    middle, side = (both[:, 0] + both[:, 1]) / 2, (both[:, 0] - both[:, 1]) / 2
    cancelled = np.square(middle, dtype=np.float64).sum() < CANCELLED * np.square(side, dtype=np.float64).sum()
    return side if cancelled else middle


def _blocks(file: IO[bytes], arguments: list[str], rate_hz: int, channels: int, limits: Limits) -> Iterator[np.ndarray]:
    with Child(arguments, limits, stdin=file) as child:
        held = bytearray()
        while (at := held.find(b"data")) < 0 or len(held) < at + 8:
            if not (more := child.read()):
                child.finish()
                raise DecodeError("corrupt", "nothing decodes")
            held += more
        found = int.from_bytes(held[22:24], "little")
        del held[: at + 8]
        second, seconds_left = 4 * found * rate_hz, limits.output_s
        while more := child.read():
            held += more
            while len(held) >= second:
                if (seconds_left := seconds_left - 1) < 0:
                    raise DecodeError("decoder_limit", f"more than {limits.output_s:.0f} s of audio")
                yield _block(bytes(held[:second]), found, channels)
                del held[:second]
        if held:
            yield _block(bytes(held), found, channels)
        child.finish()


def _block(data: bytes, found: int, channels: int) -> np.ndarray:
    block = np.repeat(np.frombuffer(data, np.float32).reshape(-1, found), channels // found, axis=1)
    return block if np.isfinite(block).all() else np.nan_to_num(block, nan=0.0, posinf=0.0, neginf=0.0)


def encode(
    path_out: Path,
    blocks: Iterable[np.ndarray],
    rate_hz: int,
    codec: Literal["flac", "opus", "aac"] = "flac",
    *,
    tags: Mapping[str, str] | None = None,
    limits: Limits = LIMITS,
) -> None:
    """Write float [n, channels] blocks as 24-bit FLAC, as Opus in Ogg or as AAC in MP4; values over 1 are clipped.

    The same blocks and tags give the same bytes. `path_out` grows as the blocks come: write it elsewhere and move it
    when done.

    Raises:
        DecodeError: ffmpeg failed.
        ValueError: no blocks at all.
    """
    blocks = iter(blocks)
    first = next(blocks, None)
    if first is None:
        raise ValueError("no blocks to encode")
    layout = {1: "mono", 2: "stereo"}[first.shape[1]]
    audio = ffmpeg.input("pipe:0", format="f32le", ar=rate_hz, ch_layout=layout, probesize=32, threads=1)
    graph = audio.output("file:", **CODECS[codec], **BITEXACT)
    # The name is put in last: the graph's own hash fails on one that is not UTF-8.
    told = [part for name, text in (tags or {}).items() for part in ("-metadata", f"{name}={text}")]
    arguments = ["-y", "-loglevel", "error", *graph.get_args()[:-1], *told, f"file:{path_out}"]
    with Child(arguments, limits, stdin=subprocess.PIPE, writes_file=True) as child:
        for block in chain([first], blocks):
            if not child.write(np.ascontiguousarray(block, np.float32).tobytes()):
                break
        child.finish()
