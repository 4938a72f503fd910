"""Decoding and resampling, ours beside librosa, PyAV and torchcodec.

    python -m bench.decoding [--minutes 3] [--rounds 3]

The demo's songs end to end as mp3, flac, m4a (AAC) and ogg (Vorbis), read whole into memory as 44.1 kHz stereo and as
16 kHz mono, the mean of both sides. Every reader takes its turn in every round; seconds are medians, by the clock and
of the processor (with child processes), for each minute of audio. Beside them: how many samples a reader gives more or
less than ours, and how far it is from ours, as the level of the difference under that of the sound.

Then every reader gets files that are out to harm, in a process of its own that may use 2 GB and a minute: broken off,
garbage behind a good header, and ten hours of silence in a few MB. A crash costs the worker where a reader decodes in
its process, and one track where a child does. torchcodec is measured where it is installed (0.12 runs on torch 2.13
without CUDA, and needs the system's FFmpeg), librosa reads m4a only where the system has an ffmpeg.
"""

import argparse
import importlib.util
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain, product
from pathlib import Path
from typing import Any

import numpy as np

from resources.child import executable
from resources.ffmpeg import decode, decode_mono

DEMO = Path(__file__).resolve().parents[1] / "demo" / "audio"
SOURCE_HZ, SPEECH_HZ = 44_100, 16_000
CODECS = {
    "mp3": ["-c:a", "libmp3lame", "-b:a", "192k"],
    "flac": ["-c:a", "flac"],
    "m4a": ["-c:a", "aac", "-b:a", "160k"],
    "ogg": ["-c:a", "libvorbis", "-b:a", "160k"],
}
TASKS = {"44.1 kHz stereo": (SOURCE_HZ, 2), "16 kHz mono": (SPEECH_HZ, 1)}
HARM_BYTES, HARM_S = 2 << 30, 60.0

Read = Callable[[Path, int, int], np.ndarray]  # path, rate, channels -> float32 [samples, channels]


def ours(path: Path, rate_hz: int, channels: int) -> np.ndarray:
    if channels == 1:
        return decode_mono(path, rate_hz)[:, None]
    return np.concatenate(list(decode(path, rate_hz, channels)))


def with_librosa(path: Path, rate_hz: int, channels: int) -> np.ndarray:
    import librosa

    with warnings.catch_warnings():  # that it reads m4a in its deprecated way
        warnings.simplefilter("ignore")
        audio, _ = librosa.load(path, sr=rate_hz, mono=channels == 1)
    return audio.reshape(channels, -1).T


def with_pyav(path: Path, rate_hz: int, channels: int) -> np.ndarray:
    import av

    with av.open(str(path)) as container:
        resampler = av.AudioResampler("flt", "stereo", rate_hz)
        frames = chain(container.decode(audio=0), [None])  # None has the resampler give what it still holds
        blocks = [out.to_ndarray().reshape(-1, 2) for frame in frames for out in resampler.resample(frame)]
    return mixed(np.concatenate(blocks), channels)


def with_torchcodec(path: Path, rate_hz: int, channels: int) -> np.ndarray:
    from torchcodec.decoders import AudioDecoder  # type: ignore[import-not-found]

    return mixed(AudioDecoder(path, sample_rate=rate_hz).get_all_samples().data.numpy().T, channels)


def mixed(audio: np.ndarray, channels: int) -> np.ndarray:
    """The mean of both sides, where one channel is wanted: FFmpeg's own mono is 3 dB louder, and may clip."""
    return audio if channels == 2 else audio.mean(axis=1, keepdims=True)


READERS: dict[str, Read] = {"ours": ours, "librosa": with_librosa, "PyAV": with_pyav, "torchcodec": with_torchcodec}


@dataclass(slots=True)
class Cost:
    clock_s: list[float] = field(default_factory=list)
    processor_s: list[float] = field(default_factory=list)
    child_s: float = 0.0


def readers(codec: str = "") -> dict[str, Read]:
    """Those that are there, and can read it."""
    packages = {"ours": "ffmpeg", "librosa": "librosa", "PyAV": "av", "torchcodec": "torchcodec"}
    there = {name: read for name, read in READERS.items() if importlib.util.find_spec(packages[name])}
    if codec == "m4a" and not shutil.which("ffmpeg"):
        there.pop("librosa", None)
    return there


def run(minutes: float = 3.0, rounds: int = 3) -> list[dict[str, Any]]:
    """A row for every reader, codec and task."""
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for codec, path in songs(Path(folder), minutes).items():
            for task, (rate_hz, channels) in TASKS.items():
                rows += compared(codec, path, task, rate_hz, channels, minutes, rounds)
    return rows


def compared(
    codec: str, path: Path, task: str, rate_hz: int, channels: int, minutes: float, rounds: int
) -> Iterator[dict[str, Any]]:
    heard = {name: read(path, rate_hz, channels) for name, read in readers(codec).items()}  # and libraries are warm now
    costs = {name: Cost() for name in heard}
    for _, (name, cost) in product(range(rounds), costs.items()):
        start_s, (own_s, child_s) = time.perf_counter(), processor_s()
        READERS[name](path, rate_hz, channels)
        after_own_s, after_child_s = processor_s()
        cost.clock_s.append((time.perf_counter() - start_s) / minutes)
        cost.processor_s.append((after_own_s + after_child_s - own_s - child_s) / minutes)
        cost.child_s += after_child_s - child_s
    reference = statistics.median(costs["ours"].clock_s)
    for name, cost in costs.items():
        clock_s = statistics.median(cost.clock_s)
        yield {
            "codec": codec,
            "task": task,
            "reader": name,
            "s/min": clock_s,
            "processor s/min": statistics.median(cost.processor_s),
            "times as fast as ours": reference / clock_s,
            "samples more than ours": len(heard[name]) - len(heard["ours"]),
            "difference, dB": difference_db(heard["ours"], heard[name]),
            "a crash costs": "a track" if cost.child_s > 0.2 * sum(cost.clock_s) * minutes else "the worker",
        }


def processor_s() -> tuple[float, float]:
    """Of this process, and of its children that have ended."""
    return tuple(  # type: ignore[return-value]
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def difference_db(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Level of the difference under that of the sound, over what both have; -inf where they are the same."""
    length = min(len(ours), len(theirs))
    sound, rest = (
        float(np.square(part[:length], dtype=np.float64).mean()) for part in (ours, ours[:length] - theirs[:length])
    )
    return float(10 * np.log10(rest / sound)) if rest else -np.inf


def songs(folder: Path, minutes: float) -> dict[str, Path]:
    """The demo's songs end to end, so many minutes of them, in every codec."""
    wanted = round(60 * minutes * SOURCE_HZ)
    files = [file for file in sorted(DEMO.iterdir()) if file.suffix not in (".txt", ".lrc")]
    once = np.concatenate([block for file in files for block in decode(file, SOURCE_HZ, 2)])
    audio = np.resize(once, (wanted, 2))
    encoded = {codec: folder / f"songs.{codec}" for codec in CODECS}
    for codec, path in encoded.items():
        into(path, CODECS[codec], ["-f", "f32le", "-ar", str(SOURCE_HZ), "-ac", "2", "-i", "pipe:0"], audio.tobytes())
    return encoded


def into(path: Path, codec: list[str], source: list[str], data: bytes = b"") -> None:
    command = [executable(), "-v", "error", "-y", *source, *codec, str(path)]
    subprocess.run(command, input=data, check=True)


def harm(folder: Path) -> dict[str, Path]:
    """Files that are out to harm."""
    made = songs(folder, 1.0)
    broken, garbage, silence = folder / "broken off.m4a", folder / "garbage.mp3", folder / "ten hours.flac"
    broken.write_bytes(made["m4a"].read_bytes()[:300_000])
    mp3 = made["mp3"].read_bytes()
    garbage.write_bytes(mp3[:20_000] + np.random.default_rng(0).bytes(200_000))
    into(
        silence,
        ["-t", "36000", "-c:a", "flac", "-compression_level", "12"],
        ["-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono"],
    )
    return {"broken off": broken, "garbage": garbage, f"ten hours in {silence.stat().st_size / 1e6:.0f} MB": silence}


def survived(name: str, path: Path) -> str:
    """What becomes of a process that reads a file: `ok` with the seconds it got, the error, or its end."""
    command = [sys.executable, "-m", "bench.decoding", "--read", name, str(path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=HARM_S, check=False)
    except subprocess.TimeoutExpired:
        return f"more than {HARM_S:.0f} s"
    if done.returncode < 0:
        return f"dies of signal {-done.returncode}"
    return (done.stdout.strip().splitlines() or [f"ends with {done.returncode}"])[-1]


def read_alone(name: str, path: Path) -> str:
    """Reads in this process, which may not grow; ours block by block, as the stages do."""
    import torch  # noqa: F401 - a worker has it in memory

    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + HARM_BYTES,) * 2)
    try:
        if name == "ours":
            length = sum(len(block) for block in decode(path, SOURCE_HZ, 2))
        else:
            length = len(READERS[name](path, SOURCE_HZ, 2))
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is the finding
        reason = getattr(error, "reason", "")
        return f"{type(error).__name__}{f' ({reason})' if reason else ''}"
    return f"ok, {length / SOURCE_HZ:.0f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--read", nargs=2, metavar=("READER", "FILE"), help="read one file, and say what became of it")
    arguments = parser.parse_args()
    if arguments.read:
        print(read_alone(arguments.read[0], Path(arguments.read[1])))
        return
    rows = run(arguments.minutes, arguments.rounds)
    print(" | ".join(rows[0]))
    for row in rows:
        print(" | ".join(f"{value:.3g}" if isinstance(value, float) else str(value) for value in row.values()))
    with tempfile.TemporaryDirectory() as folder:
        files = harm(Path(folder))
        print("\nreader | " + " | ".join(files))
        for name in readers():
            print(f"{name} | " + " | ".join(survived(name, path) for path in files.values()))


if __name__ == "__main__":
    main()
