"""Lyrics as the song model reads them: phonemes where the language is known, else letters, and marks for sections.

Phonemes and their stress come from gruut's dictionaries and models, which are part of its packages: that of English
comes along, others are `pip install gruut-lang-de` and so on. A line in any other language is read byte by byte.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

IPA = (
    "abcdefghijklmnopqrstuvwxyz'æðøħŋœɐɑɒɓɔɕɖɗɘəɚɛɜɝɞɟɠɡɢɣɤɥɦɧɨɪɫɬɭɮɯɰɱɲɳɴɵɶɸɹɺɻɽɾʀʁʂʃʄʈʉʊʋʌʍʎʏʐʑʒʔʕʙʛʜʝʟʡʢθχβ"
    "ʦᵻˈˌːˑʰʲʷˠˤᵐⁿᵑᶬ˞¹²³⁴⁵̧̩̯̪̝̞̃̊̆̈̚͡"
)
SECTIONS = ("intro", "verse", "prechorus", "chorus", "bridge", "break", "solo", "outro")
PAD, UNKNOWN, WORD, LINE = "<pad>", "<unknown>", "<word>", "<line>"
SYMBOLS = (
    PAD,
    UNKNOWN,
    WORD,
    LINE,
    *(f"[{section}]" for section in SECTIONS),
    *IPA,
    *(f"<{byte:02x}>" for byte in range(256)),
)
SILENT = re.compile(r"[^\w'’-]|_|(?<=\d{6})\d+|(?<=\d)(?=[eE]\d)")  # what nobody sings, numbers beyond a million, 1E9
INDEX = {symbol: index for index, symbol in enumerate(SYMBOLS)}
GRUUT = {"en": "en-us", "de": "de-de", "fr": "fr-fr", "es": "es-es", "it": "it-it", "pt": "pt", "ru": "ru-ru"} | {
    "nl": "nl", "sv": "sv-se", "cs": "cs-cz", "ar": "ar", "fa": "fa", "sw": "sw", "lb": "lb", "ca": "ca-ce",
}  # fmt: skip


@lru_cache(maxsize=100_000)
def symbols_of(line: str, language: str | None) -> tuple[tuple[int, ...], ...]:
    """A printed line as its words, each as indices into `SYMBOLS`; none for a line that nobody can sing."""
    printed = " ".join(SILENT.sub(" ", unicodedata.normalize("NFKC", line)).split())
    spoken = _phonemes(printed, language) if language in known_languages() else _bytes(printed)
    return tuple(word for word in spoken if word)


def section_of(name: str) -> int | None:
    """The mark of a section as lyrics name it (`Chorus 2`, `Pre-Chorus`); None where there is no such mark."""
    plain = re.sub(r"[^a-z]", "", name.lower())
    return next((INDEX[f"[{section}]"] for section in reversed(SECTIONS) if plain.startswith(section)), None)


def count_syllables(word: Iterable[int]) -> int:
    """Vowels, those next to each other as one; at least one a word."""
    sounded = [
        unicodedata.normalize("NFD", SYMBOLS[index])[0] in VOWELS for index in word if SYMBOLS[index] not in MARKS
    ]
    return max(1, sum(now and not before for before, now in zip([False, *sounded], sounded, strict=False)))


VOWELS = frozenset("aeiouyæøœɐɑɒɔɘəɚɛɜɝɞɤɨɪɯɵɶʉʊʌʏ")
MARKS = frozenset("ˈˌːˑ˞̯̩̃")


@lru_cache
def known_languages() -> frozenset[str]:
    """Languages whose gruut package is installed."""
    import importlib.util

    return frozenset(name for name in GRUUT if importlib.util.find_spec(f"gruut_lang_{name}"))


def _phonemes(line: str, language: str | None) -> list[tuple[int, ...]]:
    from gruut import sentences

    return [
        tuple(INDEX.get(letter, INDEX[UNKNOWN]) for letter in unicodedata.normalize("NFD", "".join(word.phonemes)))
        for sentence in sentences(line, lang=GRUUT[language or "en"])
        for word in sentence
        if word.is_spoken and word.phonemes
    ]


def _bytes(line: str) -> list[tuple[int, ...]]:
    return [tuple(INDEX[f"<{byte:02x}>"] for byte in word.encode()) for word in line.casefold().split()]
