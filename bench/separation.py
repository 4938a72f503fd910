"""Demucs here and on its own command line: the same random weights, the same audio; whole processes, start to end.

    python -m bench.separation [--tracks 10] [--track-s 30] [--long-s 1200] [--repeats 3] [--width 48] [--device cpu]
                               [--only folder memory fine-tuned tries profile]

folder: how long a folder of tracks takes, and how far apart the vocals are. memory: the most that is held for one long
track (proportional set size, all processes together; on a GPU, its own peak is in `tries`). fine-tuned: a bag of four
networks of which one gives the vocals. tries: what else would make a segment faster. profile: where its time goes.
The audio is the demo's songs, the network is htdemucs with as many channels as `--width` says (48 are the real ones).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import soundfile

from resources.ffmpeg import decode

ROOT = Path(__file__).resolve().parents[1]
RATE_HZ = 44_100
SOURCES = ["drums", "bass", "other", "vocals"]
PARTS = ("folder", "memory", "fine-tuned", "tries", "profile")
COMMAND = [sys.executable, "-m", "demucs", "--two-stems", "vocals", "--shifts", "0", "--float32", "--clip-mode", "none"]


@dataclass(frozen=True, slots=True)
class Options:
    tracks: int = 10
    track_s: float = 30.0
    long_s: float = 1200.0
    repeats: int = 3
    width: int = 48
    device: str = "cpu"
    threads: int = os.cpu_count() or 1
    batch: int = 1
    at_once: int = 1
    compile: bool = False
    only: tuple[str, ...] = PARTS


@dataclass(frozen=True, slots=True)
class Ran:
    seconds: float
    peak_gib: float
    vocals: dict[str, Path]  # by the name of the track


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Options()
    for name in ("tracks", "repeats", "width", "threads", "batch", "at_once"):
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=getattr(default, name))
    for name in ("track_s", "long_s"):
        parser.add_argument(f"--{name.replace('_', '-')}", type=float, default=getattr(default, name))
    parser.add_argument("--device", default=default.device)
    parser.add_argument("--compile", action="store_true", help="try torch.compile too: minutes of compiling")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    run(Options(**vars(parser.parse_args())))


def run(options: Options) -> None:
    """Prints the tables of the parts that are wanted."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        network = save_models(folder, options.width)
        count = sum(parameter.numel() for parameter in network.parameters()) / 1e6
        print(f"htdemucs of {options.width} channels: {count:.1f} M parameters, on {options.device}")
        if "folder" in options.only:
            compare_folder(folder, options)
        if "memory" in options.only:
            compare_memory(folder, options)
        if "fine-tuned" in options.only:
            compare_fine_tuned(folder, options)
        if {"tries", "profile"} & set(options.only):
            import torch

            from bench import demucs_tries

            device = torch.device(options.device)
            if "tries" in options.only:
                demucs_tries.try_all(network, device, options.threads, options.repeats, folder, options.compile)
            if "profile" in options.only:
                demucs_tries.profile(network, device, options.threads)


def save_models(folder: Path, width: int) -> Any:
    """Saves htdemucs and htdemucs_ft with random weights as `demucs --repo` takes them; gives the first."""
    import torch
    from demucs.htdemucs import HTDemucs
    from demucs.states import save_with_checksum

    networks = []
    for seed, signature in enumerate("abcd"):
        torch.manual_seed(seed)
        kwargs = {
            "channels": width,
            "bottom_channels": -(-512 * width // (48 * 64)) * 64,
            "t_heads": 8,
            "segment": Fraction(39, 5),
        }
        network = HTDemucs(SOURCES, **kwargs).eval().requires_grad_(False)
        package = {"klass": HTDemucs, "args": (SOURCES,), "kwargs": kwargs, "state": network.state_dict()}
        save_with_checksum(package, folder / f"{signature}.th")
        networks.append(network)
    one_each = [[float(source == member) for source in range(4)] for member in range(4)]
    (folder / "htdemucs.yaml").write_text("models: [d]")
    (folder / "htdemucs_ft.yaml").write_text(f"models: [a, b, c, d]\nweights: {one_each}")
    return networks[-1]


def compare_folder(folder: Path, options: Options) -> None:
    files = list(write_tracks(folder / "tracks", options.tracks, options.track_s))
    print(f"\na folder of {len(files)} tracks of {options.track_s:.0f} s, {options.threads} threads in all")
    print_rows(folder, "htdemucs", files, options, options.repeats)


def compare_memory(folder: Path, options: Options) -> None:
    files = list(write_tracks(folder / "long", 1, options.long_s))
    print(f"\none track of {options.long_s / 60:.0f} minutes")
    print_rows(folder, "htdemucs", files, options, 1)


def compare_fine_tuned(folder: Path, options: Options) -> None:
    files = list(write_tracks(folder / "fine-tuned", 1, options.track_s * 2))
    print(f"\nhtdemucs_ft, one track of {options.track_s * 2:.0f} s: four networks there, the vocals' one here")
    print_rows(folder, "htdemucs_ft", files, options, options.repeats)


def print_rows(folder: Path, model: str, files: Sequence[Path], options: Options, repeats: int) -> None:
    """Both in turns, so that what else the machine does falls on both; then ours with a worker for each thread."""
    splits = [(1, options.threads)]
    if options.device == "cpu" and options.threads > 1 and len(files) > 1:
        splits.append((options.threads, 1))
    runs: dict[str, list[Ran]] = {}
    for _ in range(repeats):
        runs.setdefault("demucs command line", []).append(theirs(folder, model, files, options))
        for workers, threads in splits:
            name = f"ours, {workers} worker{'s' * (workers > 1)} of {threads} thread{'s' * (threads > 1)}"
            runs.setdefault(name, []).append(ours(folder, model, files, options, workers, threads))
    audio_s = sum(soundfile.info(file).duration for file in files)
    print(f"{'':32}{'s, median':>10}{'all':>24}{'x real time':>13}{'speed':>7}{'GiB':>7}{'difference':>12}")
    first = next(iter(runs.values()))
    base = statistics.median(each.seconds for each in first)
    for name, done in runs.items():
        took = statistics.median(each.seconds for each in done)
        every = " ".join(f"{each.seconds:.1f}" for each in done)
        peak = max(each.peak_gib for each in done)
        apart = max(difference(first[0].vocals[track], path) for track, path in done[-1].vocals.items())
        row = f"{name:32}{took:10.1f}{every:>24}{audio_s / took:13.2f}{base / took:7.2f}{peak:7.2f}{apart:12.1e}"
        print(row, flush=True)


def theirs(folder: Path, model: str, files: Sequence[Path], options: Options) -> Ran:
    out = Path(tempfile.mkdtemp(dir=folder))
    command = [*COMMAND, "--repo", folder, "-n", model, "-d", options.device, "-o", out, *files]
    seconds, peak_gib = timed(command, options.threads)
    return Ran(seconds, peak_gib, {file.stem: out / model / file.stem / "vocals.wav" for file in files})


def ours(folder: Path, model: str, files: Sequence[Path], options: Options, workers: int, threads: int) -> Ran:
    out = Path(tempfile.mkdtemp(dir=folder))
    settings = {"device": options.device, "batch": options.batch, "at-once": options.at_once}
    settings |= {"workers": workers, "threads": threads}
    flags = [part for name, value in settings.items() for part in (f"--{name}", value)]
    seconds, peak_gib = timed(
        [sys.executable, "-m", "bench.demucs_folder", folder, model, out, *files, *flags], threads
    )
    found = json.loads((out / "vocals.json").read_text())
    return Ran(seconds, peak_gib, {name: Path(path) for name, path in found.items()})


def timed(command: Sequence[Any], threads: int) -> tuple[float, float]:
    """Seconds from start to end, and the most memory that the process and its children had at a time, in GiB."""
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryFile("w+") as said:
        start, most = time.perf_counter(), 0
        process = subprocess.Popen([str(part) for part in command], cwd=ROOT, env=environment, stdout=said, stderr=said)
        while process.poll() is None:
            most = max(most, held_bytes(process.pid))
            time.sleep(0.2)
        seconds = time.perf_counter() - start
        if process.returncode:
            said.seek(0)
            raise RuntimeError(f"{command[2]} failed:\n{said.read()[-3000:]}")
    return seconds, most / 2**30


def held_bytes(pid: int) -> int:
    """What a process and its children hold now, what they share counted once."""
    held = 0
    try:
        for process in (root := psutil.Process(pid), *root.children(recursive=True)):
            held += process.memory_full_info().pss
    except psutil.NoSuchProcess:
        pass
    return held


def difference(one: Path, other: Path) -> float:
    """The greatest between two files of the same length, in full scales."""
    if one == other:
        return 0.0
    blocks = (soundfile.blocks(path, RATE_HZ * 60, dtype="float32") for path in (one, other))
    return max(float(np.abs(a - b).max()) for a, b in zip(*blocks, strict=True))


def write_tracks(folder: Path, count: int, length_s: float) -> Iterator[Path]:
    """Tracks of the demo's songs, one after the other, in 16-bit wav, 6 dB softer.

    So no stem comes near full scale: there the stage moves it back, which would be no difference between the networks.
    """
    folder.mkdir()
    songs = cycle(sorted(file for file in (ROOT / "demo" / "audio").iterdir() if file.suffix not in (".txt", ".lrc")))
    blocks = (block for song in songs for block in decode(song, RATE_HZ, 2))
    for number in range(count):
        path, left = folder / f"track-{number:02}.wav", round(length_s * RATE_HZ)
        with soundfile.SoundFile(path, "w", RATE_HZ, 2, "PCM_16") as file:
            while left:
                block = next(blocks)[:left]
                file.write(block / 2)
                left -= len(block)
        yield path


if __name__ == "__main__":
    main()
