"""What can be wrong with an answer, whatever it says about the music."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

from assets.captions.answer import Answer, read_answer


class Fault(StrEnum):
    EMPTY = "empty"
    REFUSAL = "refusal"
    LOOP = "loop"
    FOREIGN = "foreign"  # not in English
    UNPARSABLE = "unparsable"


REFUSAL = re.compile(
    r"\bas an ai\b|\bi['’]?\s?a?m (?:really |very |so )?sorry\b|\bi apologi[sz]e\b|\bi(?:'m| am) (?:not able|unable)\b"
    r"|\bi (?:can ?not|can['’]t|could not|couldn['’]t|do not|don['’]t) (?:\w+ )?"
    r"(?:hear|listen|process|access|analy[sz]e|provide|describe|identify|assist|help|have)\b"
    r"|\bno audio (?:was|is|has|file|clip|provided)|\bplease (?:provide|upload|share)\b",
    re.IGNORECASE,
)
ENGLISH = frozenset({
    "the", "and", "with", "of", "is", "this", "that", "from", "by", "for", "are", "it", "has", "its", "as", "which",
    "at", "to", "in", "an", "be", "on", "there", "but", "or", "while",
})  # fmt: skip
OTHERS = frozenset({
    "el", "los", "las", "una", "uno", "y", "con", "por", "para", "pero", "muy", "esta", "este", "es", "que",  # Spanish
    "le", "les", "des", "et", "avec", "est", "dans", "du", "une", "sur", "pour", "cette", "qui", "au", "aux",  # French
    "der", "das", "und", "ist", "mit", "ein", "eine", "einer", "von", "zu", "den", "dem", "sehr", "im",  # German
    "il", "di", "che", "gli", "della", "sono", "nel", "molto",  # Italian
    "os", "uma", "um", "com", "da", "em", "não", "na", "música",  # Portuguese
    "een", "het", "van", "de", "met", "zijn", "voor", "en", "op",  # Dutch
    "w", "z", "jest", "się", "och", "är", "som", "med", "att", "det", "på",  # Polish and Swedish
    "yang", "dan", "dengan", "ini", "ve", "bir", "ile", "bu",  # Indonesian and Turkish
})  # fmt: skip
FOREIGN_LETTERS = 0.1  # share of letters beyond the Latin alphabet
LONGEST_PHRASE = 12  # words, of what may come again and again
REPEATS = 4
SAME_SENTENCES = 3


def judged(text: str) -> Answer | Fault:
    """An answer as read, or what is wrong with it."""
    words = re.findall(r"[^\W_]+(?:['’-][^\W_]+)*", text.lower())
    if not any(map(str.isalpha, text)):
        return Fault.EMPTY
    if REFUSAL.search(text):
        return Fault.REFUSAL
    if is_loop(words) or says_again(text):
        return Fault.LOOP
    if is_foreign(text, words):
        return Fault.FOREIGN
    answer = read_answer(text)
    return answer if answer.description or answer.genre or answer.mood else Fault.UNPARSABLE


def is_loop(words: Sequence[str]) -> bool:
    """Whether a phrase of up to twelve words follows upon itself until it has been said four times."""
    for length in range(1, LONGEST_PHRASE + 1):
        same = 0  # words in a row that are what came `length` before
        for before, word in zip(words, words[length:], strict=False):
            same = same + 1 if before == word else 0
            if same >= length * (REPEATS - 1):
                return True
    return False


def says_again(text: str) -> bool:
    """Whether a sentence or line of several words comes three times."""
    said = Counter(" ".join(part.lower().split()) for part in re.split(r"[.!?\n]+", text))
    return any(times >= SAME_SENTENCES for part, times in said.items() if len(part.split()) >= 4)


def is_foreign(text: str, words: Sequence[str]) -> bool:
    """Whether a text is not in English: by its letters, or by the small words that no sentence can do without."""
    letters = [letter for letter in text if letter.isalpha()]
    beyond = sum(not unicodedata.name(letter, "").startswith("LATIN") for letter in letters)
    if beyond > FOREIGN_LETTERS * len(letters):
        return True
    english, others = (sum(word in known for word in words) for known in (ENGLISH, OTHERS))
    return others > english
