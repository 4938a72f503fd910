"""What plain tools make of a folder of song-maker songs, as predictions for score.py: what Melisma is measured against.

    python bench/plain.py DIR --out FOLDER

FOLDER/plain-vocals.json: Spleeter's own mask, the song brought to one level first; Whisper base with its own word times
on those vocals. FOLDER/plain-mix.json: Whisper base on the mix. Whisper runs as faster-whisper does by default (beam of
five, falling back to higher temperatures, each window prompted by the one before), in int8. plain-ctc-vocals.json and
plain-ctc-mix.json, in FOLDER too: the true words by `ctc-segmentation` over the whole song, with our head.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from assets.tracks.measure import measure
from assets.tracks.probe import probe
from assets.tracks.settings import TrackSettings
from bench.songs import truth_lyrics
from resources.acoustics import CTC_HEAD, AcousticModel, open_acoustic_model
from resources.engines import LocalEngine
from resources.ffmpeg import LIMITS, decode, decode_mono
from resources.models import LocalModel
from resources.separators import SPLEETER, open_separator
from resources.weights import whisper_base
from training.ctc_head import word_starts

RATE_HZ, SPEECH_HZ = 44_100, 16_000
OWN_MASK = {"exponent": 2.0, "doubt": 1.0}  # with these, both readings of the mask are Spleeter's own
Work = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    stems = arguments.out / "plain-stems"
    stems.mkdir(parents=True, exist_ok=True)
    index = json.loads((arguments.folder / "truth" / "index.json").read_text())["songs"]
    files = [arguments.folder / "audio" / Path(song["file"]).name for song in index]
    texts = truth_lyrics(arguments.folder)
    found: dict[str, dict[str, Work]] = {name: {} for name in ("vocals", "mix", "ctc-vocals", "ctc-mix")}
    for done in LocalEngine(workers=2).run(partial(open_tools, stems, texts), files, timeout_s=3600.0):
        if done.error is not None:
            raise done.error
        for name, work in done.result.items():
            found[name][done.item.name] = work
        print(f"{done.item.name:60} {done.seconds:6.1f} s", flush=True)
    for name, songs in found.items():
        (arguments.out / f"plain-{name}.json").write_text(json.dumps({"songs": songs}, indent=1))


def open_tools(stems: Path, texts: Mapping[str, str]) -> Any:
    from faster_whisper import WhisperModel

    parameters = tuple({**dict(SPLEETER.parameters), **OWN_MASK}.items())
    spleeter = open_separator(LocalModel(replace(SPLEETER, parameters=parameters)), threads=1)
    whisper = WhisperModel(str(whisper_base()), device="cpu", compute_type="int8", cpu_threads=1, num_workers=1)

    head = open_acoustic_model(LocalModel(CTC_HEAD), threads=1)

    def work(file: Path) -> dict[str, Work]:
        loudness_db = measure(file, probe(file, LIMITS).sample_rate_hz, TrackSettings(), LIMITS).integrated_lufs
        blocks = list(decode(file, RATE_HZ, 2))
        found = np.concatenate(list(spleeter.vocals(iter(blocks), loudness_db)))
        paths = {stem: stems / f"{file.stem}.{stem}.flac" for stem in ("vocals", "accompaniment")}
        for stem, sound in (("vocals", found), ("accompaniment", np.concatenate(blocks) - found)):
            soundfile.write(paths[stem], sound, RATE_HZ, subtype="PCM_24")
        heard = decode_mono(paths["vocals"], SPEECH_HZ), decode_mono(file, SPEECH_HZ)
        in_vocals: Work = {"words": list(words(whisper, heard[0]))}
        in_mix: Work = {"words": list(words(whisper, heard[1]))}
        by_ctc = [{"words": segmented(head, audio, texts.get(file.name, ""))} for audio in heard]
        relative = {stem: str(path.relative_to(stems.parent)) for stem, path in paths.items()}
        in_vocals["stems"] = relative
        return {"vocals": in_vocals, "mix": in_mix, "ctc-vocals": by_ctc[0], "ctc-mix": by_ctc[1]}

    return work


def segmented(head: AcousticModel, audio: np.ndarray, text: str) -> list[Work]:
    """Every word of a text, wherever it fits; a song that `ctc-segmentation` refuses has none."""
    said = text.split()
    if not said:
        return []
    try:
        starts = word_starts(head.log_probs(audio), said)
    except AssertionError:  # "Audio is shorter than text!"
        return []
    return [{"w": word, "start": float(start_s)} for word, start_s in zip(said, starts, strict=True)]


def words(whisper: Any, audio: np.ndarray) -> Iterator[Work]:
    segments, _ = whisper.transcribe(audio, word_timestamps=True)
    for segment in segments:
        for word in segment.words or ():
            yield {"w": word.word.strip(), "start": word.start, "end": word.end}


if __name__ == "__main__":
    main()
