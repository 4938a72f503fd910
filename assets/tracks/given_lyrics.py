"""Lyrics that came with a file: plain text or LRC, in whatever encoding, from whichever source wins."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from charset_normalizer import from_bytes

from assets.tracks.tags import plain

Origin = Literal["manifest", "lrc", "txt", "tag"]
# Section names in brackets ([Chorus], [Verse 2: all]) are text; only these names are LRC's own.
METADATA = re.compile(r"\[(ti|ar|al|au|by|re|ve|tool|length|offset|la|lang|id|#):([^\]]*)\]\s*$", re.IGNORECASE)
STAMP = re.compile(r"\[(\d{1,3}):(\d{1,2})(?:[.:](\d{1,3}))?\]\s*")
LEADING_STAMPS = re.compile(rf"(?:{STAMP.pattern})*")
WORD_STAMP = re.compile(r"<\d{1,3}:\d{1,2}(?:[.:]\d{1,3})?>")
# What text files were written in before UTF-8, the most usual first.
LEGACY = ("cp1252", "cp1250", "cp1251", "cp932", "gb18030", "big5", "euc_kr", "cp1253", "cp1254", "cp1255", "cp1256")
MOST_LINES = 5_000
MOST_LINE_CHARACTERS = 1_000
MOST_WRITTEN_CHARACTERS = 20_000  # with the stamps of its words


@dataclass(frozen=True, slots=True)
class GivenLine:
    """A line as it was given; `anchor_s` is the time an LRC file puts it at."""

    text: str
    anchor_s: float | None = None


def first_with_lines(sources: Iterable[tuple[Origin, str | None]]) -> tuple[Origin | None, tuple[GivenLine, ...]]:
    """The first source that holds any line, and its lines. Give them in the order of their rank."""
    for origin, text in sources:
        if text and (lines := parse_lyrics(text)):
            return origin, lines
    return None, ()


def parse_lyrics(text: str) -> tuple[GivenLine, ...]:
    """The lines of an LRC or plain text; empty ones are left out.

    In LRC a line counts once for each of its stamps, in the order of the stamps; lines without one stay behind the
    line that they follow. A positive offset makes lines come sooner. Anchors are never negative.
    """
    offset_s, at_s = 0.0, -math.inf
    rows: list[tuple[float, str, bool]] = []
    for written in text.lstrip("\ufeff").splitlines()[: 4 * MOST_LINES]:
        row = plain(written[:MOST_WRITTEN_CHARACTERS]).strip()
        if header := METADATA.match(row):
            if header[1].lower() == "offset" and re.fullmatch(r"\s*[+-]?\d{1,7}\s*", header[2]):
                offset_s = int(header[2]) / 1000
            continue
        stamped = LEADING_STAMPS.match(row)
        assert stamped is not None
        stamps_s = [
            int(minute) * 60 + float(f"{second}.{part or 0}") for minute, second, part in STAMP.findall(stamped[0])
        ]
        sung = " ".join(WORD_STAMP.sub(" ", row[stamped.end() :]).split())[:MOST_LINE_CHARACTERS]
        if sung and stamps_s:
            rows += [(stamp_s, sung, True) for stamp_s in stamps_s]
            at_s = stamps_s[-1]
        elif sung:
            rows.append((at_s, sung, False))
    rows.sort(key=lambda found: found[0])
    lines = [GivenLine(row, max(0.0, stamp_s - offset_s) if stamped else None) for stamp_s, row, stamped in rows]
    return tuple(lines[:MOST_LINES])


def decode_text(data: bytes) -> str:
    """Text of unknown encoding: by its mark, as UTF-8, by guess, and else as Latin-1, which takes anything."""
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    for encoding in ("utf-8", _guess(data)):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def _guess(data: bytes) -> str:
    """The most usual of the encodings that read best."""
    guesses = from_bytes(data[: 64 * 1024], cp_isolation=list(LEGACY))
    best = guesses.best()
    if best is None:
        return "latin-1"
    as_good = [guess for guess in guesses if guess.chaos <= best.chaos and guess.coherence >= best.coherence]
    names = {name for guess in as_good for name in (guess.encoding, *guess.could_be_from_charset)}
    return next((name for name in LEGACY if name in names), best.encoding)
