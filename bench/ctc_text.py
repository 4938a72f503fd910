"""Lines of English of many kinds for voices to sing and speak: word salad, songs and prose.

The words come from packages that are there anyway: whole-word tokens of Whisper's vocabulary that also occur in the
documentation of Python's language or end as English words do (which keeps most foreign words and fragments out),
beside a list of a song's words. What the song maker's songs are about is left out of all of them: its songs judge.
"""

import re
from collections.abc import Iterable
from functools import cache
from pydoc_data import topics

import numpy as np

from bench.songmaker import lyrics
from resources.weights import whisper_base

SMALL_TEXT = """the a I you we they he she it me my your our and but or so if when where who what to of in on at for
from with by as is are was be been have had do don't won't can't it's I'm you're we'll I've that's there's this that
these no not all just like up down out over again never always"""
SONG_TEXT = """
love baby heart tonight forever away dream alive lonely crazy beautiful summer dancing body touch feel
feeling eyes hands lips kiss hold home road car radio city street lights stars moon sun sky rain storm ocean fire burn
cold ice gold money party club floor beat music song sing voice scream whisper cry tears smile laugh pain
hurt broken bleed
blood soul angel devil heaven hell god pray believe faith hope lie truth fool game play win lose fight run hide fly
fall rise shine wild free young old time night day morning midnight tomorrow yesterday memory memories goodbye hello
stay leave gone wait waiting wanna gonna gotta yeah oh hey girl boy man woman mama daddy friend stranger lover world
life die living breathe breath air water river mountain train whiskey wine cigarette smoke drive ride highway
window door mirror picture letter phone call name ghost shadow darkness black blue red white silver diamond pearl
queen king crown castle thunder lightning electric magic mystery secret promise sorry please maybe somebody nobody
everybody everything nothing anything something together alone apart inside outside underneath above higher lower
faster slower louder quiet silence echo rhythm jump shake twist roll rock swing through thought weight straight eight
breathe smooth choose juice treasure pleasure vision measure enjoy joy toy poison noise though although throw thirst
birthday thirty thousand zero seven eleven twelve question quick quiet quarter squeeze square judge bridge orange jacket
"""
SMALL = tuple(SMALL_TEXT.split())
ENGLISH = re.compile(r"[a-z]{2,}(ing|ed|ly|ness|tion|ers|ful|less|ght|ck|able|ous|ment|ship|hood|y|th|sh|ks|ps|ow|ll)$")


@cache
def held_out() -> frozenset[str]:
    """The song maker's words, but for those of every sentence: no line has one of them."""
    lists = [
        *lyrics.SUNG,
        *lyrics.HOOK,
        *lyrics.SPARSE,
        *lyrics.RAP,
        *(word for kind in lyrics.LISTS.values() for word in kind),
    ]
    rhymes = [text for nouns, adverbs in lyrics.RHYMES for text in (nouns, adverbs)]
    words = re.findall(r"[a-z']+", re.sub(r"\{\w+\}", " ", " ".join([*lists, *rhymes])).lower())
    return frozenset(words) - {word.lower() for word in SMALL}


def is_free(words: Iterable[str]) -> bool:
    """Whether none of the words, nor a plural of one, is held out."""
    return not any(w in held_out() or w.removesuffix("s") in held_out() for w in map(str.lower, words))


@cache
def common_words() -> tuple[str, ...]:
    """English words, the most usual first."""
    prose = set(re.findall(r"[a-z]+", " ".join(topics.topics.values()).lower()))
    tokens = (whisper_base() / "vocabulary.txt").read_text().split("\n")
    words = (t[1:] for t in tokens if re.fullmatch("[Ġ ][a-z]{2,12}", t) and re.search("[aeiouy]", t))
    return tuple(dict.fromkeys(w for w in words if (w in prose or ENGLISH.match(w)) and is_free([w])))


@cache
def song_words() -> tuple[str, ...]:
    return tuple(word for word in SONG_TEXT.split() if is_free([word]))


@cache
def sentences() -> tuple[str, ...]:
    """Stretches of prose that hold no code."""
    text = re.sub(r"\s+", " ", " ".join(topics.topics.values()))
    found = (s.strip() for s in re.split(r"[.;:!?()]", text))
    return tuple(
        s for s in found if re.fullmatch(r"[A-Za-z][a-z' ,-]+", s) and 4 <= len(s.split()) <= 14 and is_free(s.split())
    )


def line(rng: np.random.Generator) -> str:
    """A line of 2 to 14 words in letters, apostrophes and single spaces, as the voices take it."""
    kind = rng.choice(["salad", "song", "prose"], p=[0.5, 0.3, 0.2])
    if kind == "prose":
        words = re.sub(r"[^A-Za-z' ]", " ", str(rng.choice(sentences()))).split()[:10]
        return " ".join(w if w == "I" else w.lower().strip("'") for w in words)
    vocabulary = song_words() if kind == "song" else common_words()
    rare = rng.random(int(rng.integers(3, 9))) < (0.6 if kind == "song" else 0.65)
    return " ".join(str(rng.choice(vocabulary)) if r else str(rng.choice(SMALL)) for r in rare)
