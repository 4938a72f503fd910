"""How fast songs are written down, and how well: openai-whisper beside ours, with the same weights on the same cuts.

    python -m bench.transcription [SONGS …] [--repeats 3] [--threads 2] [--device cpu] [--quick]
                                 [--whisperx PYTHON]

The demo's songs, and those of any folders that the song maker has filled; of each the parts where somebody sings, cut
in the silences between as the pipeline cuts them. Whisper base, beam of five, temperature 0, no
second try, English; decoding and loading are not timed. Medians over the repeats, in each of which every way has its
turn; a ratio is the median of the ratios within a repeat. whisperX is heard too where a Python is named that has it.
"""

import argparse
import json
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from assets.lyrics.cuts import Span, cut_at_silences
from assets.lyrics.settings import LyricsSettings
from assets.lyrics.transcribe import invented
from assets.scores.words import NOTHING, TimedWord, WordScore, score_words
from resources.ffmpeg import decode_mono
from resources.transcribers import LONGEST_CUT_S, RATE_HZ, FasterWhisper, Segment
from resources.weights import whisper_base

ROOT = Path(__file__).resolve().parents[1]
BATCH = 8
BEAM_SIZE = 5
REFERENCE = "openai-whisper, float32"
WHISPERX = Path(__file__).with_name("whisperx_words.py")


@dataclass(frozen=True)
class Song:
    audio: np.ndarray  # float32 [samples] at 16 kHz
    singing: list[Span]
    cuts: list[Span]
    truth: list[TimedWord]

    @property
    def duration_s(self) -> float:
        return len(self.audio) / RATE_HZ


@dataclass(frozen=True)
class Row:
    """One way of hearing all songs: seconds of each repeat, and what the words were like."""

    name: str
    wall_s: list[float]
    processor_s: list[float]
    score: WordScore  # of all that was heard
    kept: WordScore  # of what the pipeline keeps of it: no loops, nothing where nobody sings


Hear = Callable[[Song], Iterable[Segment]]


def run(songs: Sequence[Song], *, repeats: int = 3, threads: int = 2, device: str = "cpu") -> list[Row]:
    """Every way over all songs, in turns; the first row is the reference."""
    ways = ways_of_hearing(threads, device)
    walls: dict[str, list[float]] = {name: [] for name in ways}
    processors: dict[str, list[float]] = {name: [] for name in ways}
    scores: dict[str, tuple[WordScore, WordScore]] = {}
    for _ in range(repeats):
        for name, hear in ways.items():
            wall_s, processor_s = time.perf_counter(), time.process_time()
            heard = [list(hear(song)) for song in songs]
            walls[name].append(time.perf_counter() - wall_s)
            processors[name].append(time.process_time() - processor_s)
            scores[name] = scores_of(songs, heard)
    return [Row(name, walls[name], processors[name], *scores[name]) for name in ways]


def ways_of_hearing(threads: int, device: str) -> dict[str, Hear]:
    from resources.openai_whisper import OpenAIWhisper, load_whisper

    folder = whisper_base()
    plain = OpenAIWhisper(load_whisper(folder / "model.bin"), threads, beam_size=BEAM_SIZE, device=device)
    ways: dict[str, Hear] = {REFERENCE: lambda song: plain.transcribe(song.audio, song.cuts, "en").segments}
    for precision in ("float32", "int8") if device == "cpu" else ("float32", "float16", "int8_float16"):
        for batch in (1, BATCH):
            ours = FasterWhisper(
                folder, threads, compute_type=precision, beam_size=BEAM_SIZE, device=device, batch=batch
            )
            name = f"ours, {precision}, {f'{batch} cuts at once' if batch > 1 else 'cut by cut'}"
            ways[name] = lambda song, ours=ours: ours.transcribe(song.audio, song.cuts, "en").segments  # type: ignore[misc]
    return ways


def scores_of(songs: Sequence[Song], heard: Sequence[Sequence[Segment]]) -> tuple[WordScore, WordScore]:
    settings = LyricsSettings()
    every, kept = NOTHING, NOTHING
    for song, segments in zip(songs, heard, strict=True):
        sung = [each for each in segments if invented(each, song.singing, settings) is None]
        every += score_words(song.truth, words_of(segments))
        kept += score_words(song.truth, words_of(sung))
    return every, kept


def words_of(segments: Iterable[Segment]) -> list[TimedWord]:
    """The words of segments, evenly spread over each."""
    words = []
    for segment in segments:
        spoken = segment.text.split()
        step_s = (segment.end_s - segment.start_s) / max(1, len(spoken))
        for i, word in enumerate(spoken):
            words.append(TimedWord(word, segment.start_s + i * step_s, segment.start_s + (i + 1) * step_s))
    return words


def demo_songs() -> list[Song]:
    truths = [json.loads(file.read_text(encoding="utf-8")) for file in sorted((ROOT / "demo" / "truth").glob("*.json"))]
    return [_song(ROOT / "demo" / "audio" / truth["file"], truth) for truth in truths]


def made_songs(folder: Path) -> list[Song]:
    """What `bench/songmaker/songmaker.py --out FOLDER` has made."""
    index = json.loads((folder / "truth" / "index.json").read_text(encoding="utf-8"))["songs"]
    songs = []
    for each in index:
        truth = json.loads((folder / "truth" / each["id"] / "truth.json").read_text(encoding="utf-8"))
        songs.append(_song(folder / "audio" / Path(each["file"]).name, truth))
    return songs


def _song(file: Path, truth: dict[str, Any]) -> Song:
    audio = decode_mono(file, RATE_HZ)
    singing = [(start_s, end_s) for start_s, end_s in truth["vocal_segments"]]
    words = [TimedWord(word["w"], word["start"], word["end"]) for word in truth["words"]]
    return Song(audio, singing, cut_at_silences(singing, len(audio) / RATE_HZ, LONGEST_CUT_S), words)


def whisperx(python: str, songs: Sequence[Song], repeats: int, threads: int) -> Row:
    """whisperX over the same songs, whole and cut by its own speech detector, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        for i, song in enumerate(songs):
            np.save(Path(folder) / f"{i:05}.npy", song.audio)
        command = [python, str(WHISPERX), folder, str(whisper_base()), str(repeats), str(threads), str(BATCH)]
        done = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
    heard = [[Segment(text, start_s, end_s, 0.0, 0.0, 1.0) for text, start_s, end_s in each] for each in done["heard"]]
    return Row("whisperX, float32", done["wall_s"], done["processor_s"], *scores_of(songs, heard))


def table(rows: Sequence[Row], songs: Sequence[Song]) -> str:
    duration_s = sum(song.duration_s for song in songs)
    lines = [
        f"| {len(songs)} songs, {duration_s / 60:.1f} minutes, {rows[0].score.words} words | s | processor s | "
        "x real time | x openai-whisper | word error | of what is kept |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        faster = median(a / b for a, b in zip(rows[0].wall_s, row.wall_s, strict=True))
        wall_s, processor_s = median(row.wall_s), median(row.processor_s)
        lines.append(
            f"| {row.name} | {wall_s:.1f} | {processor_s:.1f} | {duration_s / wall_s:.1f} | {faster:.2f} | "
            f"{row.score.error_rate:.3f} | {row.kept.error_rate:.3f} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="*", help="filled by the song maker")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--quick", action="store_true", help="two songs, once: to see that it works")
    parser.add_argument("--whisperx", metavar="PYTHON", help="a Python that has whisperx")
    arguments = parser.parse_args()
    songs = [*demo_songs(), *(song for folder in arguments.folders for song in made_songs(folder))]
    songs = [song for song in songs if song.cuts]
    repeats = 1 if arguments.quick else arguments.repeats
    songs = songs[5:7] if arguments.quick else songs
    rows = run(songs, repeats=repeats, threads=arguments.threads, device=arguments.device)
    if arguments.whisperx:
        rows.append(whisperx(arguments.whisperx, songs, repeats, arguments.threads))
    print(table(rows, songs))
    print(f"\nmost memory of this process, all ways loaded: {peak_memory(arguments.device)}")


def peak_memory(device: str) -> str:
    """Of the process; and what is taken of a GPU now, by whichever library."""
    text = f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB"
    if device == "cpu":
        return text
    import torch

    free, total = torch.cuda.mem_get_info(device)
    return f"{text}, and {(total - free) / 2**30:.2f} GiB of the GPU"


if __name__ == "__main__":
    main()
