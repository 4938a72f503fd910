"""A listener's answer, read."""

import re
from dataclasses import dataclass

from assets.captions.phrases import AROUND, items, sentences

LABELS = {
    "genre": r"(?:musical )?(?:genres?|styles?)",
    "mood": r"moods?(?: and atmosphere)?|atmosphere|emotions?",
    "instruments": r"instruments?(?: used| heard)?|instrumentation",
    "vocals": r"vocals?(?: style)?|voices?|singing",
    "tempo": r"tempo(?: feel)?(?: and rhythm)?|rhythm|pace",
    "production": r"production(?: style| quality)?|recording|mix",
    "description": r"(?:overall )?(?:description|summary|caption|impression)",
}
ANY = "|".join(f"(?P<{name}>{pattern})" for name, pattern in LABELS.items())
# At the start of a line or after the end of what came before, whatever stars, dashes or numbers are around it; as a
# heading it may also stand on a line of its own.
LABEL = re.compile(
    rf"(?:^|(?<=[.;|\n]))[^\w\n]*(?:\d+[.)][^\w\n]*)?(?:{ANY})[*_ ]*(?::[*_]*|$)", re.IGNORECASE | re.MULTILINE
)
NOTHING = {"", "none", "n/a", "na", "unknown", "not specified", "unspecified", "not applicable", "unclear", "no"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a listener says of a stretch of music; empty where it says nothing."""

    genre: tuple[str, ...] = ()
    mood: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()
    vocals: str = ""
    tempo: str = ""
    production: str = ""
    description: tuple[str, ...] = ()  # sentences


def read_answer(text: str) -> Answer:
    """An answer in labelled lines, in any order, with any missing, in whatever markdown; text without a label is taken
    for a description."""
    found = {"description": ""}
    marks = list(LABEL.finditer(text))
    for i, mark in enumerate(marks):
        name, is_last = mark.lastgroup or "", i + 1 == len(marks)
        value = text[mark.end() : len(text) if is_last else marks[i + 1].start()].strip()
        if name != "description":  # one line; what follows the last one belongs to no label
            value, _, rest = value.partition("\n")
            found["description"] += rest if is_last else ""
        found[name] = found.get(name) or value
    if not marks:
        found["description"] = text
    plain = {name: value if said(value) else "" for name, value in found.items()}
    return Answer(
        genre=_listed(plain.get("genre", ""), split_and=False),
        mood=_listed(plain.get("mood", "")),
        instruments=_listed(plain.get("instruments", "")),
        vocals=_line(found.get("vocals", "")),  # "none" says something here
        tempo=_line(plain.get("tempo", "")),
        production=_line(plain.get("production", "")),
        description=tuple(s for s in sentences(_unmarked(plain["description"])) if len(s.split()) >= 3),
    )


def said(value: str) -> bool:
    return value.lower().strip(AROUND) not in NOTHING


def _listed(value: str, *, split_and: bool = True) -> tuple[str, ...]:
    return tuple(item for item in items(_unmarked(value), split_and=split_and) if item not in NOTHING)


def _line(value: str) -> str:
    return " ".join(_unmarked(value).split()).strip(AROUND)


def _unmarked(text: str) -> str:
    """Without markdown: stars, backticks, the dashes and numbers of lists."""
    return re.sub(r"(?m)^\s*(?:[-•>#]+|\d+[.)])\s+|[*`]|__", "", text)
