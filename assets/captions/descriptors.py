"""What can be said of a track without guessing."""

import re

import numpy as np

from assets.captions.key import Key, key_of
from assets.captions.spectra import RATE_HZ, Audio, magnitudes
from assets.captions.tempo import Tempo, onset_rate, onsets, tempo_of
from assets.captions.voice import register_of
from assets.tables import Row
from resources.captioners import Facts

# Voices of songs were measured at -3 to -12 dB of the mix; what is separated from an instrumental, below -24.
SUNG_DB, SILENT_DB = -18.0, -23.0
SUNG_SHARE = 0.03
RIVAL = 0.85  # above it, the beat might as well be counted twice as fast or slow
KEY_MARGIN = 0.1  # of 47 songs measured, 27 of the 29 above it are in this very key, and half of those below
SLOW_BPM, FAST_BPM = 85.0, 130.0
DARK_HZ, BRIGHT_HZ = 1350.0, 2100.0
SPARSE_HZ, BUSY_HZ = 1.6, 3.2  # onsets a second
QUIET_LUFS, LOUD_LUFS = -26.0, -9.0
NO_GENRE = {"", "other", "unknown", "misc", "none", "genre", "music", "default"}


def facts_of(track: Row, mix: Audio, vocals: Audio) -> tuple[Facts, Tempo | None, Key | None]:
    """Facts of a track (a row of the captions stage) with its mono mix and vocals at 22.05 kHz, as long as each other.

    Beside them tempo and key as measured, also where they are not sure enough for a sentence.
    """
    accompaniment = mix - vocals
    tempo, key = tempo_of(accompaniment), key_of(accompaniment)
    sung = is_sung(track)
    facts = Facts(
        genre=genre_of(track["genre"]),
        sung=sung,
        register=register_of(vocals) if sung else None,
        tempo_bpm=tempo.bpm if tempo else None,
        pace=pace_of(tempo) if tempo else None,
        key=key.name if key and key.margin >= KEY_MARGIN else None,
        sound=sound_of(mix, track["integrated_lufs"]),
    )
    return facts, tempo, key


def is_sung(track: Row) -> bool | None:
    """None where what was separated is too much for an instrumental and too little for a song."""
    sung_s = sum(segment["end_s"] - segment["start_s"] for segment in track["vocal_segments"] or ())
    level_db = track["vocal_to_mix_db"]
    if level_db is None or sung_s == 0 or level_db < SILENT_DB:
        return False
    return True if level_db > SUNG_DB and sung_s > SUNG_SHARE * track["duration_s"] else None


def pace_of(tempo: Tempo) -> str | None:
    if tempo.rival > RIVAL:
        return None
    return "slow" if tempo.bpm < SLOW_BPM else "fast" if tempo.bpm > FAST_BPM else "mid-tempo"


def sound_of(mix: Audio, integrated_lufs: float | None) -> tuple[str, ...]:
    """Words for what stands out; most tracks are neither dark nor bright, sparse nor busy."""
    spectrum = magnitudes(mix, 2048, 2048)
    total = float(spectrum.sum())
    if total == 0:
        return ()
    centre_hz = float(spectrum.sum(axis=0) @ np.fft.rfftfreq(2048, 1 / RATE_HZ)) / total
    words = [("dark", centre_hz < DARK_HZ), ("bright", centre_hz > BRIGHT_HZ)]
    rate_hz = onset_rate(onsets(mix))
    words += [("sparse", rate_hz < SPARSE_HZ), ("busy", rate_hz > BUSY_HZ)]
    if integrated_lufs is not None:
        words += [("quiet", integrated_lufs < QUIET_LUFS), ("loud", integrated_lufs > LOUD_LUFS)]
    return tuple(word for word, true in words if true)


def genre_of(tag: str | None) -> str | None:
    """The file's genre as a sentence can hold it; None where it is a number, a remark or nothing."""
    genre = re.sub(r"\s+", " ", re.split(r"[;,/|\0]", tag or "")[0]).strip().lower()
    fits = re.fullmatch(r"[^\W\d_][\w &'+-]{1,29}", genre)
    return genre if fits and genre not in NO_GENRE else None
