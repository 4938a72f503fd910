"""What a sentence claims of a track that was also measured: it is put right, or the sentence goes."""

import re
from collections.abc import Callable
from enum import StrEnum

from assets.captions.key import TONICS
from assets.scores.facts import COUNTED, NOTES, beat_agrees, tempo_agrees
from resources.captioners import Facts


class Wrong(StrEnum):
    """Why a sentence cannot stay."""

    TEMPO = "tempo"
    KEY = "key"
    VOICE = "voice"


class Contradicted(Exception):
    def __init__(self, wrong: Wrong) -> None:
        self.wrong = wrong


UNITS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
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
ARTICLE = re.compile(r"\b([Aa])n?(?= (?P<number>\d+)[ -]BPM)", re.IGNORECASE)
QUICK = re.compile(r"\b(?:fast|quick|rapid|brisk)[ -](?:\w+[ -])?(?:tempo|paced?|beat|rhythm)|\bup-?tempo|\btempo is (?:fast|quick)", re.IGNORECASE)
SLOW = re.compile(r"\bslow[ -](?:\w+[ -])?(?:tempo|paced?|beat|rhythm)|\bdown-?tempo|\btempo is slow", re.IGNORECASE)

KEY = re.compile(r"\b(?P<note>[A-G])(?P<shift>#|♯|♭|b\b|b(?= )|[ -]?(?:sharp|flat))?[ -]*(?P<mode>major|minor|maj\b|min\b)")
OF_THE_TRACK = re.compile(r"(?:\bin|\bkey(?: of| is|:)?(?: likely| probably)?)(?: the)?(?: key of)?\s+$", re.IGNORECASE)

VOICE = r"(?:vocals?|vocalists?|singers?|singing|sings?|sung|rapp(?:er|ing|ed)|raps?|voices?|choirs?|lyrics?|crooning)"
NO_VOICE = re.compile(
    rf"\b(?:no|without|lacks?|lacking|absence of|devoid of|free of|not? (?:any|contain|have|feature)(?: any)?)\s+(?:\w+ ){{0,2}}?{VOICE}\b"
    r"|\b(?:purely|entirely|fully|completely|an?|is|mostly|all)[ -]instrumental\b(?! (?:section|intro|outro|break|bridge"
    r"|interlude|passage|part|solo|accompaniment|backing|arrangement|bed|layer|element|texture|introduction|hook)s?\b)"
    r"|^instrumental\W*$|\binstrumental (?:piece|track|song|composition|music|work|version|tune|number)\b"
    rf"|^none\W*$|\b{VOICE}:? (?:are |is )?(?:absent|none)\b",
    re.IGNORECASE,
)  # fmt: skip
SOME_VOICE = re.compile(rf"\b{VOICE}\b", re.IGNORECASE)
# What is said of instruments, or of how a part of them sounds.
VOICING = re.compile(r"\b(?:chord|piano|string|synth|guitar|brass|bass|lead|inner|second) voices?\b|\bvocal-?like\b|\bsings? (?:out )?over\b", re.IGNORECASE)


def put_right(sentence: str, facts: Facts) -> str:
    """The sentence with tempo and key as they were measured, where it names the same beat or the key of the track.

    The same beat is the measured one, or twice, half, three times or a third of it. What was not measured, or not
    surely enough, cannot be claimed either.

    Raises:
        Contradicted: it claims what is not so, beyond mending.
    """
    _check_voice(sentence, facts.sung)
    sentence = ARTICLE.sub(_article, TEMPO.sub(_tempo(facts.tempo_bpm), in_figures(sentence)))
    if (facts.pace == "slow" and QUICK.search(sentence)) or (facts.pace == "fast" and SLOW.search(sentence)):
        raise Contradicted(Wrong.TEMPO)
    return KEY.sub(_key(facts.key), sentence)


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


def _tempo(measured_bpm: float | None) -> Callable[[re.Match[str]], str]:
    def right(claim: re.Match[str]) -> str:
        if not claim["lead"] and not claim["unit"]:
            return claim[0]  # some other number
        low = float(claim["low"])
        high = max(low, float(claim["high"] or 0))
        if measured_bpm is None:
            raise Contradicted(Wrong.TEMPO)
        if tempo_agrees(measured_bpm, min(max(measured_bpm, low), high)):
            return claim[0]
        ends = beat_agrees(measured_bpm, low) and beat_agrees(measured_bpm, high)
        if not ends and not any(low <= times * measured_bpm <= high for times in COUNTED):
            raise Contradicted(Wrong.TEMPO)
        unit = " BPM" if claim["unit"] else ""
        return f"{claim['lead'] or ''}{'about ' if claim['about'] else ''}{measured_bpm:.0f}{unit}"

    return right


def _article(article: re.Match[str]) -> str:
    """An 80 BPM groove, a 120 BPM groove."""
    number = article["number"]
    return f"{article[1]}{'n' if number[0] == '8' or number in ('11', '18') else ''}"


def _key(measured: str | None) -> Callable[[re.Match[str]], str]:
    def right(claim: re.Match[str]) -> str:
        if not claim["shift"] and claim["note"] == "A" and not OF_THE_TRACK.search(claim.string[: claim.start()]):
            return claim[0]  # a major influence
        if measured is None:
            raise Contradicted(Wrong.KEY)
        if pitch_and_mode(claim) == pitch_and_mode(KEY.fullmatch(measured)):
            return claim[0]
        if OF_THE_TRACK.search(claim.string[: claim.start()]):
            return measured
        raise Contradicted(Wrong.KEY)

    return right


def pitch_and_mode(key: re.Match[str] | None) -> tuple[int, str]:
    """(0 to 11 from C, major or minor): the same for Bb minor and A-sharp minor."""
    if key is None:
        raise ValueError(f"no key; there is {', '.join(TONICS['major'])}, major or minor")
    shift = (key["shift"] or "").strip(" -")
    step = 1 if shift in ("#", "♯", "sharp") else -1 if shift else 0
    return (NOTES[key["note"]] + step) % 12, f"{key['mode'][:3]}or"


def _check_voice(sentence: str, sung: bool | None) -> None:
    silent = NO_VOICE.search(sentence)
    if sung is True and silent:
        raise Contradicted(Wrong.VOICE)
    if sung is False and not silent and SOME_VOICE.search(VOICING.sub("", sentence)):
        raise Contradicted(Wrong.VOICE)
