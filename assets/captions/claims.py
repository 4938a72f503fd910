"""What a sentence claims of a track that was also measured: it is put right, or the sentence goes."""

import re
from collections.abc import Callable
from enum import StrEnum

from assets.captions.beats import WrongTempo, with_tempo
from assets.captions.key import TONICS
from assets.scores.facts import NOTES
from resources.captioners import Facts


class Wrong(StrEnum):
    """Why a sentence cannot stay."""

    TEMPO = "tempo"
    KEY = "key"
    VOICE = "voice"


class Contradicted(Exception):
    def __init__(self, wrong: Wrong) -> None:
        self.wrong = wrong


QUICK = re.compile(
    r"\b(?:fast|quick|rapid|brisk)[ -](?:\w+[ -])?(?:tempo|paced?|beat|rhythm)|\bup-?tempo"
    r"|\btempo is (?:very )?(?:fast|quick)",
    re.IGNORECASE,
)
SLOW = re.compile(
    r"\bslow[ -](?:\w+[ -])?(?:tempo|paced?|beat|rhythm)|\bdown-?tempo|\btempo is (?:very )?slow", re.IGNORECASE
)

KEY = re.compile(
    r"\b(?P<note>[A-Gb-g])(?P<shift>#|♯|♭|b\b|b(?= )|[ -]?(?:sharp|flat))?[ -]*(?P<mode>major|minor|maj\b|min\b)"
)
ARTICLE = re.compile("A (?:major|minor)")  # where a sentence begins: A major influence is …
OF_THE_TRACK = re.compile(r"(?:\bin|\bkey(?: of| is|:)?(?: likely| probably)?)(?: the)?(?: key of)?\s+$", re.IGNORECASE)

VOICE = r"(?:vocals?|vocalists?|singers?|singing|sings?|sung|rapp(?:er|ing|ed)|raps?|voices?|choirs?|lyrics?|crooning)"
NO_VOICE = re.compile(
    r"\b(?:no|without|lacks?|lacking|absence of|devoid of|free of|not? (?:any|contain|have|feature)(?: any)?)\s+"
    rf"(?:(?!backing|background|harmony|other)\w+ ){{0,2}}?{VOICE}\b"
    r"|\b(?:purely|entirely|fully|completely|an?|is|mostly|all)[ -]instrumental\b"
    r"(?! (?:section|intro|outro|break|bridge"
    r"|interlude|passage|part|solo|accompaniment|backing|arrangement|bed|layer|element|texture|introduction|hook)s?\b)"
    r"|^instrumental\W*$|\binstrumental (?:piece|track|song|composition|music|work|version|tune|number)\b"
    rf"|^none\W*$|\b{VOICE}:? (?:are |is )?(?:absent|none)\b",
    re.IGNORECASE,
)  # fmt: skip
SOME_VOICE = re.compile(rf"\b{VOICE}\b", re.IGNORECASE)
# What is said of instruments, or of how a part of them sounds.
VOICING = re.compile(
    r"\b(?:chord|piano|string|synth|guitar|brass|bass|lead|inner|second) voices?\b"
    r"|\bvocal-?like\b|\bsings? (?:out )?over\b",
    re.IGNORECASE,
)


def put_right(sentence: str, facts: Facts) -> str:
    """The sentence with tempo and key as they were measured, where it names the same beat or the key of the track.

    The same beat is the measured one, or twice, half, three times or a third of it. What was not measured, or not
    surely enough, cannot be claimed either.

    Raises:
        Contradicted: it claims what is not so, beyond mending.
    """
    _check_voice(sentence, facts.sung)
    try:
        sentence = with_tempo(sentence, facts.tempo_bpm)
    except WrongTempo:
        raise Contradicted(Wrong.TEMPO) from None
    if (facts.pace == "slow" and QUICK.search(sentence)) or (facts.pace == "fast" and SLOW.search(sentence)):
        raise Contradicted(Wrong.TEMPO)
    return KEY.sub(_key(facts.key), sentence)


def _key(measured: str | None) -> Callable[[re.Match[str]], str]:
    def right(claim: re.Match[str]) -> str:
        before = claim.string[: claim.start()]
        if ARTICLE.match(claim[0]) and (not before.strip() or before.rstrip()[-1] in ".:"):
            return claim[0]
        if measured is None:
            raise Contradicted(Wrong.KEY)
        if pitch_and_mode(claim) == pitch_and_mode(KEY.fullmatch(measured)):
            return claim[0]
        if OF_THE_TRACK.search(before):
            return measured
        raise Contradicted(Wrong.KEY)

    return right


def pitch_and_mode(key: re.Match[str] | None) -> tuple[int, str]:
    """(0 to 11 from C, major or minor): the same for Bb minor and A-sharp minor."""
    if key is None:
        raise ValueError(f"no key; there is {', '.join(TONICS['major'])}, major or minor")
    shift = (key["shift"] or "").strip(" -")
    step = 1 if shift in ("#", "♯", "sharp") else -1 if shift else 0
    return (NOTES[key["note"].upper()] + step) % 12, f"{key['mode'][:3]}or"


def _check_voice(sentence: str, sung: bool | None) -> None:
    silent = NO_VOICE.search(sentence)
    if sung is True and silent:
        raise Contradicted(Wrong.VOICE)
    if sung is False and not silent and SOME_VOICE.search(VOICING.sub("", sentence)):
        raise Contradicted(Wrong.VOICE)
