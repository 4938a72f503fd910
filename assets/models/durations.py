"""Line durations of a run: learnt from the tracks that its song model learns from, judged on held-out ones."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from assets.models.fullest import fullest_windows
from assets.models.latents import MOST_FAULTY, index_now
from assets.models.presets import PRESETS
from assets.models.published import publish
from assets.models.settings import DurationsLaunch, ModelsSettings
from assets.tables import Row
from resources.ledger import Ledger
from resources.models import check_installed

if TYPE_CHECKING:
    from collections.abc import Callable

    from training.durations.fit import TimedSong
    from training.durations.network import Durations

WEIGHTS = "durations.safetensors"
HELD_OUT = "valid"


@dataclass(frozen=True, slots=True)
class LineErrors:
    """Mean absolute errors of lines' lengths, with the tempo hidden."""

    songs: int
    lines: int
    error_s: float | None
    syllables_error_s: float | None  # of lengths by syllables


def learn_durations(
    launch: DurationsLaunch,
    run: str,
    ledger: Ledger,
    models: ModelsSettings,
    watch: "Callable[[int, float], None]" = lambda epoch, loss: None,
) -> Row:
    """Learns them, puts them into the store, and gives the row that says what they are.

    Raises:
        NoLatents: there is nothing to learn from.
        ModelUnavailable: what training needs is not installed.
        ValueError: no track has a whole line with words.
        TooManyFaults: too many samples cannot be read.
    """
    check_installed("phonemizer", extra="training")
    from training.durations.baselines import syllable_s_of
    from training.durations.fit import fit, save

    preset = PRESETS[launch.size]
    codec = launch.codec or preset.codec
    data = index_now(ledger, codec, models.codecs[codec])
    settings = preset.durations.model_copy(update={"epochs": launch.epochs} if launch.epochs else {})
    songs = list(timed_songs(ledger, data.key, "train", launch.songs))
    network = fit(songs, settings, watch)
    held_out = list(timed_songs(ledger, data.key, HELD_OUT, launch.songs))
    errors = line_errors(network, held_out, syllable_s_of(song.request for song in songs))
    with TemporaryDirectory() as scratch:
        save(network, Path(scratch) / WEIGHTS)
        export_uri, sha256 = publish(ledger.store, run, "durations", Path(scratch), WEIGHTS)
    return {
        "index": data.key,
        "snapshot": data.snapshot,
        "songs": len(songs),
        "epochs": settings.epochs,
        "held_out_songs": errors.songs,
        "held_out_lines": errors.lines,
        "error_s": errors.error_s,
        "syllables_error_s": errors.syllables_error_s,
        "sha256": sha256,
        "export_uri": export_uri,
        "settings": settings.model_dump_json(),
    }


def timed_songs(ledger: Ledger, index: str, split: str, most: int) -> "Iterator[TimedSong]":
    """The window of each track that holds the most words, as a song whose lines have times; evenly `most` of them.

    Raises:
        TooManyFaults: too many samples cannot be read.
    """
    from training.data.corpus import open_corpus
    from training.data.faults import SampleFault, Skipping
    from training.durations.fit import timed_song_of

    numbers = fullest_windows(ledger.store, index, split)
    if not numbers:
        return
    corpus = open_corpus(ledger.store, index, split)
    policy = Skipping(MOST_FAULTY)
    every = max(1.0, len(numbers) / most)
    for read in range(min(most, len(numbers))):
        try:
            song = timed_song_of(corpus.story(numbers[int(read * every)]))
        except SampleFault as fault:
            policy(fault, read + 1)
            continue
        if song is not None:
            yield song


def line_errors(network: "Durations", songs: "list[TimedSong]", syllable_s: float) -> LineErrors:
    """How far lines are from how long they are sung, by the network and by their syllables."""
    from dataclasses import replace

    from training.durations.baselines import by_syllables
    from training.request import AskedLine, Request

    def free(song: "TimedSong") -> Request:
        lines = tuple(replace(line, start_s=None, end_s=None) for line in song.request.lines)
        return replace(song.request, lines=lines)

    def length_s(line: AskedLine) -> float:
        return (line.end_s or 0.0) - (line.start_s or 0.0)

    ours: list[float] = []
    theirs: list[float] = []
    for song in songs:
        asked = free(song)
        for made, errors in ((network.mean(asked), ours), (by_syllables(asked, syllable_s), theirs)):
            pairs = zip(made.lines, song.request.lines, strict=True)
            errors += [abs(length_s(line) - length_s(true)) for line, true in pairs]
    return LineErrors(len(songs), len(ours), fmean(ours) if ours else None, fmean(theirs) if theirs else None)
