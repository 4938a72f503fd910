"""What a file's tags say, made safe to show and to keep."""

import unicodedata
from collections.abc import Mapping

MOST_CHARACTERS = 300
# They turn the text around them over: a name can be made to read as another one.
TURNING = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
LYRICS_TAGS = ("lyrics", "unsyncedlyrics", "unsynced lyrics", "uslt", "wm/lyrics", "lyric")


def clean(text: str | None, most: int = MOST_CHARACTERS) -> str | None:
    """One line of at most `most` characters without control characters; None where nothing is left."""
    if not text:
        return None
    return " ".join(plain(text[: most * 4]).split())[:most].strip() or None


def plain(text: str) -> str:
    """Text without what acts on a terminal or a page: control characters and line ends become spaces, and marks that
    turn text over are dropped."""
    turned = text.translate(TURNING)
    return "".join(" " if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") else c for c in turned)


def lyrics_of(tags: Mapping[str, str]) -> str | None:
    """The lyrics among a file's tags; ID3 appends the language (lyrics-eng)."""
    for name, value in tags.items():
        if (name in LYRICS_TAGS or name.startswith("lyrics-")) and value.strip():
            return value
    return None
