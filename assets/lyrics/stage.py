"""The `lyrics` stage: the words of a track, given or heard, each in its place."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np

from assets.lyrics.align import PlacedLine
from assets.lyrics.cuts import Span, cut_at_silences
from assets.lyrics.lrc import as_json, as_values, lrc
from assets.lyrics.place import Notes, place_given, place_heard, posteriors_of
from assets.lyrics.settings import LyricsSettings
from assets.lyrics.takes import best_of
from assets.lyrics.text import SungLine, sung_lines
from assets.lyrics.transcribe import Heard, densest, hear
from assets.lyrics.trust import agreement_of, evidence_of, trust_of
from assets.stage import Process, Stage
from assets.tables import Row
from resources.acoustics import AcousticModel, aligner_of, open_acoustic_model
from resources.devices import crew_of
from resources.engines import ALONE
from resources.ffmpeg import decode_mono, local_path
from resources.models import LocalModel
from resources.stores import Store, open_store
from resources.transcribers import RATE_HZ, Transcriber, open_transcriber, transcriber_of

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
        version="2",
        reads={
            "tracks": ("uri", "sha256", "duration_s", "given_lines", "lyrics_origin"),
            "stems": ("vocals_uri", "vocal_segments"),
        },
        parameters={
            "settings": settings.model_dump(mode="json", exclude=CHOICES),
            "transcriber": transcriber.spec.as_json(),
            "aligner": aligner.spec.as_json(),
        },
        open=partial(_open, settings, transcriber, aligner, store_root, threads),
        timeout_s=1800.0,
        crew=crew_of(transcriber, aligner) if fetch else ALONE,
    )


def _open(
    settings: LyricsSettings, transcriber: LocalModel, aligner: LocalModel, store_root: str, threads: int
) -> Process:
    models = (transcriber.spec.as_row("transcriber"), aligner.spec.as_row("aligner"))
    ears = Ears(open_transcriber(transcriber, threads), open_acoustic_model(aligner, threads), models)
    return partial(lyrics_of, settings, ears, open_store(store_root))


@dataclass(frozen=True, slots=True)
class Ears:
    """The two models: one writes words down, the other hears where their letters are; and how a row names them."""

    transcriber: Transcriber
    acoustics: AcousticModel
    models: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Found:
    """What the row of a track says. `evidence` is what `trust` was judged by, and what was seen on the way."""

    language: str | None
    origin: str
    lines: Sequence[PlacedLine]
    trust: float | None
    evidence: Notes


def lyrics_of(settings: LyricsSettings, ears: Ears, store: Store, track: Row) -> list[Row]:
    """The one row of a track: its given lyrics aligned, or those heard in it; none where nobody sings.

    Raises:
        Rejected: the given lyrics cannot be those of the track; see `place_given`.
    """
    singing = singing_of(track)
    given = sung_lines((line["text"], line["anchor_s"]) for line in track["given_lines"] or ())
    sung_s = sum(end_s - start_s for start_s, end_s in singing)
    notes: Notes = {"sung_s": sung_s}
    if sung_s < settings.min_sung_s:
        found = Found(None, "none", [], None, notes | {"given_words": len(_words(given))})
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
    language, agreement = settings.language, None
    if settings.check_given:
        cuts = cut_at_silences(sound.singing, sound.duration_s, settings.longest_cut_s)
        heard = hear(ears.transcriber, sound.mix, [densest(cuts, sound.singing)], sound.singing, settings)
        language, agreement = heard.language, agreement_of(_words(heard.lines), _words(given))
        notes |= _notes_of(heard)
    posteriors = posteriors_of(settings, ears.acoustics, sound.mix, sound.vocals, sound.singing)
    lines, more = place_given(given, posteriors, sound.singing, sound.duration_s, language or "en", settings)
    evidence = evidence_of(lines, sound.singing, agreement)
    return Found(language, "given", lines, trust_of(evidence), notes | more | asdict(evidence))


def _transcribe(settings: LyricsSettings, ears: Ears, sound: Sound, _: Sequence[SungLine], notes: Notes) -> Found:
    cuts = cut_at_silences(sound.singing, sound.duration_s, settings.longest_cut_s)
    takes = [hear(ears.transcriber, sound.mix, cuts, sound.singing, settings)]
    if settings.voice_up_db:
        forward = sound.voice_up(settings.voice_up_db)
        takes.append(hear(ears.transcriber, forward, cuts, sound.singing, settings, takes[0].language))
    if not any(take.passages for take in takes):
        return Found(takes[0].language, "none", [], None, notes | _notes_of(takes[0]))
    posteriors = posteriors_of(settings, ears.acoustics, sound.mix, sound.vocals, sound.singing)
    heard = best_of(takes, cuts, posteriors)
    notes |= _notes_of(heard)
    lines, more = place_heard(heard.passages, posteriors, sound.singing, sound.duration_s, heard.language, settings)
    if not lines:
        return Found(heard.language, "none", [], None, notes | more)
    agree = agreement_of(_words(takes[0].lines), _words(takes[-1].lines)) if len(takes) > 1 else None
    evidence = evidence_of(lines, sound.singing, takes_agree=agree)
    return Found(heard.language, "transcribed", lines, trust_of(evidence), notes | more | asdict(evidence))


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


def _words(lines: Sequence[SungLine]) -> list[str]:
    return [word for line in lines for word in line.words]


def _row(store: Store, track: Row, found: Found, models: Sequence[Row], *, enhanced: bool) -> Row:
    """The row, once its files are in the store."""
    key = track["key"]
    names = {suffix: f"lyrics/{key[:2]}/{key}.{suffix}" for suffix in ("lrc", "json")}
    row: Row = {
        "language": found.language,
        "origin": found.origin,
        "lines": as_values(found.lines),
        "words": sum(len(line.words) for line in found.lines),
        "trust": found.trust,
        "models": list(models),
    }
    store.put_bytes(names["lrc"], lrc(found.lines, words=enhanced).encode())
    store.put_bytes(names["json"], as_json(row | {"evidence": found.evidence, "duration_s": track["duration_s"]}))
    evidence = json.dumps(found.evidence, sort_keys=True)
    return row | {"evidence": evidence, "lrc_uri": names["lrc"], "json_uri": names["json"]}
