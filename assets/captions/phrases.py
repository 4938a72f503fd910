"""Text in pieces: its sentences, and the items of a list."""

import re

# After a full stop, before what may begin a sentence; not after an initial, as in "J. S. Bach".
END = re.compile(r"(?<![\s.(][A-Z]\.)(?<=[.!?])[\"'”’)]*\s+(?=[\"'“‘(]?[A-Z0-9])")
AROUND = " \t\n*_#>-–—•·.,;:!\"'“”‘’()[]"
FILLER = re.compile(
    r"(?:(?:the|a|an|some|various|possibly|perhaps|maybe|probably|likely|mainly|mostly|also|with|and|or|featuring)\s+)+"
)
LONGEST_ITEM = 4  # words


def sentences(text: str) -> list[str]:
    """The sentences of a text, each with its full stop; half a one at the end is kept only where it stands alone."""
    found = [part.strip() for part in END.split(" ".join(text.split())) if any(map(str.isalpha, part))]
    if len(found) > 1 and not found[-1].rstrip("\"'”’)").endswith((".", "!", "?")):
        found.pop()
    return [part if part[-1] in ".!?\"'”’)" else f"{part.rstrip(',;:- ')}." for part in found]


def items(text: str, *, split_and: bool = True) -> list[str]:
    """The items of a list in lower case, without articles; those that are no short phrase are left out."""
    lead = re.sub(r"^\W*(?:the )?\w+ (?:is|are|includes?)\b", "", text.strip(), flags=re.IGNORECASE)
    parts = re.split(r"[,;/|\n.]" + (r"|\band\b|\bor\b" if split_and else ""), re.sub(r"\([^)]*\)", " ", lead))
    named = (FILLER.sub("", " ".join(part.lower().strip(AROUND).split()), count=1) for part in parts)
    kept = [item for item in named if re.fullmatch(r"[a-z0-9][a-z0-9 &'+-]*", item)]
    return [item for item in dict.fromkeys(kept) if any(map(str.isalpha, item)) and len(item.split()) <= LONGEST_ITEM]
