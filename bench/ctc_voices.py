"""Voices that the CTC head learns from: lines spoken, rapped and sung by five synthesizers.

Every one passes through the song maker's singer (WORLD), or something like it, so that one synthesizer gives many
voices; Kokoro's are mixed anew for every session. `singer.JUDGES` and `singer.GAUGES` never sing here, in any form.
"""

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyworld
import soundfile as sf
from scipy import signal

from bench import kokoro
from bench.songmaker import singer

FORMANTS = (0.84, 0.9, 0.96, 1.02, 1.09, 1.17, 1.25)  # stretch of the spectral envelope: above 1 a smaller vocal tract
TIMED = ("piper", "flite")  # these tell when each phone begins
MODELS = {
    ("kokoro", ""): 0.45,
    ("piper", "joe"): 0.17,
    ("flite", "slt"): 0.1,
    ("festival", "ked_diphone"): 0.08,
    ("festival", "cmu_us_slt_arctic_hts"): 0.05,
    ("espeak", ""): 0.15,
}
assert not MODELS.keys() & {(each.engine, each.model) for each in (singer.GAUGES | singer.JUDGES).values()}
ACCENTS = ("en-us", "en-gb", "en-gb-x-rp", "en-gb-scotland", "en-us-nyc", "en-029")
VARIANTS = (
    "m1",
    "m2",
    "m3",
    "m4",
    "m5",
    "m6",
    "m7",
    "m8",
    "f1",
    "f2",
    "f3",
    "f4",
    "f5",
    "Alex",
    "Alicia",
    "Andrea",
    "Michael",
    "Mike",
    "Steph",
    "Denis",
    "belinda",
    "linda",
)


@dataclass(frozen=True, slots=True)
class Phrase:
    """A line as it sounds: mono samples at 44.1 kHz and, where the voice tells them, the word starts within."""

    text: str
    audio: np.ndarray
    starts: list[float] | None


def pick_voice(rng: np.random.Generator) -> tuple[str, str]:
    """A synthesizer and one of its voices."""
    shares = np.array(list(MODELS.values()))
    engine, model = list(MODELS)[rng.choice(len(shares), p=shares / shares.sum())]
    if engine == "espeak":
        model = f"{rng.choice(ACCENTS)}+{rng.choice(VARIANTS)}"
    elif engine == "kokoro":
        model = str(rng.integers(1 << 31))  # seed of a mixture
    return engine, model


def perform(
    rng: np.random.Generator, engine: str, model: str, formant: float, stretch: float, style: str, text: str
) -> Phrase | None:
    """A line sung or spoken; None where the synthesizer's phones do not fit the words."""
    if engine not in TIMED:
        return sing_freely(rng, text, *spoken(rng, engine, model, text), formant, style)
    name = f"{engine}/{model}@{formant}"
    tall = formant < 1
    singer.VOICES[name] = singer.Voice(engine, model, formant, 43 if tall else 52, 62 if tall else 74, "")
    try:
        utterance = singer.speak(name, text, stretch)
    except (ValueError, IndexError):
        return None
    if style == "spoken":
        return Phrase(text, *speak_phrase(utterance))
    notes = melody(rng, utterance, singer.VOICES[name], style)
    try:
        start_s, audio, words = singer.sing(name, utterance, notes, rng, style)
    except (ValueError, IndexError):
        return None
    if rng.random() < 0.15:  # harmony, a third above or an octave below, a little late
        shift = float(rng.choice([3, 4, -12, -5]))
        late = [{k: _later(v) for k, v in n.items()} for n in notes]
        other = singer.sing(name, utterance, late, rng, style, shift)[1]
        n = min(len(audio), len(other))
        audio[:n] += rng.uniform(0.25, 0.5) * other[:n]
    return Phrase(text, audio, [a - start_s for a, _ in words])


def speak_phrase(utterance: singer.Utterance) -> tuple[np.ndarray, list[float]]:
    """The line as WORLD gives it back unchanged, at its own speed; and its word starts."""
    n = len(utterance.voiced)
    f0 = np.where(utterance.voiced, 120.0, 0.0) * 2 ** (np.linspace(0.25, -0.25, n))
    y = pyworld.synthesize(f0, np.exp(utterance.sp), utterance.ap, utterance.rate, singer.FRAME * 1000)
    first: dict[int, float] = {}
    for syllable in utterance.syl:
        phones = [*syllable["onset"], syllable["vowel"]]
        first.setdefault(syllable["word"], phones[0].t0)
    return singer.upsample(y, utterance.rate), [first[w] for w in range(len(utterance.words))]


def melody(
    rng: np.random.Generator, utterance: singer.Utterance, voice: singer.Voice, style: str
) -> list[dict[str, Any]]:
    """Notes for the syllables: on a grid, near each other, some held, some with two pitches."""
    slot_s = rng.uniform(0.085, 0.17) if style == "rap" else rng.uniform(0.14, 0.34)
    weights = [0.8, 0.2, 0, 0] if style == "rap" else [0.5, 0.27, 0.13, 0.1]
    pitch, at_s, notes = int(rng.integers(voice.lo + 2, voice.hi - 2)), 1.0, []
    for i, syllable in enumerate(utterance.syl):
        slots = int(rng.choice(4, p=weights)) + 1
        last = i + 1 == len(utterance.syl)
        slots += int(rng.integers(0, 4)) if last and style == "sung" else 0
        end_s = at_s + slots * slot_s
        word_ends = last or utterance.syl[i + 1]["word"] != syllable["word"]
        off_s = end_s - (rng.uniform(0.1, 0.4) * slot_s if word_ends and rng.random() < 0.3 else 0)
        step = 0 if style == "rap" and rng.random() < 0.6 else int(rng.choice([-5, -4, -2, -1, 0, 0, 1, 2, 3, 4, 5]))
        pitch = int(np.clip(pitch + step, voice.lo, voice.hi))
        points = [(at_s, pitch)]
        if slots > 2 and rng.random() < 0.4:
            points.append(((at_s + off_s) / 2, int(np.clip(pitch + rng.choice([-3, -2, 2, 3]), voice.lo, voice.hi))))
        notes.append({"start": at_s, "end": off_s, "points": points})
        at_s = end_s
    return notes


def spoken(rng: np.random.Generator, engine: str, model: str, text: str) -> tuple[np.ndarray, int]:
    """A line as a synthesizer without phone times says it: mono samples and their rate."""
    if engine == "kokoro":
        return kokoro.speak(text, kokoro.mixed(int(model)), float(rng.uniform(0.8, 1.15))), kokoro.RATE_HZ
    with tempfile.TemporaryDirectory() as folder:
        wav = str(Path(folder) / "line.wav")
        if engine == "festival":
            subprocess.run(["text2wave", "-eval", f"(voice_{model})", "-o", wav], input=text, text=True, check=True)
        else:
            speed = str(int(rng.uniform(130, 180)))
            subprocess.run(["espeak-ng", "-v", model, "-s", speed, "-w", wav, text], check=True, capture_output=True)
        x, rate_hz = sf.read(wav)
    if rate_hz > 24_000:
        return signal.resample_poly(x, 1, 2), rate_hz // 2
    return x, rate_hz


def sing_freely(
    rng: np.random.Generator, text: str, x: np.ndarray, rate: int, formant: float, style: str
) -> Phrase | None:
    """A spoken line whose phone times are not known: its loud voiced stretches are drawn out and put on notes."""
    x = np.trim_zeros(np.ascontiguousarray(x, np.float64))
    if len(x) < rate // 5:
        return None
    if style == "spoken":
        return Phrase(text, singer.upsample(x, rate), None)
    frame_ms = singer.FRAME * 1000
    f0, t = pyworld.dio(x, rate, f0_floor=60, f0_ceil=420, frame_period=frame_ms)
    sp, ap = pyworld.cheaptrick(x, f0, t, rate), pyworld.d4c(x, f0, t, rate)
    level = np.sqrt(sp.mean(axis=1))
    nucleus = (f0 > 0) & (level > 0.5 * np.median(level[f0 > 0])) if (f0 > 0).any() else f0 > 0
    stretch = np.where(nucleus, rng.uniform(1.0, 1.4) if style == "rap" else rng.uniform(1.3, 3.2), 1.0)
    ends = np.cumsum(np.convolve(stretch, np.ones(5) / 5, "same"))
    source = np.interp(np.arange(int(ends[-1])), ends, np.arange(len(ends)))
    i = np.round(source).astype(int)
    low = 45 if formant < 1 else 54
    note = np.cumsum(rng.choice([-4, -2, 0, 1, 2, 3], len(i) // 50 + 1))
    midi = low + np.abs((np.repeat(note, 50)[: len(i)] + 7) % 28 - 14)
    midi = midi + 0.25 * np.sin(np.arange(len(i)) * singer.FRAME * 2 * np.pi * rng.uniform(4.8, 6))
    k = np.clip(np.arange(sp.shape[1]) / formant, 0, sp.shape[1] - 1).astype(int)
    y = pyworld.synthesize(
        440 * 2 ** ((midi - 69) / 12) * (f0[i] > 0),
        np.ascontiguousarray(sp[i][:, k]),
        np.ascontiguousarray(ap[i][:, k]),
        rate,
        frame_ms,
    )
    return Phrase(text, singer.upsample(y, rate), None)


def _later(value: float | list[tuple[float, int]], by_s: float = 0.015) -> float | list[tuple[float, int]]:
    return [(t + by_s, m) for t, m in value] if isinstance(value, list) else value + by_s
