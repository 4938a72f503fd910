"""Facts in words."""

from collections.abc import Iterable

from resources.captioners import Caption, Facts

VOICES = {"low": "a low voice", "middle": "a voice in the middle register", "high": "a high voice"}
FORMS = {"ballad", "waltz", "lullaby", "march", "hymn", "anthem", "soundtrack"}  # genres that already name a piece


def measured_caption(facts: Facts) -> Caption:
    """What was measured, and of what was not, nothing."""
    return Caption(sentence_of(facts), short_of(facts), tags_of(facts))


def sentence_of(facts: Facts) -> str:
    """One sentence, such as: A slow folk song in A minor at about 80 BPM, with a low voice and a dark sound."""
    text = _with_article(_listed((facts.pace, _kind(facts)), " "))
    text += f" in {facts.key}" if facts.key else ""
    if facts.tempo_bpm:
        text += f" {'at' if facts.pace else 'with a pulse of'} about {facts.tempo_bpm:.0f} BPM"
    sound = _listed((", ".join(facts.sound), "sound"), " ") if facts.sound else None
    heard = (VOICES.get(facts.register or ""), _with_article(sound).lower() if sound else None)
    text += f", with {_listed(heard, ' and ')}" if any(heard) else ""
    return f"{text}."


def short_of(facts: Facts) -> str:
    """The same in keywords: folk song, slow, 80 BPM, A minor."""
    tempo = f"{facts.tempo_bpm:.0f} BPM" if facts.tempo_bpm else None
    return _listed((_kind(facts), facts.pace, tempo, facts.key), ", ")


def tags_of(facts: Facts) -> tuple[str, ...]:
    voice = {True: "vocals", False: "instrumental", None: None}[facts.sung]
    register = f"{facts.register} voice" if facts.register else None
    return tuple(filter(None, (facts.genre, voice, register, facts.pace, *facts.sound)))


def _kind(facts: Facts) -> str:
    """folk song, instrumental, waltz, instrumental waltz, or track where nothing is known."""
    if facts.genre and facts.genre in FORMS:
        return f"instrumental {facts.genre}" if facts.sung is False else facts.genre
    return _listed((facts.genre, {True: "song", False: "instrumental", None: "track"}[facts.sung]), " ")


def _with_article(phrase: str) -> str:
    return f"{'An' if phrase[:1].lower() in 'aeiou' else 'A'} {phrase}"


def _listed(parts: Iterable[str | None], between: str) -> str:
    return between.join(filter(None, parts))
