"""What a file's tags say, made safe to show and to keep."""

import unicodedata
from collections.abc import Mapping

MOST_CHARACTERS = 300
LYRICS_TAGS = ("lyrics", "unsyncedlyrics", "unsynced lyrics", "uslt", "wm/lyrics", "lyric")


def clean(text: str | None, most: int = MOST_CHARACTERS) -> str | None:
    """One line of at most `most` characters without control characters; None where nothing is left."""
    if not text:
        return None
    kept = "".join(" " if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") else c for c in text[: most * 4])
    return " ".join(kept.split())[:most].strip() or None


def lyrics_of(tags: Mapping[str, str]) -> str | None:
    """The lyrics among a file's tags; ID3 appends the language (lyrics-eng)."""
    for name, value in tags.items():
        if (name in LYRICS_TAGS or name.startswith("lyrics-")) and value.strip():
            return value
    return None
