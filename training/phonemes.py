"""Lyrics as the song model reads them: phonemes where the language is known, else letters, and marks for sections.

Phonemes and their stress come from espeak-ng, whose rules for more than a hundred languages come with the package
`espeakng-loader`. A line in any other language is read byte by byte.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

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
SILENT = re.compile(r"[^\w'’-]|_")  # what nobody sings
TIES = frozenset("_-|")  # between sounds that espeak-ng takes apart
INDEX = {symbol: index for index, symbol in enumerate(SYMBOLS)}


@lru_cache(maxsize=100_000)
def symbols_of(line: str, language: str | None) -> tuple[tuple[int, ...], ...]:
    """A printed line as its words, each as indices into `SYMBOLS`; none for a line that nobody can sing."""
    spoken = _phonemes(line, language) if language in known_languages() else _bytes(line)
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
    """Codes of the languages that can be read as phonemes, as en, de, ja."""
    _find_espeak()
    from phonemizer.backend import EspeakBackend

    return frozenset({"en", *EspeakBackend.supported_languages()})


def _phonemes(line: str, language: str | None) -> list[tuple[int, ...]]:
    printed = " ".join(SILENT.sub(" ", unicodedata.normalize("NFKC", line)).split())
    if not printed:
        return []
    (spoken,) = _espeak(language or "en").phonemize([printed], strip=True)
    return [
        tuple(INDEX.get(letter, INDEX[UNKNOWN]) for letter in unicodedata.normalize("NFD", word) if letter not in TIES)
        for word in spoken.split()
    ]


@lru_cache
def _espeak(language: str) -> Any:
    _find_espeak()
    from phonemizer.backend import EspeakBackend

    return EspeakBackend("en-us" if language == "en" else language, with_stress=True, language_switch="remove-flags")


@lru_cache
def _find_espeak() -> None:
    """The espeak-ng of the package `espeakng-loader`, whatever the machine has."""
    import espeakng_loader
    from phonemizer.backend.espeak.wrapper import EspeakWrapper

    EspeakWrapper.set_library(espeakng_loader.get_library_path())
    EspeakWrapper.set_data_path(espeakng_loader.get_data_path())


def _bytes(line: str) -> list[tuple[int, ...]]:
    words = SILENT.sub(" ", unicodedata.normalize("NFKC", line)).casefold().split()
    return [tuple(INDEX[f"<{byte:02x}>"] for byte in word.encode()) for word in words]
