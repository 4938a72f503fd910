"""Lyrics as printed, and as an acoustic model spells them, with the way back from one to the other."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

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


# Written without spaces, one sign a syllable (with the small signs that belong to the one before): each is a word.
HAN = "\u3005\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
KANA, SMALL = "\u3041-\u30fa", "ぁぃぅぇぉゃゅょゎァィゥェォャュョヮー\u3099\u309a"
SYLLABLE = re.compile(rf"[{HAN}{KANA}][{SMALL}]*")


@dataclass(frozen=True, slots=True)
class SungLine:
    """A line that is sung: its text and words as printed. `anchor_s` is when an .lrc file says that it starts.

    `backing` says of each word whether it stands in parentheses: backing singers have it, perhaps while the lead goes
    on, perhaps not at all. Empty where none does.
    """

    text: str
    words: tuple[str, ...]
    anchor_s: float | None = None
    backing: tuple[bool, ...] = ()

    @property
    def parts(self) -> list[tuple[int, int]]:
        """The first word, and the one after the last, of each run of words that the same singers have."""
        of_backing = self.backing or (False,) * len(self.words)
        edges = [i for i in range(1, len(self.words)) if of_backing[i] != of_backing[i - 1]]
        return list(pairwise([0, *edges, len(self.words)]))

    def of(self, first: int, last: int) -> "SungLine":
        """The words [first, last) as a line of their own; the anchor is the first word's."""
        words, backing = self.words[first:last], self.backing[first:last]
        return SungLine(" ".join(words), words, self.anchor_s if first == 0 else None, backing)


def sung_lines(lines: Iterable[tuple[str, float | None]]) -> list[SungLine]:
    """What is sung of printed lines with their anchors: no section tags or headings, a line marked (x2) twice.

    Of a repeated line the first copy alone keeps the anchor.
    """
    sung = []
    for printed, anchor_s in lines:
        text, repeats = _repeats(printed)
        text = " ".join(TAG.sub(" ", text).split())
        words, backing = _words(text)
        if not words or HEADING.fullmatch(text):
            continue
        sung += [SungLine(text, words, anchor_s if copy == 0 else None, backing) for copy in range(repeats)]
    return sung


def _words(text: str) -> tuple[tuple[str, ...], tuple[bool, ...]]:
    """The words of a line, and of each whether it stands in parentheses; what has no letter or figure is none."""
    words: list[str] = []
    backing: list[bool] = []
    open_ = 0
    for token in text.split():
        opens, closes = (sum(token.count(sign) for sign in signs) for signs in ("(（", ")）"))
        inside = open_ + opens > 0
        open_ = max(0, open_ + opens - closes)
        for word in _split(token):
            if any(map(str.isalnum, word)) or "&" in word:
                words.append(word)
                backing.append(inside)
    return tuple(words), tuple(backing) if any(backing) else ()


def _split(token: str) -> list[str]:
    """A token whole, or at its Chinese and Japanese signs; what stands before and after them stays with them."""
    begins = [match.start() for match in SYLLABLE.finditer(token)]
    ends = [match.end() for match in SYLLABLE.finditer(token)]
    edges = sorted({0, *begins, *(end for end in ends if end < len(token) and token[end].isalnum()), len(token)})
    pieces = [token[a:b] for a, b in pairwise(edges)]
    if len(pieces) > 1 and not any(map(str.isalnum, pieces[0])):
        pieces[:2] = [pieces[0] + pieces[1]]
    return pieces


def _repeats(printed: str) -> tuple[str, int]:
    mark = TIMES.search(printed)
    if mark is None:
        return printed, 1
    times = int(mark[1] or mark[2])
    return printed[: mark.start()], min(max(times, 1), MOST_REPEATS)


def spell(word: str, symbols: Sequence[str], language: str = "en") -> tuple[int, ...]:
    """A printed word as indices into a model's symbols; empty where the model knows none of its letters.

    Case is folded, accents are dropped, numbers become the words one says in `language`, and what is not written in
    Latin letters is romanised, unless the model has its letters.
    """
    index = {symbol: i for i, symbol in enumerate(symbols) if i > 0 and len(symbol) == 1 and symbol != " "}
    exact = unicodedata.normalize("NFC", word).casefold()
    if any(letter in index for letter in exact if not letter.isascii()):
        return _letters(exact, index)
    return _letters(plain(word, language), index)


def plain(word: str, language: str = "en") -> str:
    """A printed word in lower-case Latin letters, apostrophes inside it kept.

    `Déjà-vu,` is `dejavu`, `4th` is `fourth`, `привет` is `privet`, `你` is `ni`.
    """
    composed = unicodedata.normalize("NFKC", word.casefold().translate(LETTERS))
    spoken = NUMBER.sub(lambda number: f" {_spoken(number, language)} ", composed)
    folded = _folded(spoken)
    if any(letter.isalpha() and not letter.isascii() for letter in folded):
        folded = _folded(_romaniser().romanize_string(spoken).casefold())
    return "".join(letter for letter in folded if letter.isalnum() or letter == "'").strip("'")


def _folded(text: str) -> str:
    """Without accents."""
    return "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))


@cache
def _romaniser() -> Any:
    """Universal romanisation (Hermjakob et al., 2018), opened by the first word that needs it: it takes seconds."""
    from uroman import Uroman

    return Uroman()


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
    said = _folded(str(said).casefold())
    if suffix != "s":
        return said
    return f"{said[:-1]}ies" if said.endswith("y") else f"{said}s"
