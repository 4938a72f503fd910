"""The `lyrics` stage: the words of a track, given or heard, each in its place."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import zip_longest

import numpy as np

from assets.lyrics.agreement import agreement_of, in_both
from assets.lyrics.align import PlacedLine
from assets.lyrics.cuts import Span, cut_at_silences
from assets.lyrics.lrc import as_json, as_values, lrc
from assets.lyrics.place import Notes, Placing, listened, place_given, place_heard
from assets.lyrics.settings import LyricsSettings
from assets.lyrics.takes import best_of
from assets.lyrics.text import SungLine, sung_lines
from assets.lyrics.transcribe import Heard, hear, most_sung
from assets.lyrics.trust import evidence_of, features_of, match_of, trusts_of, weights_digest
from assets.stage import Process, Stage
from assets.tables import Reason, Rejected, Row
from resources.acoustics import AcousticModel, Overheard, WhisperCtc, aligner_of, hears_the_same, open_acoustic_model
from resources.devices import crew_of
from resources.engines import ALONE
from resources.ffmpeg import decode_mono, local_path
from resources.models import LocalModel
from resources.stores import Store, open_store
from resources.transcribers import RATE_HZ, Transcriber, open_transcriber, transcriber_of

MOST_QUOTED = 400  # letters of what was heard instead of the given lyrics
CHOICES = {"transcriber", "aligner"}  # settings that say which models; what they come to is in the models' own specs


def lyrics_stage(settings: LyricsSettings, store_root: str, threads: int = 1, *, fetch: bool = False) -> Stage:
    """With `fetch` its models are on this machine afterwards.

    Raises:
        ModelUnavailable: one of them cannot be had (`fetch` only).
    """
    transcriber = transcriber_of(settings.transcriber, fetch=fetch)
    aligner = aligner_of(settings.aligner, fetch=fetch)
    return Stage(
        table="lyrics",
        version="3",
        reads={
            "tracks": ("uri", "sha256", "duration_s", "given_lines", "lyrics_origin"),
            "stems": ("vocals_uri", "vocal_segments"),
        },
        parameters={
            "settings": settings.model_dump(mode="json", exclude=CHOICES),
            "transcriber": transcriber.spec.as_json(),
            "aligner": aligner.spec.as_json(),
            "trust": weights_digest(),
        },
        open=partial(_open, settings, transcriber, aligner, store_root, threads),
        timeout_s=1800.0,
        crew=crew_of(transcriber, aligner) if fetch else ALONE,
    )


def _open(
    settings: LyricsSettings, transcriber: LocalModel, aligner: LocalModel, store_root: str, threads: int
) -> Process:
    models = (transcriber.spec.as_row("transcriber"), aligner.spec.as_row("aligner"))
    acoustics = open_acoustic_model(aligner, threads)
    shared = hears_the_same(aligner, transcriber)
    overhear = acoustics.overheard if shared and isinstance(acoustics, WhisperCtc) else None
    ears = Ears(open_transcriber(transcriber, threads), acoustics, models, overhear)
    return partial(lyrics_of, settings, ears, open_store(store_root))


@dataclass(frozen=True, slots=True)
class Ears:
    """The two models: one writes words down, the other hears where their letters are; and how a row names them.

    `overhear` gives, for a track of so many samples, what listens to the transcriber's encoder in the aligner's place;
    None where the two models have not the same one.
    """

    transcriber: Transcriber
    acoustics: AcousticModel
    models: Sequence[Row]
    overhear: Callable[[int], Overheard] | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What the row of a track says. `trusts` are the words', and `evidence` is what they were judged by."""

    language: str | None
    origin: str
    lines: Sequence[PlacedLine]
    trusts: Sequence[float]
    evidence: Notes


def lyrics_of(settings: LyricsSettings, ears: Ears, store: Store, track: Row) -> list[Row]:
    """The one row of a track: its given lyrics aligned, or those heard in it; none where nobody sings.

    Raises:
        Rejected: the given lyrics cannot be those of the track; see `place_given` and `_align_given`.
    """
    singing = singing_of(track)
    given = sung_lines((line["text"], line["anchor_s"]) for line in track["given_lines"] or ())
    sung_s = sum(end_s - start_s for start_s, end_s in singing)
    notes: Notes = {"sung_s": sung_s}
    if sung_s < settings.min_sung_s:
        found = Found(None, "none", [], [], notes | {"given_words": len(_words(given))})
    else:
        mix = decode_mono(local_path(track["uri"]), RATE_HZ, sha256=track["sha256"])
        with store.local(track["vocals_uri"]) as path:
            vocals = decode_mono(path, RATE_HZ)
        listen = _align_given if given else _transcribe
        found = listen(settings, ears, Sound(mix, vocals, singing, track["duration_s"]), given, notes)
    return [_row(store, track, found, ears.models, enhanced=settings.enhanced_lrc)]


@dataclass(frozen=True, slots=True)
class Sound:
    """A track as it is heard: float32 [samples] at 16 kHz, and when somebody sings."""

    mix: np.ndarray
    vocals: np.ndarray
    singing: list[Span]
    duration_s: float

    def voice_up(self, by_db: float) -> np.ndarray:
        """The mix with its voice so much louder, and no louder as a whole for it."""
        samples, up = min(len(self.mix), len(self.vocals)), np.float32(10 ** (by_db / 20))
        return (self.mix[:samples] + (up - 1) * self.vocals[:samples]) / up


def _align_given(settings: LyricsSettings, ears: Ears, sound: Sound, given: Sequence[SungLine], notes: Notes) -> Found:
    """Raises Rejected (lyrics_mismatch): what a transcriber and the aligner hear is not what was given."""
    language, heard, agreement = settings.language, None, None
    if settings.checked_cuts:
        cuts = cut_at_silences(sound.singing, sound.duration_s, settings.longest_cut_s)
        chosen = most_sung(cuts, sound.singing, settings.checked_cuts)
        heard = hear(ears.transcriber, sound.mix, chosen, sound.singing, settings)
        language = heard.language
        agreement = agreement_of([_words(p.lines) for p in heard.passages], _words(given), language)
        notes |= _notes_of(heard)
    aligner = ears.acoustics
    mix, vocals = aligner.log_probs(sound.mix), aligner.log_probs(sound.vocals)
    both = listened(settings, aligner, mix, vocals, sound.singing)
    placing = place_given(given, both, sound.singing, sound.duration_s, language or "en", settings)
    match = match_of(agreement, placing.found)
    if not placing.lines or (heard is not None and match < settings.min_match):
        raise Rejected(Reason.LYRICS_MISMATCH, _mismatch(match, placing.found, heard))
    notes |= {"match": match, "found": placing.found}
    return _found(language, "given", placing, sound, agreement, None, notes)


def _mismatch(match: float, found: float, heard: Heard | None) -> str:
    sung = " / ".join(line.text for line in heard.lines) if heard else ""
    said = f"heard ({heard.language}): {sung[:MOST_QUOTED] or 'no words'}" if heard else "nothing was transcribed"
    return f"these are the track's lyrics with probability {match:.2f}; {found:.0%} of them were found in it; {said}"


def _transcribe(settings: LyricsSettings, ears: Ears, sound: Sound, _: Sequence[SungLine], notes: Notes) -> Found:
    cuts = cut_at_silences(sound.singing, sound.duration_s, settings.longest_cut_s)
    readings = [sound.mix, *([sound.voice_up(settings.voice_up_db)] if settings.voice_up_db else [])]
    aligner = ears.acoustics
    overheard = [ears.overhear(len(reading)) for reading in readings] if ears.overhear else []
    takes: list[Heard] = []
    for reading, overhear in zip_longest(readings, overheard):
        language = takes[0].language if takes else None
        takes.append(hear(ears.transcriber, reading, cuts, sound.singing, settings, language, overhear))
    if not any(take.passages for take in takes):
        return Found(takes[0].language, "none", [], [], notes | _notes_of(takes[0]))
    if overheard:
        mix, voice = overheard[0].log_probs, overheard[-1].log_probs
    else:
        mix, voice = aligner.log_probs(sound.mix), aligner.log_probs(sound.vocals)
    both = listened(settings, aligner, mix, voice, sound.singing)
    heard = best_of(takes, cuts, both.both)
    notes |= _notes_of(heard)
    placing = place_heard(heard.passages, both, sound.singing, sound.duration_s, heard.language, settings)
    if not placing.lines:
        return Found(heard.language, "none", [], [], notes | placing.notes)
    agreed = None
    if len(takes) > 1:
        words = _words(placing.lines)
        agreed = np.min([in_both(words, _words(take.lines)) for take in takes], axis=0)
    return _found(heard.language, "transcribed", placing, sound, None, agreed, notes)


def _found(
    language: str | None,
    origin: str,
    placing: Placing,
    sound: Sound,
    agreement: float | None,
    agreed: np.ndarray | None,
    notes: Notes,
) -> Found:
    features = features_of(placing.lines, sound.singing, placing.apart_s, agreement, agreed)
    takes_agree = None if agreed is None else float(agreed.mean())
    evidence = evidence_of(features, placing.lines, sound.singing, agreement, takes_agree)
    trusts = trusts_of(features, origin)
    return Found(language, origin, placing.lines, trusts.tolist(), notes | placing.notes | asdict(evidence))


def singing_of(track: Row) -> list[Span]:
    """The vocal segments of a track, inside it."""
    duration_s = track["duration_s"]
    spans = [(max(0.0, s["start_s"]), min(duration_s, s["end_s"])) for s in track["vocal_segments"] or ()]
    return [(start_s, end_s) for start_s, end_s in spans if start_s < end_s]


def _notes_of(heard: Heard) -> Notes:
    return {
        "language_probability": heard.language_probability,
        "log_probability": heard.log_probability,
        "dropped": heard.dropped,
    }


def _words(lines: Iterable[SungLine | PlacedLine]) -> list[str]:
    return [word if isinstance(word, str) else word.text for line in lines for word in line.words]


def _row(store: Store, track: Row, found: Found, models: Sequence[Row], *, enhanced: bool) -> Row:
    """The row, once its files are in the store."""
    key = track["key"]
    names = {suffix: f"lyrics/{key[:2]}/{key}.{suffix}" for suffix in ("lrc", "json")}
    row: Row = {
        "language": found.language,
        "origin": found.origin,
        "lines": as_values(found.lines, found.trusts),
        "words": sum(len(line.words) for line in found.lines),
        "trust": sum(found.trusts) / len(found.trusts) if found.trusts else None,
        "models": list(models),
    }
    store.put_bytes(names["lrc"], lrc(found.lines, words=enhanced).encode())
    store.put_bytes(names["json"], as_json(row | {"evidence": found.evidence, "duration_s": track["duration_s"]}))
    evidence = json.dumps(found.evidence, sort_keys=True)
    return row | {"evidence": evidence, "lrc_uri": names["lrc"], "json_uri": names["json"]}
