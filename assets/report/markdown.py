"""The report's words, as markdown that shows every text as it is."""

import base64
import re
from collections.abc import Iterable, Sequence


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; what is in its cells is never taken for markdown or HTML."""
    lines = [columns, ["---"] * len(columns), *([cell(text) for text in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(text: str) -> str:
    """One line in which all that markdown or HTML might act on is written by its number."""
    return re.sub(r"[^\w\s.,;%–…]|_", lambda found: f"&#{ord(found[0])};", " ".join(text.splitlines()))


def picture(title: str, png: bytes) -> str:
    return f"![{title}](data:image/png;base64,{base64.b64encode(png).decode()})"
