"""Beats a minute in a sentence: found in figures or words, held against the tempo that was measured."""

import re

from assets.scores.facts import COUNTED, beat_agrees, tempo_agrees

UNITS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
VALUES = {word: n for n, word in enumerate(UNITS)} | {word: 10 * n for n, word in enumerate(TENS, 2)}
SPELT = re.compile(
    rf"\b(?:(?:{'|'.join(VALUES)}|hundred)\b(?:[ -](?:and )?(?=(?:{'|'.join(VALUES)}|hundred)\b))?)+", re.IGNORECASE
)
NUMBER = r"(?<![\d.])\d{2,3}(?:\.\d+)?(?!\d)"
UNIT = r"(?:bpms?\b|b\.p\.m\.|beats (?:per|a|each) minute)"
ABOUT = r"(?:(?:about|around|approximately|approx\.?|roughly|nearly|some|circa|between|ranging|from|~)\s*)"
# 80 BPM, around 120-130 bpm, between 80 and 90 beats per minute; a BPM of 80, a tempo of about 80
TEMPO = re.compile(
    rf"(?P<lead>\b(?:bpm|tempo)\s*(?:of|is|=|:|at)\s*)?(?P<about>{ABOUT}{{1,2}})?(?P<low>{NUMBER})"
    rf"(?:\s*(?:-|–|—|to|and|or)\s*(?P<high>{NUMBER}))?(?P<unit>\s*-?\s*{UNIT})?",
    re.IGNORECASE,
)
RANGE = re.compile(r"(?:ranging |between |from )+", re.IGNORECASE)
ARTICLE = re.compile(r"\b([Aa])n?(?= (?P<number>\d+)[ -]BPM)", re.IGNORECASE)


class WrongTempo(Exception):
    """A tempo that is neither the measured one nor the same beat counted otherwise."""


def with_tempo(sentence: str, measured_bpm: float | None) -> str:
    """The sentence with every tempo that counts the same beat in its own way replaced by the measured one.

    Raises:
        WrongTempo: it names another beat, or one although none was measured.
    """
    right = TEMPO.sub(lambda claim: _right(claim, measured_bpm), in_figures(sentence))
    return ARTICLE.sub(_article, right)


def in_figures(sentence: str) -> str:
    """With numbers of beats in figures: one hundred and twenty beats per minute is 120 beats per minute."""
    after = re.compile(rf"\s*(?:(?:-|–|to|and|or)\s*(?:{NUMBER}|{SPELT.pattern})\s*)?-?\s*{UNIT}", re.IGNORECASE)
    before = re.compile(r"bpm\s*(?:of|is|=|:|at)\s*$", re.IGNORECASE)

    def figure(spelt: re.Match[str]) -> str:
        counts = after.match(sentence, spelt.end()) or before.search(sentence[: spelt.start()])
        return str(value_of(spelt[0])) if counts else spelt[0]

    return SPELT.sub(figure, sentence)


def value_of(spelt: str) -> int:
    """120, of one hundred and twenty and of one twenty."""
    value = 0
    for word in re.findall(r"[a-z]+", spelt.lower()):
        if word == "hundred":
            value = max(value, 1) * 100
        elif word != "and":
            hundreds = value * 100 if 0 < value < 3 and VALUES[word] >= 10 else value
            value = hundreds + VALUES[word]
    return value


def _right(claim: re.Match[str], measured_bpm: float | None) -> str:
    if not claim["lead"] and not claim["unit"]:
        return claim[0]  # some other number
    low = float(claim["low"])
    high = max(low, float(claim["high"] or 0))
    if measured_bpm is None:
        raise WrongTempo
    if tempo_agrees(measured_bpm, min(max(measured_bpm, low), high)):
        return claim[0]
    ends = beat_agrees(measured_bpm, low) and beat_agrees(measured_bpm, high)
    if not ends and not any(low <= times * measured_bpm <= high for times in COUNTED):
        raise WrongTempo
    unit = " BPM" if claim["unit"] else ""
    about = RANGE.sub("about ", claim["about"] or "")
    return f"{claim['lead'] or ''}{about}{measured_bpm:.0f}{unit}"


def _article(article: re.Match[str]) -> str:
    """An 80 BPM groove, a 120 BPM groove."""
    number = article["number"]
    return f"{article[1]}{'n' if number[0] == '8' or number in ('11', '18') else ''}"
