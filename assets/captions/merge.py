"""Answers about several stretches of a track, made into one caption."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from assets.captions.answer import Answer, said
from assets.captions.phrases import items, sentences
from assets.captions.sentence import short_of, tags_of
from resources.captioners import Caption, Facts

GENRES, MOODS, INSTRUMENTS, VOICES = 2, 3, 6, 2
MOST_SENTENCES, MOST_WORDS = 6, 110
NEWS = 0.5  # a sentence is added if so much of it has not been said
# What a line is about, as a sentence names it, and the words of which one is in a sentence that is about it too.
LINES = {
    "vocals": (
        "The voice",
        re.compile(r"\b(?:voices?|vocals?|vocalists?|singers?|singing|sings?|raps?|choir)\b", re.I),
    ),
    "tempo": ("The tempo", re.compile(r"\b(?:tempo|rhythm|rhythms|beats?|groove|pulse|pace|paced|bpm)\b", re.I)),
    "production": (
        "The production",
        re.compile(r"\b(?:production|produced|recordings?|recorded|mix|mixed|sound|mastering)\b", re.I),
    ),
}


def merged(answers: Sequence[Answer], facts: Facts) -> Caption | None:
    """One caption of answers about stretches of one track, the facts put in; None where they say too little.

    Long: the fullest description, what the others add to it, and tempo and key if no sentence has them. Short and
    tags: what most answers name comes first.
    """
    genre = common(GENRES, [answer.genre for answer in answers]) or tuple(filter(None, [facts.genre]))
    mood = common(MOODS, [answer.mood for answer in answers])
    instruments = common(INSTRUMENTS, [answer.instruments for answer in answers])
    told = told_by(answers)
    if not told and not (mood and genre):
        return None
    known = replace(facts, genre=genre[0] if genre else None)
    voices = common(VOICES, [voices_in(answer.vocals) for answer in answers]) if facts.sung is not False else ()
    told = told or [opening(mood, known, instruments)]
    tags = dict.fromkeys((*tags_of(known), *genre, *mood, *voices, *instruments))
    return Caption(
        text=" ".join([*told, *measured(facts, " ".join(told))]),
        short=", ".join([*mood[:2], short_of(known), *instruments[:2]]),
        tags=tuple(tags),
    )


def told_by(answers: Sequence[Answer]) -> list[str]:
    """The sentences of the fullest description, and those of others that say something new."""
    told: list[str] = []
    heard: set[str] = set()
    for answer in sorted(answers, key=lambda answer: -len(answer.description)):
        for sentence in (*answer.description, *lines_of(answer, told)):
            content = {word for word in re.findall(r"[a-z']+", sentence.lower()) if len(word) > 3}
            words = sum(len(each.split()) for each in (*told, sentence))
            if len(content - heard) >= NEWS * len(content) and words <= MOST_WORDS and len(told) < MOST_SENTENCES:
                told.append(sentence)
                heard |= content
    return told


def lines_of(answer: Answer, told: Sequence[str]) -> Iterator[str]:
    """What its lines say of voice, tempo and production, as sentences, if no sentence has."""
    for name, (subject, about) in LINES.items():
        line = getattr(answer, name)
        if not said(line) or any(about.search(sentence) for sentence in (*told, *answer.description)):
            continue
        if re.match(r"(?:the|this|it|its)\b", line, re.IGNORECASE):
            yield from sentences(line)
        elif re.match(r"an? ", line, re.IGNORECASE) or about.search(line):
            yield f"It has {line[0].lower()}{line[1:]}."
        else:
            yield f"{subject} is {line[0].lower()}{line[1:]}."


def opening(mood: Sequence[str], facts: Facts, instruments: Sequence[str]) -> str:
    """A sentence of what was named, where nothing was told."""
    kind = ", ".join([*mood[:2], short_of(replace(facts, tempo_bpm=None, key=None, pace=None))])
    heard = f", with {' and '.join(instruments[:2])}" if instruments else ""
    return f"{'An' if kind[0] in 'aeiou' else 'A'} {kind}{heard}."


def measured(facts: Facts, told: str) -> list[str]:
    """Tempo and key in a sentence, as far as nothing told has them."""
    tempo = f"{facts.tempo_bpm:.0f} BPM" if facts.tempo_bpm and "BPM" not in told.upper() else None
    key = facts.key if facts.key and facts.key not in told else None
    match tempo, key:
        case str(), str():
            return [f"Its pulse is about {tempo}, its key {key}."]
        case str(), None:
            return [f"Its pulse is about {tempo}."]
        case None, str():
            return [f"It is in {key}."]
    return []


def voices_in(vocals: str) -> tuple[str, ...]:
    """soft female voice, choir: what can be a tag of a line about the vocals."""
    voice = re.compile(r"\b(?:vocals?|voices?|singers?|choir|rap|rapper|male|female)\b")
    return tuple(item for item in items(vocals) if voice.search(item))


def common(most: int, lists: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """At most so many items: those that most lists have, and of equals the first."""
    counts = Counter(item for each in lists for item in dict.fromkeys(each))
    return tuple(item for item, _ in counts.most_common(most))
