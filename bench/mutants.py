"""Small real audio files of every common kind, and damage done to them; seed and number give the same bytes again."""

import random
import re
import struct
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from resources.child import executable

LENGTH_S = 1.6
# name: how ffmpeg writes it
FORMATS: Mapping[str, tuple[str, ...]] = {
    "id3v23.mp3": ("-c:a", "libmp3lame", "-b:a", "64k", "-id3v2_version", "3", "-write_id3v1", "1"),
    "id3v24.mp3": ("-c:a", "libmp3lame", "-q:a", "6", "-id3v2_version", "4"),
    "bare.mp3": ("-c:a", "libmp3lame", "-b:a", "64k", "-id3v2_version", "0", "-write_xing", "0"),
    "a.flac": ("-c:a", "flac"),
    "a.ogg": ("-c:a", "libvorbis", "-q:a", "1"),
    "a.opus": ("-c:a", "libopus", "-b:a", "48k"),
    "aac.m4a": ("-c:a", "aac", "-b:a", "64k"),
    "alac.m4a": ("-c:a", "alac", "-movflags", "+faststart"),
    "s16.wav": (
        "-c:a",
        "pcm_s16le",
    ),
    "f32.wav": ("-c:a", "pcm_f32le", "-ar", "22050"),
    "a.aiff": ("-c:a", "pcm_s16be", "-write_id3v2", "1"),
    "a.wma": ("-c:a", "wmav2", "-b:a", "64k"),
    "a.mka": ("-c:a", "libvorbis", "-q:a", "1"),
    "a.aac": ("-c:a", "aac", "-b:a", "64k", "-f", "adts"),
}
TAGS = ("-metadata", "title=A Title", "-metadata", "artist=Somebody", "-metadata", "lyrics-eng=one line\nand another")
# Names that stand beside sizes and counts in the files above.
MARKS = re.compile(
    rb"RIFF|fmt |data|LIST|FORM|COMM|SSND|ID3|TAG|APETAGEX|Xing|Info|LAME|TIT2|USLT|fLaC|OggS|vorbis|OpusHead|OpusTags|"
    rb"ftyp|moov|mvhd|trak|mdhd|hdlr|stsd|mp4a|alac|esds|stts|stsc|stsz|stco|mdat|udta|meta|ilst|free|"
    rb"\x30\x26\xb2\x75|\xa1\xdc\xab\x8c|\xb5\x03\xbf\x5f|\x91\x07\xdc\xb7|\x1a\x45\xdf\xa3|\x18\x53\x80\x67|\xff[\xf1\xfb]"
)
EXTREMES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)


def sources(song: Path, folder: Path, start_s: float = 10.0) -> dict[str, bytes]:
    """A stretch of a song in every format, by file name; and an mp3 with an APEv2 tag, which ffmpeg does not write."""
    found = {}
    for name, arguments in FORMATS.items():
        cut = ("-ss", str(start_s), "-t", str(LENGTH_S), "-i", str(song), "-map", "0:a:0", "-ac", "2")
        command = [executable(), "-v", "error", "-nostdin", "-y", *cut, *arguments, *TAGS, str(folder / name)]
        subprocess.run(command, check=True)
        found[name] = (folder / name).read_bytes()
        (folder / name).unlink()
    found["ape.mp3"] = found["bare.mp3"] + ape_tag({"Title": "A Title", "Lyrics": "one line\nand another"})
    return found


def ape_tag(items: Mapping[str, str]) -> bytes:
    body = b"".join(
        struct.pack("<II", len(value.encode()), 0) + name.encode() + b"\0" + value.encode()
        for name, value in items.items()
    )
    ends = [
        struct.pack("<8sIIII8x", b"APETAGEX", 2000, len(body) + 32, len(items), flags)
        for flags in (0xA0 << 24, 0x80 << 24)
    ]
    return ends[0] + body + ends[1]


def mutant(originals: Mapping[str, bytes], seed: int, number: int) -> tuple[str, str, bytes]:
    """The `number`-th mutant of a seed: the file that it was, what was done to it, and what it is now."""
    dice = random.Random(f"{seed} {number}")
    name = sorted(originals)[number % len(originals)]
    data, done = bytearray(originals[name]), []
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        damage = dice.choice(DAMAGES)
        data = bytearray(damage(dice, data, originals) if data else data)
        done.append(damage.__name__)
    return name, "+".join(done), bytes(data)


def flip(dice: random.Random, data: bytearray, _: Mapping[str, bytes]) -> bytes:
    for _number in range(dice.choice((1, 4, 16, 64, 400))):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    return bytes(data)


def overwrite_head(dice: random.Random, data: bytearray, _: Mapping[str, bytes]) -> bytes:
    for _number in range(dice.choice((1, 2, 8))):
        data[dice.randrange(min(len(data), 200))] = dice.randrange(256)
    return bytes(data)


def truncate(dice: random.Random, data: bytearray, _: Mapping[str, bytes]) -> bytes:
    return bytes(data[: dice.randrange(len(data))] if dice.random() < 0.7 else data[dice.randrange(len(data)) :])


def duplicate(dice: random.Random, data: bytearray, _: Mapping[str, bytes]) -> bytes:
    start, end = stretch(dice, data)
    return bytes(data[:end] + data[start:end] * dice.choice((1, 1, 3, 50)) + data[end:])


def blank(dice: random.Random, data: bytearray, _: Mapping[str, bytes]) -> bytes:
    start, end = stretch(dice, data)
    return bytes(data[:start] + bytes([dice.choice((0, 0xFF))]) * (end - start) + data[end:])


def splice(dice: random.Random, data: bytearray, others: Mapping[str, bytes]) -> bytes:
    other = bytearray(others[dice.choice(sorted(others))])
    start, end = stretch(dice, other)
    at = dice.randrange(len(data))
    return bytes(data[:at] + other[start:end] + data[at + dice.choice((0, end - start)) :])


def extreme(dice: random.Random, data: bytearray, _: Mapping[str, bytes]) -> bytes:
    """A number beside a mark, or anywhere in the head, becomes a very small or a very large one."""
    marks = [found.start() for found in MARKS.finditer(data)]
    for _number in range(dice.choice((1, 1, 2, 5))):
        at = dice.choice(marks) + dice.randrange(-8, 40) if marks and dice.random() < 0.8 else dice.randrange(256)
        width = dice.choice((1, 2, 4, 8))
        value = dice.choice(EXTREMES) & ((1 << 8 * width) - 1)
        if 0 <= at <= len(data) - width:
            data[at : at + width] = value.to_bytes(width, dice.choice(("little", "big")))
    return bytes(data)


def reorder(dice: random.Random, data: bytearray, _: Mapping[str, bytes]) -> bytes:
    """The file is cut at some of its marks, and the pieces are put together in another order."""
    marks = sorted(
        dice.sample(found := [m.start() for m in MARKS.finditer(data)], min(len(found), dice.randrange(1, 8)))
    )
    pieces = [data[a:b] for a, b in zip([0, *marks], [*marks, len(data)], strict=True)]
    dice.shuffle(pieces)
    return b"".join(pieces[: dice.choice((len(pieces), max(1, len(pieces) - 1)))])


def stretch(dice: random.Random, data: bytearray) -> tuple[int, int]:
    start = dice.randrange(len(data))
    return start, min(len(data), start + 1 + int(len(data) ** dice.random()))


Damage = Callable[[random.Random, bytearray, Mapping[str, bytes]], bytes]
DAMAGES: tuple[Damage, ...] = (
    flip,
    overwrite_head,
    truncate,
    duplicate,
    blank,
    splice,
    extreme,
    extreme,
    reorder,
)
