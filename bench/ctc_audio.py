"""Training audio of the CTC head: 30 s windows of voices that sing, rap and speak, alone and over music.

    python -m bench.ctc_audio --out DIR [--sessions 71] [--jobs 2] [--seed 21]

DIR/index.jsonl has a row per file: file, text, starts (true start of every word in seconds, or null), split, voice,
style and scene. A window is there up to three times: the voice in a room, in a mix, and as Spleeter takes it out of
that mix, because at use both the mix and the separated vocals are heard.
"""

import argparse
import json
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
import soundfile as sf
from scipy import signal
from tqdm import tqdm

from bench import ctc_text
from bench.ctc_voices import FORMANTS, perform, pick_voice
from bench.songmaker import singer, songmaker
from resources.models import LocalModel
from resources.separators import SPLEETER, Separator, open_separator

RATE_HZ = 16_000
SONG_HZ = singer.SR
WINDOW_S = 30.0
WINDOWS_PER_SESSION = 4
CODECS = (
    ("mp3", ["-c:a", "libmp3lame", "-b:a", "48k"]),
    ("mp3", ["-c:a", "libmp3lame", "-b:a", "96k"]),
    ("opus", ["-c:a", "libopus", "-b:a", "32k"]),
    ("m4a", ["-c:a", "aac", "-b:a", "64k"]),
)


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
    parser.add_argument("--sessions", type=int, default=71, help="one voice each, four windows")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=21)
    args = parser.parse_args()
    args.out.mkdir(parents=True)
    make = partial(make_session, args.out, args.seed)
    with ProcessPoolExecutor(args.jobs) as pool, (args.out / "index.jsonl").open("w") as index:
        for windows in tqdm(pool.map(make, range(args.sessions)), total=args.sessions, unit="session"):
            index.writelines(json.dumps(asdict(w)) + "\n" for w in windows)
            index.flush()


def make_session(out: Path, seed: int, number: int) -> list[Window]:
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
    if number % 2 == 0:  # and the music alone, in which nothing is sung, and what a separator takes for a voice in it
        alone = cut(rng, music)
        for scene, audio in (("music", alone), ("residue", separated(to_level(alone, -20)))):
            name = f"{number:04d}-{scene}.flac"
            sf.write(out / name, to_level(to_16k(audio), rng.uniform(-38, -12)), RATE_HZ, subtype="PCM_16")
            windows.append(Window(name, "", [], split, "", "", scene))
    return windows


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
    if rng.random() < 0.6:
        yield "vocals", to_level(to_16k(separated(mix)), rng.uniform(-38, -14))


def separated(mix: np.ndarray) -> np.ndarray:
    """The vocals of a mix [samples, 2] as the default separator hears them."""
    blocks = np.array_split(mix.astype(np.float32), 30)
    return np.concatenate(list(separator().vocals(blocks, songmaker.lufs(mix))))


@cache
def separator() -> Separator:
    """One for each worker process."""
    return open_separator(LocalModel(SPLEETER), threads=1)


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
        back = ["ffmpeg", "-v", "error", "-i", str(small), "-f", "f32le", "-ac", "1", "-ar", str(RATE_HZ), "-"]
        x = np.frombuffer(subprocess.run(back, check=True, capture_output=True).stdout, np.float32)
    return np.pad(x[: len(audio)], (0, max(0, len(audio) - len(x))))


if __name__ == "__main__":
    main()
