"""Whether what a transcriber heard in a few stretches of a track is in the lyrics that came with it."""

from collections.abc import Sequence
from difflib import SequenceMatcher

import numpy as np

from assets.lyrics.text import plain


def agreement_of(heard: Sequence[Sequence[str]], given: Sequence[str], language: str = "en") -> float | None:
    """How much of what was heard is in the given words, 0 to 1, letter by letter; None where nothing was heard.

    Each stretch of heard words is laid where in the lyrics it fits best, as Levenshtein distance counts, since a
    transcriber mishears a letter here and there. Unrelated English comes to about a half.
    """
    from rapidfuzz.fuzz import partial_ratio

    text = _letters(given, language)
    stretches = [stretch for words in heard if (stretch := _letters(words, language))]
    if not stretches or not text:
        return None
    found = [partial_ratio(stretch, text) / 100 for stretch in stretches]
    return float(np.average(found, weights=[len(stretch) for stretch in stretches]))


def in_both(words: Sequence[str], others: Sequence[str]) -> np.ndarray:
    """Of each word whether the others have it too, in the same order; bool [words]."""
    ours, theirs = [plain(word) for word in words], [plain(word) for word in others]
    found = np.zeros(len(ours), bool)
    for block in SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks():
        found[block.a : block.a + block.size] = True
    return found


def _letters(words: Sequence[str], language: str) -> str:
    return " ".join(spelled for word in words if (spelled := plain(word, language)))
