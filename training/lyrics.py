"""Lyrics as a person writes them: a line a row, the name of a section in brackets before its first line."""

import re

from training.request import AskedLine

SECTION = re.compile(r"\[([^\[\]]*)\]")


def read_lyrics(text: str) -> tuple[AskedLine, ...]:
    """The lines, without times. Empty rows count for nothing; a section holds until the next one is named.

    Raises:
        ValueError: there is no line in it.
    """
    lines, section = [], ""
    for row in (row.strip() for row in text.lstrip("\ufeff").splitlines()):
        if heading := SECTION.fullmatch(row):
            section = heading[1].strip()
        elif row:
            lines.append(AskedLine(row, section=section))
    if not lines:
        raise ValueError("there are no lyrics in it: write a line a row")
    return tuple(lines)
