"""What a file says it is: container, codec, rate, channels, length and tags, read by ffmpeg in a child process."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import ffmpeg

from assets.tables import Reason, Rejected
from resources.child import Child, DecodeError, Limits
from resources.ffmpeg import opened, sound_file

RATES_HZ = range(4_000, 768_001)
MOST_CHANNELS = 64
MOST_TAG_BYTES = 4 << 20
INPUT = re.compile(r"^Input #0, (.+), from 'fd:':", re.MULTILINE)
DURATION = re.compile(r"^  Duration: (\d+):(\d+):(\d+(?:\.\d+)?)", re.MULTILINE)
AUDIO = re.compile(r"^  Stream #0:\d+\S*: Audio: (\w+)(.*)$", re.MULTILINE)
# Protected MP4: FairPlay's sample entry, or an encrypted one with its scheme. And the encryption object of ASF.
PROTECTED_BOXES = re.compile(rb"drms|enca.{0,400}sinf", re.DOTALL)
PROTECTED_ASF = bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e")


@dataclass(frozen=True, slots=True)
class Probe:
    """What the header says. `duration_s` is None where it says nothing, or only what follows from the size."""

    container: str
    codec: str
    sample_rate_hz: int
    channels: int
    duration_s: float | None
    tags: dict[str, str]


def probe(path: Path, limits: Limits) -> Probe:
    """The header and tags of the first audio stream of a file.

    Raises:
        DecodeError: ffmpeg finds no audio in it, or cannot open it.
        Rejected: drm, or a sample rate or number of channels that no music has.
    """
    with opened(path) as file:
        if protected(file):
            raise Rejected(Reason.DRM, "the file is encrypted by its seller")
        file.seek(0)
        # Ogg keeps its tags with the stream, the others with the file: both are asked for, one after the other.
        whole, stream = (sound_file().output("pipe:1", format="ffmetadata", map_metadata=of) for of in ("0", "0:s:a:0"))
        arguments = ["-loglevel", "info", *ffmpeg.merge_outputs(whole, stream).get_args()]
        said = bytearray()
        with Child(arguments, limits, stdin=file) as child:
            while data := child.read():
                said += data[: MOST_TAG_BYTES - len(said)]
            try:
                child.finish()
            except DecodeError as error:
                # Without an audio stream ffmpeg fails too: on the tags it cannot find.
                if error.reason == "corrupt" and not AUDIO.search(child.log):
                    raise DecodeError("not_audio", error.message) from error
                raise
            log = child.log
    kind, audio = INPUT.search(log), AUDIO.search(log)
    if kind is None or audio is None:
        raise DecodeError("not_audio", "ffmpeg names no audio stream")
    codec, about = audio[1], audio[2]
    rate = re.search(r" (\d+) Hz, ([^,]+)", about)
    if codec == "none" or "(drms" in about:
        raise Rejected(Reason.DRM if "(drms" in about else Reason.NOT_AUDIO, f"no decoder for{about[:60]}")
    sample_rate_hz, channels = (int(rate[1]), channels_of(rate[2])) if rate else (0, 0)
    if sample_rate_hz not in RATES_HZ:
        raise Rejected(Reason.ODD_RATE, f"{sample_rate_hz} Hz")
    if not 1 <= channels <= MOST_CHANNELS:
        raise Rejected(Reason.ODD_CHANNELS, f"{channels} channels")
    return Probe(kind[1].split(",")[0], codec, sample_rate_hz, channels, _stated_s(log), parse_tags(bytes(said)))


def protected(file: IO[bytes]) -> bool:
    """Whether an MP4 or ASF file is encrypted: read from its own boxes, since a decoder would only find noise."""
    head = file.read(64)
    if head[:4] == bytes.fromhex("3026b275"):
        return PROTECTED_ASF in head + file.read(64 * 1024)
    if head[4:8] != b"ftyp":
        return False
    file.seek(0, 2)
    end, at = file.tell(), 0
    for _ in range(64):
        file.seek(at)
        box = file.read(16)
        size = int.from_bytes(box[:4], "big")
        size = int.from_bytes(box[8:16], "big") if size == 1 else size or end - at
        if box[4:8] == b"moov":
            return PROTECTED_BOXES.search(box + file.read(min(size, 16 << 20))) is not None
        if size < 8 or (at := at + size) >= end:
            return False
    return False


def channels_of(layout: str) -> int:
    """The number of channels of ffmpeg's name of a layout: mono, stereo, 5.1(side), 3 channels, quad."""
    layout = layout.strip().split("(")[0].strip()
    named = {"mono": 1, "stereo": 2, "downmix": 2, "binaural": 2, "quad": 4, "hexagonal": 6, "octagonal": 8, "cube": 8}
    if layout in named:
        return named[layout]
    if counted := re.match(r"(\d+) channels", layout):
        return int(counted[1])
    if parts := re.fullmatch(r"(\d+)\.(\d+)(?:\.(\d+))?", layout):
        return sum(int(part or 0) for part in parts.groups())
    return 16 if layout == "hexadecagonal" else 0


def parse_tags(data: bytes) -> dict[str, str]:
    """ffmpeg's `ffmetadata` text as lower-case names and values; the first of several equal names counts."""
    tags: dict[str, str] = {}
    text = data.decode("utf-8", "replace")
    for name, value in re.findall(r"^((?:[^=;#\\\n]|\\.)+)=((?:[^\\\n]|\\.)*)$", text, re.MULTILINE | re.DOTALL):
        plain = re.sub(r"\\(.)", r"\1", value, flags=re.DOTALL)
        tags.setdefault(re.sub(r"\\(.)", r"\1", name, flags=re.DOTALL).strip().lower(), plain)
    return tags


def _stated_s(log: str) -> float | None:
    found = DURATION.search(log)
    if found is None or "Estimating duration from bitrate" in log:
        return None
    return int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3])
