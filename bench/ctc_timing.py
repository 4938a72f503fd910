"""How late the CTC head hears words begin, measured on songs with truth and written into its weights file.

    python -m bench.ctc_timing GAUGE [--weights resources/weights/ctc_head.safetensors]

GAUGE is a folder of the song maker's, sung by `singer.GAUGES`, on whom the head was not trained. A `b` is a silence
before it is heard and an `a` is heard at once, so lateness is told letter by letter. Prints the new sha256, which goes
into `CTC_HEAD` in resources/acoustics.py, and the errors before and after.
"""

import argparse
import hashlib
import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from assets.lyrics.place import listened, place_given
from assets.lyrics.settings import LyricsSettings
from assets.lyrics.text import plain, sung_lines
from bench.songmaker import score
from resources.acoustics import CTC_HEAD, HEAD_PATH, RATE_HZ, WhisperCtc, WhisperEncoder
from resources.ctc_head import pack, unpack
from resources.ffmpeg import decode_mono

FEW = 40  # words, of which a median is good
NEAR_S = 0.3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("songs", type=Path)
    parser.add_argument("--weights", type=Path, default=HEAD_PATH)
    arguments = parser.parse_args()
    weights = arguments.weights.read_bytes()
    head, facts = unpack(weights)
    truths = sorted((arguments.songs / "truth").glob("*/truth.json"))
    with ProcessPoolExecutor(2) as pool:
        late = [pair for found in pool.map(partial(late_in, arguments.songs, weights), truths) for pair in found]
    errors = np.array([by_s for _, by_s in late])
    late_s = late_by_letters(late)
    mended = np.array([by_s - late_of(word, late_s) for word, by_s in late])
    data = pack(head, replace(facts, late_s=late_s))
    arguments.weights.write_bytes(data)
    for name, each in (("before", errors), ("after", mended)):
        median_ms, late_ms = np.median(np.abs(each)) * 1000, np.median(each) * 1000
        print(f"{name}: {len(each)} words, median error {median_ms:.0f} ms, late {late_ms:.0f} ms")
    print(f"{arguments.weights}: sha256 {hashlib.sha256(data).hexdigest()}")


@cache
def model(weights: bytes) -> WhisperCtc:
    """One for each worker process; what it knows of its lateness is left aside."""
    run: dict[str, Any] = dict(CTC_HEAD.parameters)
    found = WhisperCtc(weights, WhisperEncoder(1), context_s=run["context_s"], level_db=run["level_db"])
    found.late_s = {}
    return found


def late_in(songs: Path, weights: bytes, file: Path) -> list[tuple[str, float]]:
    """The words of a song that are found, and by how many seconds after their true starts."""
    truth = json.loads(file.read_text())
    if not truth["words"]:
        return []
    head, settings = model(weights), LyricsSettings()
    heard = head.log_probs(decode_mono(songs / truth["file"], RATE_HZ))
    singing = [(start_s, end_s) for start_s, end_s in truth["vocal_segments"]]
    lines = sung_lines((line, None) for line in (file.parent / "lyrics.txt").read_text().splitlines())
    both = listened(settings, head, heard, heard, singing)
    placing = place_given(lines, both, singing, truth["duration"], "en", settings)
    found = [{"w": word.text, "start": word.start_s} for line in placing.lines for word in line.words]
    pairs = [(truth["words"][i], found[j]) for i, j in score.match_words(truth["words"], found)[0]]
    return [(plain(true["w"]), by_s) for true, got in pairs if abs(by_s := got["start"] - true["start"]) <= NEAR_S]


def late_by_letters(late: Sequence[tuple[str, float]]) -> dict[str, float]:
    """The median by first letter, and by the first two where `FEW` words have them; nearer to that of all words, which
    is under the empty name, where few have."""
    common = float(np.median([by_s for _, by_s in late]))
    groups: dict[str, list[float]] = {}
    for word, by_s in late:
        for start in {word[:1], word[:2]}:
            groups.setdefault(start, []).append(by_s)

    def lateness(found: Iterable[float], count: int) -> float:
        return round(common + (float(np.median(list(found))) - common) * count / (count + FEW / 4), 4)

    kept = {start: found for start, found in sorted(groups.items()) if len(start) == 1 or len(found) >= FEW}
    return {"": round(common, 4), **{start: lateness(found, len(found)) for start, found in kept.items()}}


def late_of(word: str, late_s: dict[str, float]) -> float:
    return late_s.get(word[:2], late_s.get(word[:1], late_s[""]))


if __name__ == "__main__":
    main()
