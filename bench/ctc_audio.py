"""Training audio of the CTC head: 30 s windows of voices that sing, rap and speak, alone and over music.

    python -m bench.ctc_audio --out DIR [--sessions 60] [--jobs 2] [--seed 7]

DIR/index.jsonl has a row per file: file, text, starts (true start of every word in seconds, or null), split, voice,
style and scene. A window is there up to three times: the voice in a room, in a mix, and as Spleeter takes it out of
that mix, because at use both the mix and the separated vocals are heard.

The voices of the song maker, flite's diphone voices and espeak-ng sing; flite's rms and awb never do: they judge.
"""

import argparse
import json
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyworld
import soundfile as sf
from scipy import signal
from tqdm import tqdm

from bench import ctc_text
from bench.songmaker import singer, songmaker

RATE_HZ = 16_000
SONG_HZ = singer.SR
WINDOW_S = 30.0
WINDOWS_PER_SESSION = 4
FORMANTS = (0.84, 0.9, 0.96, 1.02, 1.09, 1.17, 1.25)  # stretch of the spectral envelope: above 1 a smaller vocal tract
MODELS = {("piper", "joe"): 0.4, ("flite", "slt"): 0.25, ("flite", "kal"): 0.1, ("flite", "kal16"): 0.1}
ESPEAK_SHARE = 1 - sum(MODELS.values())
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
CODECS = (
    ("mp3", ["-c:a", "libmp3lame", "-b:a", "48k"]),
    ("mp3", ["-c:a", "libmp3lame", "-b:a", "96k"]),
    ("opus", ["-c:a", "libopus", "-b:a", "32k"]),
    ("m4a", ["-c:a", "aac", "-b:a", "64k"]),
)


@dataclass(frozen=True, slots=True)
class Phrase:
    """A line as it sounds: mono samples at 44.1 kHz and, where the voice tells them, the word starts within."""

    text: str
    audio: np.ndarray
    starts: list[float] | None


@dataclass(frozen=True, slots=True)
class Window:
    file: str
    text: str
    starts: list[float] | None
    split: str
    voice: str
    style: str
    scene: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sessions", type=int, default=60, help="one voice each, four windows")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    args.out.mkdir(parents=True)
    make = partial(make_session, args.out, args.seed, args.sessions)
    with ProcessPoolExecutor(args.jobs) as pool, (args.out / "index.jsonl").open("w") as index:
        for windows in tqdm(pool.map(make, range(args.sessions)), total=args.sessions, unit="session"):
            index.writelines(json.dumps(asdict(w)) + "\n" for w in windows)
            index.flush()


def make_session(out: Path, seed: int, sessions: int, number: int) -> list[Window]:
    """One voice sings and speaks a dozen lines in four windows, each in some scenes; writes them as FLAC.

    The lines are the same in all four, sung otherwise: analysing a line costs ten times what singing it does.
    """
    rng = np.random.default_rng([seed, number])
    split = "valid" if number % 10 == 4 else "train"
    music = accompaniment(rng, seed, number)
    engine, model = pick_voice(rng)
    stretch = float(rng.uniform(0.95, 1.2))
    pool = [ctc_text.line(rng) for _ in range(13)]
    windows = []
    for take in range(WINDOWS_PER_SESSION):
        style = str(rng.choice(["sung", "rap", "spoken"], p=[0.68, 0.14, 0.18]))
        voice, text, starts = voice_window(rng, engine, model, stretch, style, pool)
        for scene, audio in scenes(rng, voice, music):
            name = f"{number:04d}-{take}-{scene}.flac"
            sf.write(out / name, np.clip(audio, -1, 1), RATE_HZ, subtype="PCM_16")
            windows.append(Window(name, text, starts, split, f"{engine}/{model}", style, scene))
    if number % 2 == 0:  # and the music alone, in which nothing is sung
        name = f"{number:04d}-music.flac"
        sf.write(out / name, to_level(to_16k(cut(rng, music)), rng.uniform(-30, -12)), RATE_HZ, subtype="PCM_16")
        windows.append(Window(name, "", [], split, "", "", "music"))
    return windows


def pick_voice(rng: np.random.Generator) -> tuple[str, str]:
    if rng.random() < ESPEAK_SHARE:
        return "espeak", f"{rng.choice(ACCENTS)}+{rng.choice(VARIANTS)}"
    shares = np.array(list(MODELS.values()))
    return list(MODELS)[rng.choice(len(shares), p=shares / shares.sum())]


def voice_window(
    rng: np.random.Generator, engine: str, model: str, stretch: float, style: str, pool: list[str]
) -> tuple[np.ndarray, str, list[float] | None]:
    """Dry voice [samples] at 44.1 kHz, its text, and its word starts. Rests are short or, now and then, long."""
    bus = np.zeros(int(WINDOW_S * SONG_HZ))
    formant = float(rng.choice(FORMANTS))
    texts: list[str] = []
    starts: list[float] | None = []
    at_s = rng.uniform(0.1, 2.5)
    for text in (str(t) for t in rng.permutation(pool)):
        phrase = perform(rng, engine, model, formant, stretch, style, text)
        if phrase is None:
            continue
        end_s = at_s + len(phrase.audio) / SONG_HZ
        if end_s > WINDOW_S - 0.1:
            break
        i = int(at_s * SONG_HZ)
        bus[i : i + len(phrase.audio)] += phrase.audio * rng.uniform(0.6, 1.1)
        if rng.random() < 0.08:  # a second voice a little later
            double = phrase.audio * rng.uniform(0.2, 0.5)
            k = min(i + int(rng.uniform(0.01, 0.04) * SONG_HZ), len(bus) - len(double))
            bus[k : k + len(double)] += double
        texts.append(text)
        starts = None if starts is None or phrase.starts is None else starts + [at_s + s for s in phrase.starts]
        at_s = end_s + (rng.uniform(3, 8) if rng.random() < 0.1 else rng.uniform(-0.05, 0.9))
    return bus, " ".join(texts), starts


def perform(
    rng: np.random.Generator, engine: str, model: str, formant: float, stretch: float, style: str, text: str
) -> Phrase | None:
    """A line sung or spoken; None where the synthesizer's phones do not fit the words."""
    if engine == "espeak":
        return sing_freely(rng, text, model, formant, style)
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


def melody(rng: np.random.Generator, utterance: singer.Utterance, voice: singer.Voice, style: str) -> list[dict]:
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


def sing_freely(rng: np.random.Generator, text: str, model: str, formant: float, style: str) -> Phrase:
    """espeak-ng, whose phone times are not known: its loud voiced stretches are drawn out and put on notes."""
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "line.wav"
        speed = str(int(rng.uniform(130, 180)))
        subprocess.run(["espeak-ng", "-v", model, "-s", speed, "-w", wav, text], check=True, capture_output=True)
        x, rate = sf.read(wav)
    x = np.trim_zeros(np.asarray(x))
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


def accompaniment(rng: np.random.Generator, seed: int, number: int) -> np.ndarray:
    """Music [samples, 2] at 44.1 kHz from the song maker's band, or chords of square waves, or noise."""
    kind = rng.choice(["band", "chords", "noise"], p=[0.84, 0.1, 0.06])
    n = int(60 * SONG_HZ)
    if kind == "band":
        song_kind = str(rng.choice(["instrumental", "pop", "long_breaks"], p=[0.5, 0.3, 0.2]))
        song = songmaker.Song(1_000_000 + seed, number, song_kind, ["joe", "slt"], 60)
        midi, _ = songmaker.make_midi(song)
        return songmaker.render_midi(midi, song.duration)
    if kind == "noise":
        tilt = signal.butter(1, float(rng.uniform(200, 4000)), fs=SONG_HZ, output="sos")
        return signal.sosfilt(tilt, rng.normal(size=(n, 2)), axis=0)
    t = np.arange(n) / SONG_HZ
    beat_s = rng.uniform(0.3, 1.2)
    root = 110 * 2 ** (rng.choice([0, 5, 7, -3], int(60 / beat_s) + 1) / 12)[(t / beat_s).astype(int)]
    phase = 2 * np.pi * np.cumsum(root) / SONG_HZ
    mono = sum(signal.square(phase * k) for k in (1, 1.26, 1.5, 4)) * np.exp(-3 * (t % beat_s))
    return np.stack([mono, mono], axis=1)


def scenes(rng: np.random.Generator, dry: np.ndarray, music: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """The voice in a room, in a mix, and taken out of the mix: (name, mono at 16 kHz)."""
    voice = singer.equalize(singer.compress(dry))
    wet = singer.reverb(np.stack([voice, voice], axis=1), rng, rng.uniform(0.3, 1.8), rng.uniform(0.03, 0.35))
    hiss = rng.normal(size=wet.shape) * 10 ** (rng.uniform(-75, -40) / 20)
    if rng.random() < 0.7:
        yield "room", coded(rng, to_level(to_16k(to_level(wet, -20) + hiss), rng.uniform(-38, -12)))
    band = to_level(cut(rng, music), -20 - rng.uniform(-5, 9))
    mix = to_level(wet, -20) + band
    yield "mix", coded(rng, to_level(to_16k(mix), rng.uniform(-38, -12)))
    if rng.random() < 0.4:
        yield "vocals", to_level(to_16k(separated(mix)), rng.uniform(-38, -14))


def separated(mix: np.ndarray) -> np.ndarray:
    """The vocals of a mix [samples, 2] as the default separator hears them."""
    from resources.separators import SPLEETER, open_separator

    if not hasattr(separated, "separator"):
        separated.separator = open_separator(SPLEETER, threads=1)  # type: ignore[attr-defined]
    blocks = np.array_split(mix.astype(np.float32), 30)
    return np.concatenate(list(separated.separator.vocals(blocks, songmaker.lufs(mix))))  # type: ignore[attr-defined]


def cut(rng: np.random.Generator, music: np.ndarray) -> np.ndarray:
    n = int(WINDOW_S * SONG_HZ)
    return np.roll(music, -int(rng.integers(len(music))), axis=0)[:n] if len(music) >= n else np.resize(music, (n, 2))


def to_16k(audio: np.ndarray) -> np.ndarray:
    mono = audio.mean(axis=1) if audio.ndim == 2 else audio
    return signal.resample_poly(mono, 160, 441)


def to_level(audio: np.ndarray, level_db: float) -> np.ndarray:
    """Brought to an RMS of `level_db` over what is not silent, less where it would clip."""
    power = (audio**2).mean(axis=1) if audio.ndim == 2 else audio**2
    loud = power[power > 1e-4 * power.mean() + 1e-14]
    if not len(loud):
        return audio
    gain = 10 ** (level_db / 20) / np.sqrt(loud.mean())
    return audio * min(gain, 0.97 / np.abs(audio).max()) if audio.ndim == 1 else audio * gain


def coded(rng: np.random.Generator, audio: np.ndarray) -> np.ndarray:
    """One in three goes through a lossy codec."""
    if rng.random() > 0.33:
        return audio
    suffix, arguments = CODECS[rng.integers(len(CODECS))]
    with tempfile.TemporaryDirectory() as folder:
        plain, small = Path(folder) / "a.wav", Path(folder) / f"b.{suffix}"
        sf.write(plain, audio, RATE_HZ)
        songmaker.encode(plain, small, arguments)
        back = ["ffmpeg", "-v", "error", "-i", small, "-f", "f32le", "-ac", "1", "-ar", str(RATE_HZ), "-"]
        x = np.frombuffer(subprocess.run(back, check=True, capture_output=True).stdout, np.float32)
    return np.pad(x[: len(audio)], (0, max(0, len(audio) - len(x))))


def _later(value: float | list[tuple[float, int]], by_s: float = 0.015) -> float | list[tuple[float, int]]:
    return [(t + by_s, m) for t, m in value] if isinstance(value, list) else value + by_s


if __name__ == "__main__":
    main()
