"""Lyrics as the song model reads them: phonemes where the language is known, else letters, and marks for sections.

Phonemes and their stress come from espeak-ng, whose rules for more than a hundred languages come with the package
`espeakng-loader`. A line in any other language is read byte by byte, and so is a word in a script that its language is
not written in, where espeak-ng would spell it out in English.
"""

import re
import unicodedata
from functools import lru_cache
from itertools import groupby
from typing import Any

IPA = (
    "abcdefghijklmnopqrstuvwxyz'æðøħŋœɐɑɒɓɔɕɖɗɘəɚɛɜɝɞɟɠɡɢɣɤɥɦɧɨɪɫɬɭɮɯɰɱɲɳɴɵɶɸɹɺɻɽɾʀʁʂʃʄʈʉʊʋʌʍʎʏʐʑʒʔʕʙʛʜʝʟʡʢθχβ"
    "ʦᵻˈˌːˑʰʲʷˠˤᵐⁿᵑᶬ˞¹²³⁴⁵̧̩̯̪̝̞̃̊̆̈̚͡"
    '1234567."^`?ᵝε'  # as espeak-ng writes tones, Chinese retroflexes (s.), and some sounds it has no letter for
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
VOICES = {"en": "en-us", "fr": "fr-fr", "zh": "cmn", "no": "nb", "nn": "nb"}  # where espeak-ng has another code
SCRIPTS = {  # by the first word of the Unicode names of their letters: the voices that read them
    "CYRILLIC": "ba be bg bs cv hr kk ky lfn mk nog ru ru-cl ru-lv sr tt uk uz",
    "ARABIC": "ar fa fa-latn sd ug ur",
    "GREEK": "el grc",
    "HEBREW": "he",
    "ARMENIAN": "hy hyw",
    "GEORGIAN": "ka",
    "ETHIOPIC": "am ti",
    "TELUGU": "te",
    "ORIYA": "or",
    "THAI": "th",
    "MYANMAR": "my shn",
    "HANGUL": "ko",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "CJK": "cmn cmn-latn-pinyin yue",
    "SHAVIAN": "en-shaw",
}
READ_BY_ALL = frozenset(
    ["LATIN", "MODIFIER", "DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "TAMIL", "KANNADA", "MALAYALAM", "SINHALA"]
)
SPELL_LATIN = frozenset({"ja", "my"})  # voices that read `love` letter by letter
TIES = frozenset("_-|")  # between sounds that espeak-ng takes apart
INDEX = {symbol: index for index, symbol in enumerate(SYMBOLS)}


@lru_cache(maxsize=100_000)
def symbols_of(line: str, language: str | None) -> tuple[tuple[int, ...], ...]:
    """A printed line as its words, each as indices into `SYMBOLS`; none for a line that nobody can sing."""
    words = _sung(line)
    if language is None or language not in known_languages():
        return tuple(map(_bytes, words))
    own = VOICES.get(language, language)
    return tuple(
        word
        for voice, run in groupby(words, lambda word: _voice(word, own))
        for word in (map(_bytes, run) if voice is None else _phonemes(" ".join(run), voice))
        if word
    )


def section_of(name: str) -> int | None:
    """The mark of a section as lyrics name it (`Chorus 2`, `Pre-Chorus`); None where there is no such mark."""
    plain = re.sub(r"[^a-z]", "", name.lower())
    return next((INDEX[f"[{section}]"] for section in reversed(SECTIONS) if plain.startswith(section)), None)


def script_of(letter: str) -> str:
    """The first word of its name in Unicode, as LATIN; empty where it has none."""
    return re.split("[ -]", unicodedata.name(letter, ""))[0]


@lru_cache
def known_languages() -> frozenset[str]:
    """Codes of the languages that can be read as phonemes, as en, de, ja, each also as espeak-ng calls it."""
    _find_espeak()
    from phonemizer.backend import EspeakBackend

    return frozenset({*VOICES, *EspeakBackend.supported_languages()})


def _sung(line: str) -> list[str]:
    """The words of a line, without what nobody sings: letters and numerals with their accents, ' and -."""
    letters = (
        letter if letter.isalnum() or letter in "'’-" or unicodedata.category(letter) in ("Mn", "Mc") else " "
        for letter in unicodedata.normalize("NFKC", line)
    )
    return [word for word in "".join(letters).split() if any(map(str.isalnum, word))]


def _voice(word: str, own: str) -> str | None:
    """The voice of espeak-ng that can read a word; none where it would only name the letters."""
    scripts = {script_of(letter) for letter in word if letter.isalpha()}
    if scripts == {"LATIN"} and own in SPELL_LATIN:
        return VOICES["en"]
    return own if all(own in SCRIPTS.get(script, "").split() for script in scripts - READ_BY_ALL) else None


def _phonemes(printed: str, voice: str) -> list[tuple[int, ...]]:
    (spoken,) = _espeak(voice).phonemize([printed], strip=True)
    if voice in ("cmn", "yue"):
        spoken = re.sub("ɜ(?!ː)", "3", spoken)  # as espeak-ng writes the third tone
    return [
        tuple(INDEX.get(letter, INDEX[UNKNOWN]) for letter in unicodedata.normalize("NFD", word) if letter not in TIES)
        for word in spoken.split()
    ]


@lru_cache
def _espeak(voice: str) -> Any:
    _find_espeak()
    from phonemizer.backend import EspeakBackend

    return EspeakBackend(voice, with_stress=True, language_switch="remove-flags")


@lru_cache
def _find_espeak() -> None:
    """The espeak-ng of the package `espeakng-loader`, whatever the machine has."""
    import espeakng_loader
    from phonemizer.backend.espeak.wrapper import EspeakWrapper

    EspeakWrapper.set_library(espeakng_loader.get_library_path())
    EspeakWrapper.set_data_path(espeakng_loader.get_data_path())


def _bytes(word: str) -> tuple[int, ...]:
    return tuple(INDEX[f"<{byte:02x}>"] for byte in word.casefold().encode())
