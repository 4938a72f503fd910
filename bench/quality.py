"""How good stems, words and windows are, beside plain tools on the same songs: one table, and the worst songs.

python bench/songs.py DIR --out given.json --lyrics given
python bench/songs.py DIR --out none.json --lyrics none
python bench/plain.py DIR --out .
python bench/quality.py DIR given.json none.json plain-vocals.json plain-mix.json
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from assets.scores.words import LOST_SHARE
from assets.windows.densest import Line, Word, densest_windows
from bench.songmaker import score
from bench.songs import WINDOW_S
from resources.ffmpeg import decode

Song = dict[str, Any]
WORST = 5
BREAK_S = 2.0
WINDOW_TYPES = ("rap_peak", "long_breaks")
GIVEN, NONE = "given", "none"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("predictions", type=Path, nargs="+")
    arguments = parser.parse_args()
    with ProcessPoolExecutor(2) as pool:
        pairs = [(arguments.folder, file) for file in arguments.predictions]
        scored = dict(
            zip((f.stem for f in arguments.predictions), pool.map(songs_of, *zip(*pairs, strict=True)), strict=True)
        )
    first = list(next(iter(scored.values())).values())
    print(f"{len(first)} songs, {total(first, 0)} words")
    print_figures(scored)
    print_windows_of_the_truth(arguments.folder)
    for name, songs in scored.items():
        print_worst(name, songs)


def songs_of(folder: Path, file: Path) -> dict[str, Song]:
    """Every song's scores by its id; a song that was not done has lost all its words."""
    found = json.loads(file.read_text())
    index = json.loads((folder / "truth" / "index.json").read_text())["songs"]
    scored = score.score_all(folder / "truth", found, file.parent)["songs"]
    songs = {}
    for each in index:
        truth = json.loads((folder / "truth" / each["id"] / "truth.json").read_text())
        songs[each["id"]] = {"type": each["type"], "words": score.score_words(truth, [])} | scored.get(each["id"], {})
        songs[each["id"]]["voices"] = ",".join(truth.get("voices", ()))
        audio = folder / "audio" / Path(each["file"]).name
        words = found["songs"].get(audio.name, {}).get("words", ())
        songs[each["id"]]["in_breaks"] = sum(is_far(word["start"], truth["vocal_segments"]) for word in words)
        stems = found["songs"].get(audio.name, {}).get("stems")
        if stems:
            songs[each["id"]]["residue_db"] = residue_db(audio, [file.parent / stem for stem in stems.values()])
    return songs


def is_far(time_s: float, singing: Sequence[tuple[float, float]]) -> bool:
    """Whether nobody sings for `BREAK_S` around a time, in a song that is sung."""
    return bool(singing) and not any(start_s - BREAK_S <= time_s <= end_s + BREAK_S for start_s, end_s in singing)


def residue_db(mix: Path, stems: Sequence[Path]) -> float:
    """Level of vocals + accompaniment - mix, RMS in dBFS."""
    heard = np.concatenate(list(decode(mix, 44_100, 2))).astype(np.float64)
    total = sum(soundfile.read(stem, dtype="float64")[0] for stem in stems)
    return float(10 * np.log10(np.mean((total - heard) ** 2) + 1e-20))


def w_of(song: Song) -> tuple[int, int, int]:
    """True words, those placed within 0.3 s, and edits (substitutions, deletions, insertions)."""
    words = song["words"]
    if not words["ref_words"]:
        return 0, 0, 0
    edits = sum(words[name] for name in ("substitutions", "deletions", "insertions"))
    return words["ref_words"], words["placed"], edits


def print_figures(scored: Mapping[str, Mapping[str, Song]]) -> None:
    rows: list[tuple[str, Callable[[list[Song]], float | None], str]] = [
        ("vocals SDR, dB (mean)", lambda songs: mean(stem(songs, "sdr")), ".2f"),
        ("vocals SI-SDR, dB (mean)", lambda songs: mean(stem(songs, "si_sdr")), ".2f"),
        ("vocals SDR, dB (median over 1 s, mean)", lambda songs: mean(stem(songs, "sdr_median_1s")), ".2f"),
        (
            "stems - mix, dBFS (worst song)",
            lambda songs: most([s["residue_db"] for s in songs if "residue_db" in s]),
            ".1f",
        ),
        ("words placed within 0.3 s, of all", lambda songs: total(songs, 1) / total(songs, 0), ".1%"),
        ("worst song", lambda songs: min(placed(s) for s in songs if w_of(s)[0]), ".1%"),
        ("lost songs", lambda songs: sum(placed(s) < LOST_SHARE for s in songs if w_of(s)[0]), ".0f"),
        ("median onset error in a song, ms (mean)", lambda songs: mean(onset_errors_ms(songs)), ".0f"),
        ("word error rate, of all words", lambda songs: total(songs, 2) / total(songs, 0), ".3f"),
        ("words on instrumentals", lambda songs: sum(s["words"].get("invented_words", 0) for s in songs), ".0f"),
        ("words more than 2 s from any singing", lambda songs: sum(s["in_breaks"] for s in songs), ".0f"),
        ("windows, all", lambda songs: mean(values(songs, "window", "quality")), ".3f"),
        ("windows, rap_peak and long_breaks", lambda songs: mean(values(hard(songs), "window", "quality")), ".3f"),
    ]
    print("| | " + " | ".join(scored) + " |")
    print("|---" * (len(scored) + 1) + "|")
    for name, figure, form in rows:
        cells = [figure(list(songs.values())) for songs in scored.values()]
        print(f"| {name} | " + " | ".join("" if cell is None else format(cell, form) for cell in cells) + " |")


def print_windows_of_the_truth(folder: Path) -> None:
    """What windows chosen from the true words hold, against any windows, which may cut words (ours may not)."""
    found: dict[str, list[float]] = {}
    for each in json.loads((folder / "truth" / "index.json").read_text())["songs"]:
        truth = json.loads((folder / "truth" / each["id"] / "truth.json").read_text())
        words = [Word(word["start"], word["end"]) for word in truth["words"]]
        lines = [Line(line["start"], line["end"], tuple(words[slice(*line["words"])])) for line in truth["lines"]]
        for best in densest_windows(lines, WINDOW_S, truth["duration"], 1) if words else ():
            quality = score.score_window(truth, best.start_s, best.end_s)["quality"]
            found.setdefault("hard" if each["type"] in WINDOW_TYPES else "other", []).append(quality)
    hard, other = found.get("hard", []), found.get("other", [])
    print(f"windows from the true words: {mean([*hard, *other])}, on {' and '.join(WINDOW_TYPES)} {mean(hard)}")


def print_worst(name: str, songs: Mapping[str, Song]) -> None:
    sung = {song_id: song for song_id, song in songs.items() if w_of(song)[0]}
    figures: dict[str, Callable[[Song], float | None]] = {
        "vocals SDR": lambda song: song.get("stems", {}).get("vocals", {}).get("sdr"),
        "words placed": placed,
        "word error rate": lambda song: -w_of(song)[2] / w_of(song)[0],
    }
    for figure, value in figures.items():
        known = sorted((v, song_id) for song_id, song in sung.items() if (v := value(song)) is not None)
        worst = ", ".join(f"{i} {sung[i]['type']} ({sung[i]['voices']}) {abs(v):.2f}" for v, i in known[:WORST])
        if known:
            print(f"{name}, worst {figure}: {worst}")


def placed(song: Song) -> float:
    words, found, _ = w_of(song)
    return found / words


def total(songs: Sequence[Song], column: int) -> int:
    return sum(w_of(song)[column] for song in songs)


def stem(songs: Sequence[Song], figure: str) -> list[float]:
    """Of songs that have both stems: where one is all of the mix, a separator has nothing to do."""
    both = [song["stems"] for song in songs if "stems" in song and song["type"] != "acappella"]
    return [stems["vocals"][figure] for stems in both if figure in stems["vocals"]]


def hard(songs: Sequence[Song]) -> list[Song]:
    return [song for song in songs if song["type"] in WINDOW_TYPES]


def values(songs: Sequence[Song], part: str, figure: str) -> list[float]:
    return [v for song in songs if (v := song.get(part, {}).get(figure)) is not None]


def onset_errors_ms(songs: Sequence[Song]) -> list[float]:
    """Of the words that were found; a song none of whose words were found has none."""
    return [1000 * error_s for error_s in values(songs, "words", "median_abs")]


def mean(numbers: Sequence[float]) -> float | None:
    return float(np.mean(numbers)) if numbers else None


def most(numbers: Sequence[float]) -> float | None:
    return max(numbers, default=None)


if __name__ == "__main__":
    main()
