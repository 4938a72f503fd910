"""Syllables of words as the song model reads them, by their vowels."""

import re
import unicodedata
from collections.abc import Iterable

from training.phonemes import SYMBOLS, script_of

VOWELS = frozenset("aeiouyæøœɐɑɒɔɘəɚɛɜɝɞɤɨɪɯɵɶʉʊʌʏᵻε")
TONES = frozenset("1234567")
MARKS = TONES | frozenset('ˈˌːˑ˞̧̩̯̪̝̞̃̊̆̈̚͡."^`')  # what is no sound by itself

VOWEL = f"[{''.join(sorted(VOWELS))}]"
IN_TONES = re.compile(f"{VOWEL}(?:{VOWEL}|[ː̃])*")
NUCLEUS = re.compile(
    "|".join(
        (
            "y[ˈˌ]?i",  # espeak-ng writes the glide of the French nuit so
            "[aeɔɛouɐ]̃?ɪ|[aoəʌeɐ]̃?ʊ|[eʊ]ə|ɔø|[œø]y|[aeoɛɔ]i|[ao]u",  # diphthongs
            f"{VOWEL}(?!̯)",
            "̩",  # a consonant that is a syllable, as in button
        )
    )
)

BYTES = {symbol: byte for byte, symbol in enumerate(SYMBOLS[-256:])}
SYLLABARIES = frozenset({"CJK", "IDEOGRAPHIC", "HIRAGANA", "KATAKANA", "HANGUL"})  # a letter is a syllable
ALPHABETS = frozenset({"LATIN", "CYRILLIC", "GREEK"})
WRITTEN_VOWELS = re.compile("[aeiouyæøœıαεηιουω]+|[аеиоуыэюяіє]")


def count_syllables(word: Iterable[int]) -> int:
    """At least one. A stress mark or a long vowel parts what is no diphthong; with tones, only a tone does.

    Of a word in bytes: its Chinese, Japanese or Korean letters; in other alphabets its vowels; in scripts whose vowels
    are not written, or not known here, every second letter.
    """
    symbols = [SYMBOLS[index] for index in word]
    if written := bytes(BYTES[symbol] for symbol in symbols if symbol in BYTES):
        return max(1, _count_written(written.decode(errors="replace")))
    spoken = "".join(symbol for symbol in symbols if len(symbol) == 1)
    return max(1, len((IN_TONES if TONES & set(spoken) else NUCLEUS).findall(spoken)))


def _count_written(word: str) -> int:
    scripts = [script_of(letter) for letter in word if letter.isalpha()]
    whole = sum(script in SYLLABARIES for script in scripts)
    others = len(scripts) - whole - sum(script in ALPHABETS for script in scripts)
    plain = "".join(letter if letter in "йў" else unicodedata.normalize("NFD", letter)[0] for letter in word)
    return whole + (others + 1) // 2 + len(WRITTEN_VOWELS.findall(plain))
