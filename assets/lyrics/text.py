"""Lyrics as printed, and as an acoustic model spells them, with the way back from one to the other."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SECTIONS = "intro|outro|verse|strophe|couplet|(?:pre-?|post-?)?chorus|refrain|hook|bridge|interlude|instrumental"
TAG = re.compile(r"\[[^\]]*\]|\{[^}]*\}")  # never sung: [Chorus], [Verse 2: a singer]
HEADING = re.compile(rf"[(*#\s]*(?:{SECTIONS})\s*(?:\d+|[ivx]+)?\s*(?:[x×]\s*\d+)?\s*[:.)*]*", re.IGNORECASE)
TIMES = re.compile(r"[(\[{]?\s*(?:[x×]\s*(\d{1,2})|(\d{1,2})\s*[x×])\s*[)\]}]?\s*$", re.IGNORECASE)
MOST_REPEATS = 8
LETTERS = str.maketrans(
    {"’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'", "ø": "o", "æ": "ae", "œ": "oe", "đ": "d", "ð": "d", "þ": "th"}
    | {"ł": "l", "ı": "i", "&": " and ", "@": " at ", "%": " percent ", "+": " plus ", "$": " dollar "}
)
NUMBER = re.compile(r"(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d+))?(st|nd|rd|th|s)?(?![a-z]*\d)")
LONGEST_NUMBER = 15  # digits; what is longer is read digit by digit


@dataclass(frozen=True, slots=True)
class SungLine:
    """A line that is sung: its text and words as printed. `anchor_s` is when an .lrc file says that it starts."""

    text: str
    words: tuple[str, ...]
    anchor_s: float | None = None


def sung_lines(lines: Iterable[tuple[str, float | None]]) -> list[SungLine]:
    """What is sung of printed lines with their anchors: no section tags or headings, a line marked (x2) twice.

    Of a repeated line the first copy alone keeps the anchor.
    """
    sung = []
    for printed, anchor_s in lines:
        text, repeats = _repeats(printed)
        text = " ".join(TAG.sub(" ", text).split())
        words = tuple(token for token in text.split() if any(map(str.isalnum, token)) or "&" in token)
        if not words or HEADING.fullmatch(text):
            continue
        sung += [SungLine(text, words, anchor_s if copy == 0 else None) for copy in range(repeats)]
    return sung


def _repeats(printed: str) -> tuple[str, int]:
    mark = TIMES.search(printed)
    if mark is None:
        return printed, 1
    times = int(mark[1] or mark[2])
    return printed[: mark.start()], min(max(times, 1), MOST_REPEATS)


def spell(word: str, symbols: Sequence[str], language: str = "en") -> tuple[int, ...]:
    """A printed word as indices into a model's symbols; empty where the model knows none of its letters.

    Case is folded, accents are dropped, numbers become the words one says in `language`.
    """
    index = {symbol: i for i, symbol in enumerate(symbols) if i > 0 and len(symbol) == 1 and symbol != " "}
    exact = unicodedata.normalize("NFC", word).casefold()
    if any(letter in index for letter in exact if not letter.isascii()):
        return _letters(exact, index)
    return _letters(plain(word, language), index)


def plain(word: str, language: str = "en") -> str:
    """A printed word in lower-case letters, apostrophes inside it kept: `Déjà-vu,` is `dejavu`, `4th` is `fourth`."""
    decomposed = unicodedata.normalize("NFKD", word.casefold().translate(LETTERS))
    folded = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    spoken = NUMBER.sub(lambda number: f" {_spoken(number, language)} ", folded)
    return "".join(letter for letter in spoken if letter.isalnum() or letter == "'").strip("'")


def _letters(text: str, index: dict[str, int]) -> tuple[int, ...]:
    return tuple(index[letter] for letter in text.strip("'") if letter in index)


def _spoken(number: re.Match[str], language: str) -> str:
    from num2words import num2words

    whole, decimals, suffix = number[1].replace(",", ""), number[2], number[3]
    if len(whole) > LONGEST_NUMBER:
        return " ".join(_spoken(digit, language) for digit in NUMBER.finditer(" ".join(whole)))
    value = float(f"{whole}.{decimals}") if decimals else int(whole)
    kind = "cardinal"
    if suffix in ("st", "nd", "rd", "th"):
        kind = "ordinal"
    elif not decimals and len(whole) == 4 and "1100" <= whole <= "2099" and "," not in number[1]:
        kind = "year"
    try:
        said = num2words(value, to=kind, lang=language)
    except (NotImplementedError, OverflowError):  # a language, or a form in it, that the library does not have
        said = num2words(value, to="cardinal", lang="en")
    decomposed = unicodedata.normalize("NFKD", str(said).casefold())
    said = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    if suffix != "s":
        return said
    return f"{said[:-1]}ies" if said.endswith("y") else f"{said}s"
