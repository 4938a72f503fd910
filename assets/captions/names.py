"""Whether a sentence names someone, or says whom the music is like."""

import re
from collections.abc import Sequence

from assets.lyrics.text import plain

APART = re.compile(r"[;,/|&+×]|\b(?:feat|ft|featuring|with|vs|and|x)\b\.?", re.IGNORECASE)
NOBODY = {"", "unknown", "unknown artist", "various", "various artists", "va", "artist", "none", "anonymous"}
LIKENESS = re.compile(
    r"\b(?:in the (?:style|vein|manner|spirit) of|reminiscent of|remind\w*"
    r"|(?:sounds?|sounding) (?:\w+ ){0,3}like|similar to|akin to"
    r"|(?:inspired|influenced|performed|composed|written|produced) by|comparable to|(?:à|a) la|calls to mind)\b"
    r"|\w-esque\b|(?-i:[A-Z])\w+-(?:style|like)\b",
    re.IGNORECASE,
)
WORD = re.compile(r"[^\W_]+(?:[&'’-][^\W_]+)*")
SHORT = re.compile(r"[A-Z]{1,4}|[A-G][b#]")  # an abbreviation (BPM, EDM, MIDI) or a note
POSSESSIVE = re.compile(r"(?!(?:it|that|there|here|let|what|he|she|who|where)['’])[^\W\d_]+['’]s\b", re.IGNORECASE)
# What is written with a capital and is no name of a musician.
ORDINARY = frozenset({
    "african", "afro", "afrobeat", "afro-cuban", "american", "americana", "andean", "anglo", "arabic", "argentine",
    "armenian", "asian", "australian", "balkan", "baroque", "bebop", "bollywood", "brazilian", "british", "britpop",
    "bulgarian", "caribbean", "celtic", "chicago", "chinese", "christmas", "colombian", "congolese", "cuban", "czech",
    "danish", "delta", "detroit", "dutch", "east", "eastern", "egyptian", "english", "ethiopian", "european",
    "finnish", "flemish", "french", "georgian", "german", "gospel", "greek", "gypsy", "hawaiian", "hebrew", "hindi",
    "hindustani", "hungarian", "i'm", "iberian", "indian", "indonesian", "iranian", "irish", "italian", "jamaican",
    "japanese", "jewish", "k-pop", "j-pop", "klezmer", "korean", "latin", "lebanese", "london", "mandarin", "mexican",
    "middle", "mississippi", "moroccan", "motown", "nashville", "nigerian", "nordic", "north", "norwegian", "orleans",
    "persian", "peruvian", "polish", "polynesian", "portuguese", "renaissance", "romani", "romanian", "romantic",
    "russian", "scandinavian", "scottish", "serbian", "slavic", "south", "southern", "spanish", "swedish", "texas",
    "thai", "tibetan", "turkish", "ukrainian", "vietnamese", "welsh", "west", "western", "victorian", "york", "new",
    "fender", "gibson", "hammond", "leslie", "mellotron", "moog", "rhodes", "roland", "steinway", "stratocaster",
    "telecaster", "wurlitzer", "yamaha", "korg", "theremin", "auto-tune", "autotune", "dorian", "phrygian", "lydian",
    "mixolydian", "aeolian", "locrian", "ionian", "spotify", "blues", "classical", "country", "dance", "disco",
    "drum", "electronic", "electro", "folk", "funk", "hip-hop", "house", "indie", "jazz", "metal", "pop", "punk",
    "rap", "reggae", "rock", "soul", "techno", "trap", "r&b", "lo-fi", "hi-fi", "major", "minor", "sharp", "flat",
})  # fmt: skip


def names_someone(sentence: str, artist: str | None) -> bool:
    """Whether a sentence may name a musician, band or song: the track's own artist, whatever the case; any word with a
    capital that is no ordinary one; or a turn of phrase that a name mostly follows."""
    return bool(LIKENESS.search(sentence)) or says_artist(sentence, artist) or bool(strangers(sentence))


def says_artist(text: str, artist: str | None) -> bool:
    """Whether the artist's name, or that of one of several, is in a text as whole words.

    A name of one word is also a word (Low, Air), so where the text has capitals it must have one.
    """
    said = WORD.findall(text)
    folded = [plain(word) for word in said]
    is_prose = any(map(str.isupper, text))
    for name in names_of(artist):
        for at in range(len(folded) - len(name) + 1):
            if folded[at : at + len(name)] == list(name):
                word = said[at]
                if len(name) > 1 or not is_prose or word[0].isupper() or not word.isalpha():
                    return True
    return False


def names_of(artist: str | None) -> list[tuple[str, ...]]:
    """The artist and each of several, as words: `Ann Lee feat. Bo` is also `ann lee` and `bo`."""
    whole = artist or ""
    named = [text.strip() for text in (whole, *APART.split(whole)) if text.strip().lower() not in NOBODY]
    words = (tuple(filter(None, map(plain, WORD.findall(text)))) for text in named)
    return [name for name in dict.fromkeys(words) if sum(map(len, name)) > 1]


def strangers(sentence: str) -> Sequence[str]:
    """Words with a capital that nothing but a name would have: inside the sentence, or at its start in the genitive."""
    words = list(WORD.finditer(sentence))
    inside = [word for word in words[1:] if sentence[: word.start()].rstrip(" \"'“‘(")[-1:] not in ".!?:"]
    first = [word for word in words[:1] if POSSESSIVE.match(word[0])]
    return [
        word[0]
        for word in (*first, *inside)
        if word[0][0].isupper() and not SHORT.fullmatch(word[0]) and word[0].lower() not in ORDINARY
    ]
