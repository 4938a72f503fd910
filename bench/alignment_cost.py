"""What aligning costs beside transcribing, on tracks without lyrics: seconds of each in one run.

    python -m bench.alignment_cost FOLDER --work DIR [--songs 12]

FOLDER is one of the song maker's and DIR one in which bench/trust.py has separated it. `shared` listens with what the
transcriber's encoder makes of the track; `apart` has the encoder listen once more to the mix and to the voice.
"""

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from assets.lyrics.agreement import in_both
from assets.lyrics.cuts import cut_at_silences
from assets.lyrics.place import listened, place_heard
from assets.lyrics.settings import LyricsSettings
from assets.lyrics.stage import Sound, singing_of
from assets.lyrics.takes import best_of
from assets.lyrics.transcribe import Heard, hear
from assets.lyrics.trust import features_of, trusts_of
from bench.songs import rows_of
from bench.trust import models, words_of
from resources.ffmpeg import decode_mono, local_path
from resources.ledger import Ledger
from resources.stores import FolderStore
from resources.transcribers import RATE_HZ


class Clock:
    """Seconds by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        began_s = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - began_s


class Timed:
    """What overhears the encoder, with the time that takes."""

    def __init__(self, clock: Clock, samples: int) -> None:
        self.clock, self.inner = clock, models()[1].overheard(samples)

    def hear(self, start_s: float, end_s: float, encoded: np.ndarray) -> None:
        with self.clock.of("head"):
            self.inner.hear(start_s, end_s, encoded)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--songs", type=int, default=12)
    arguments = parser.parse_args()
    store = FolderStore(arguments.work.resolve() / f"{arguments.folder.name}-store")
    manifest, tracks, stems = (rows_of(Ledger(store), name) for name in ("manifest", "tracks", "stems"))
    models()
    clock, audio_s = Clock(), 0.0
    for track in list(manifest)[: arguments.songs]:
        row = manifest[track][0] | tracks[track][0] | stems[track][0]
        with store.local(row["vocals_uri"]) as path:
            vocals = decode_mono(path, RATE_HZ)
        mix = decode_mono(local_path(row["uri"]), RATE_HZ)
        measure(clock, Sound(mix, vocals, singing_of(row), row["duration_s"]))
        audio_s += row["duration_s"]
    transcribing_s = clock.seconds["hearing"] - clock.seconds["head"]
    print("| | seconds | of transcribing |\n|---|---|---|")
    print(f"| transcribing, two takes, {audio_s:.0f} s of audio | {transcribing_s:.1f} | |")
    shared_s = clock.seconds["head"] + clock.seconds["placing"]
    for name, seconds in (("shared", shared_s), ("apart", clock.seconds["encoding"] + clock.seconds["placing"])):
        print(f"| aligning, {name} | {seconds:.1f} | {seconds / transcribing_s:.1%} |")


def measure(clock: Clock, sound: Sound) -> None:
    transcriber, acoustics = models()
    settings = LyricsSettings()
    cuts = cut_at_silences(sound.singing, sound.duration_s, settings.longest_cut_s)
    if not cuts:
        return
    takes: list[Heard] = []
    readings = [sound.mix, sound.voice_up(settings.voice_up_db)]
    overheard = [Timed(clock, len(reading)) for reading in readings]
    for reading, overhear in zip(readings, overheard, strict=True):
        language = takes[0].language if takes else None
        with clock.of("hearing"):
            takes.append(hear(transcriber, reading, cuts, sound.singing, settings, language, overhear))
    with clock.of("placing"):
        mix, voice = (each.inner.log_probs for each in overheard)
        both = listened(settings, acoustics, mix, voice, sound.singing)
        heard = best_of(takes, cuts, both.both)
        placing = place_heard(heard.passages, both, sound.singing, sound.duration_s, heard.language, settings)
        if placing.lines:
            words = words_of(placing.lines)
            agreed = np.min([in_both(words, words_of(take.lines)) for take in takes], axis=0)
            trusts_of(features_of(placing.lines, sound.singing, placing.apart_s, None, agreed), "transcribed")
    with clock.of("encoding"):
        for audio in (sound.mix, sound.vocals):
            acoustics.log_probs(audio)


if __name__ == "__main__":
    main()
