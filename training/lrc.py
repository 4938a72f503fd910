"""Lines with their times as an LRC file that a person can edit, and such a file as lines again.

    [length:00:33.87]
    [la:en]
    [Verse]
    [00:07.92]we were dreaming in the rain
    [00:11.38]
    show me the memory and the chain

A line is sung from its stamp to the next one; a stamp alone ends the line before it. The name of a section stands in
brackets and holds until the next. A line without a stamp is free. So to change a song's times, move the stamps that
matter, take away those of the lines that may follow, and have these timed again.
"""

import re
from dataclasses import replace
from itertools import pairwise

from training.request import AskedLine, Request

CLOCK = r"(\d{1,4}):([0-5]?\d)(?:[.:](\d{1,3}))?"
STAMP = re.compile(rf"\[\s*{CLOCK}\s*\]\s*")
WORD_STAMP = re.compile(rf"<{CLOCK}>")
NO_WORD_TIME = re.compile(r"<\s*[\d.-]*:[\d.:-]*\s*>")
TAG = re.compile(r"\[\s*(length|la|offset|ti|ar|al|au|by|re|ve|tool|id|#)\s*:([^\]]*)\]", re.IGNORECASE)
SECTION = re.compile(r"\[([^\[\]]*)\]")
NO_TIME = re.compile(r"\[\s*-?(?:\d*:|\d+\.[\d.:]*\s*\])")
LONGEST_S = 9999 * 60.0


def write_lrc(request: Request) -> str:
    """The song's length, language and lines, times in hundredths of a second.

    Raises:
        ValueError: a line, a section or a language that would be read back as something else; times that are half
            there, go backwards, or are outside the song; a song longer than `LONGEST_S`.
    """
    if not 0 <= request.duration_s <= LONGEST_S:
        raise ValueError(f"an LRC is of a song of up to {LONGEST_S:g} s, got one of {request.duration_s} s")
    if request.language and (request.language.split() != [request.language] or "]" in request.language):
        raise ValueError(f"the language {request.language!r} is no code that an LRC can hold: write it as en")
    out = [f"[length:{clock(request.duration_s)}]", *([f"[la:{request.language}]"] if request.language else [])]
    section, at = "", 0.0
    for number, line in enumerate(request.lines, 1):
        _check_writable(number, line)
        if line.section != section:
            section = line.section
            out.append(f"[{section}]")
        if line.start_s is None or line.end_s is None:
            out.append(line.text)
            continue
        if not at <= line.start_s <= line.end_s <= request.duration_s:
            raise ValueError(f"line {number} ({line.text!r}) is not after the line before it and inside the song")
        at = line.end_s
        out.append(f"[{clock(line.start_s)}]{line.text}")
        follower = request.lines[number] if number < len(request.lines) else None
        until_s = follower.start_s if follower else request.duration_s
        if until_s is None or clock(until_s) != clock(line.end_s):
            out.append(f"[{clock(line.end_s)}]")
    return "\n".join(out) + "\n"


def read_lrc(text: str) -> Request:
    """The song's length, language and lines; what is to be heard besides is left open.

    Lines of players' files may hold a time for each word (<00:12.34>): one at the end is where the line ends. A
    positive offset makes lines come sooner.

    Raises:
        ValueError: no LRC, or one in which a line's time cannot be told, is out of order or outside the song; it says
            which row of the file is at fault.
    """
    tags: dict[str, str] = {}
    lines: list[AskedLine] = []
    rows: list[int] = []  # in which each line stands
    section, last_s = "", 0.0
    for number, written in enumerate(text.lstrip("\ufeff").splitlines(), 1):
        row = written.strip()
        if tag := TAG.fullmatch(row):
            tags[tag[1].lower()] = tag[2].strip()
        elif stamp := STAMP.match(row):
            at_s = _seconds(stamp)
            if at_s < last_s:
                raise ValueError(
                    f"row {number} of the LRC: {stamp[0].strip()} is before {clock(last_s)}: order the rows"
                )
            _end(lines, at_s)
            line = _line(number, row[stamp.end() :], at_s, section)
            last_s = at_s if line.end_s is None else line.end_s
            if line.text:
                lines.append(line)
                rows.append(number)
        elif NO_TIME.match(row):
            raise ValueError(f"row {number} of the LRC: {row[:20]!r} is no time: write it as [mm:ss.xx]")
        elif heading := SECTION.fullmatch(row):
            section = heading[1].strip()
        elif row:
            if lines and lines[-1].start_s is not None and lines[-1].end_s is None:
                raise ValueError(
                    f"row {number} of the LRC has no time, so the line before it has no end: put one between them, "
                    "as a stamp alone"
                )
            lines.append(AskedLine(row, section=section))
            rows.append(number)
    if "length" not in tags:
        raise ValueError(
            "this is no LRC with a length: write [length:mm:ss.xx], how long the song is, in its first row"
        )
    duration_s = _length(tags["length"])
    _end(lines, duration_s)
    lines = _sooner(lines, tags.get("offset", ""))
    for number, line in zip(rows, lines, strict=True):
        _check_inside(number, line, duration_s)
    return Request(duration_s, lines=tuple(lines), language=tags.get("la") or None)


def clock(seconds: float) -> str:
    """Minutes, seconds and hundredths: 01:02.50."""
    hundredths = round(seconds * 100)
    return f"{hundredths // 6000:02d}:{hundredths // 100 % 60:02d}.{hundredths % 100:02d}"


def _line(number: int, sung: str, start_s: float, section: str) -> AskedLine:
    if STAMP.match(sung):
        raise ValueError(f"row {number} of the LRC has two times: write the line twice, each where it is sung")
    words = list(WORD_STAMP.finditer(sung))
    times_s = [start_s, *map(_seconds, words)]
    if any(after_s < before_s for before_s, after_s in pairwise(times_s)):
        raise ValueError(f"row {number} of the LRC: the times of its words go backwards: order them, or take them out")
    if wrong := NO_WORD_TIME.search(WORD_STAMP.sub(" ", sung)):
        raise ValueError(f"row {number} of the LRC: {wrong[0][:20]!r} is no time: write it as <mm:ss.xx>")
    end_s = times_s[-1] if words and not sung[words[-1].end() :].strip() else None
    text = " ".join(WORD_STAMP.sub(" ", sung).split())
    return AskedLine(text, start_s, end_s, section)


def _end(lines: list[AskedLine], at_s: float) -> None:
    if lines and lines[-1].start_s is not None and lines[-1].end_s is None:
        lines[-1] = replace(lines[-1], end_s=at_s)


def _sooner(lines: list[AskedLine], offset_ms: str) -> list[AskedLine]:
    if not offset_ms:
        return lines
    if not re.fullmatch(r"[+-]?\d{1,7}", offset_ms):
        raise ValueError(f"the LRC's offset {offset_ms[:20]!r} is no number of milliseconds")
    offset_s = int(offset_ms) / 1000
    return [
        replace(line, start_s=max(0.0, round(line.start_s - offset_s, 3)), end_s=round(line.end_s - offset_s, 3))
        if line.start_s is not None and line.end_s is not None
        else line
        for line in lines
    ]


def _check_inside(number: int, line: AskedLine, duration_s: float) -> None:
    if line.start_s is None or line.end_s is None or 0 <= line.start_s <= line.end_s <= duration_s:
        return
    span = "before the song" if line.end_s < 0 else f"from {clock(line.start_s)} to {clock(line.end_s)}"
    raise ValueError(
        f"row {number} of the LRC: {line.text[:40]!r} is sung {span}, and the song is from 00:00.00 to "
        f"{clock(duration_s)}: move it, or change the length or the offset"
    )


def _length(written: str) -> float:
    stamp = re.fullmatch(CLOCK, written)
    if stamp is None:
        raise ValueError(f"the LRC's length {written[:20]!r} is no time: write it as mm:ss.xx")
    return _seconds(stamp)


def _seconds(stamp: re.Match[str]) -> float:
    return round(int(stamp[1]) * 60 + float(f"{stamp[2]}.{stamp[3] or 0}"), 3)


def _holds_time(text: str) -> bool:
    return bool(WORD_STAMP.search(text) or NO_WORD_TIME.search(text))


def _check_writable(number: int, line: AskedLine) -> None:
    if (line.start_s is None) != (line.end_s is None):
        raise ValueError(f"line {number} ({line.text!r}) has one of its times and not the other")
    if not line.text or line.text != " ".join(line.text.split()) or line.text[0] == "[" or _holds_time(line.text):
        raise ValueError(f"line {number} ({line.text!r}) is no line of an LRC: spaces, or a sign of the format's own")
    heading = f"[{line.section}]"
    if line.section and (
        not SECTION.fullmatch(heading)
        or NO_TIME.match(heading)
        or TAG.fullmatch(heading)
        or line.section.split() != line.section.split(" ")
    ):
        raise ValueError(f"the section {line.section!r} of line {number} is no name that an LRC can hold")
