"""The scores of a run's samples: heard beside the real windows, and what these are compared with."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from assets.captions.spectra import RATE_HZ as PICTURE_RATE_HZ
from assets.models.fullest import fullest_windows
from assets.scores.clips import Clip, Sound, System, compared
from assets.scores.copies import Picture, nearest, picture
from assets.scores.embeddings import Pieces, Space
from assets.scores.figures import figures_of
from assets.scores.held_out import HeldOut, NothingHeldOut, held_out, real_sounds
from assets.scores.judge import judge
from assets.scores.judges import Judges, resampled
from assets.scores.settings import ScoreSettings
from assets.tables import Row
from resources.ffmpeg import decode
from resources.ledger import Ledger

if TYPE_CHECKING:
    from training.codec import Codec


@dataclass(frozen=True, slots=True)
class Scores:
    """Rows of the tables `heard`, a clip each, and `scores`, a figure of a system each."""

    heard: list[Row]
    scores: list[Row]


@dataclass(frozen=True, slots=True)
class Learnt:
    """A window of a track that was learnt from."""

    name: str  # of the track
    pieces: Pieces
    picture: Picture


def score(
    ledger: Ledger,
    model: Row,
    samples: list[Row],
    judges: Judges,
    codec: "Codec",
    settings: ScoreSettings,
    watch: Callable[[str], None] = lambda words: None,
) -> Scores:
    """Judges the samples of a model, and the same windows as they really are, through the codec, shuffled, and noise.

    Raises:
        NothingHeldOut: there is nothing to compare with, or not all of it is in the shards any more.
        SampleFault: a window cannot be read.
        DecodeError: a sample cannot.
    """
    from training.request import Track

    longest_s = float(json.loads(model["settings"])["crop_s"])
    asked = {item.item: item for item in held_out(ledger, model["index"], longest_s, len(samples))}
    sung = {row["item"] for row in samples}
    lengths = {name: item.request.duration_s for name, item in asked.items() if name in sung}
    real = [
        _clip(System.REAL, asked[name], 0, sounds[Track.MIX], codec.rate_hz)
        for name, sounds in real_sounds(ledger, lengths, codec.rate_hz)
    ]
    learnt = list(_learnt(ledger, model["index"], longest_s, codec.rate_hz, judges, settings.neighbours))
    if len(real) < len(lengths) or not learnt:
        raise NothingHeldOut(
            f"of the {len(lengths)} windows that the samples answer {len(real)} are in the shards that count now, and "
            f"of those that were learnt from {len(learnt)}: what was taken out cannot be compared with; begin a new run"
        )
    clips = [*compared(real, codec), *_made(ledger, samples, asked)]
    music, pictures = np.concatenate([each.pieces for each in learnt]), {each.name: each.picture for each in learnt}
    space = Space.of(music)
    heard, places = [], {}
    for number, clip in enumerate(clips, 1):
        places[str(clip.system), clip.item, clip.seed] = space.place(judges.pieces(clip))
        name, likeness = nearest(_picture(clip), pictures)
        heard.append(judge(clip, judges) | {"neighbour": name, "neighbour_likeness": likeness})
        watch(f"heard {number} of {len(clips)} clips")
    return Scores(heard, figures_of(heard, places, space.place(music), settings.resamples))


def _clip(system: System, item: HeldOut, seed: int, sound: Sound, rate_hz: int) -> Clip:
    return Clip(system, item.item, seed, item.request, item.tempo_bpm, sound, rate_hz)


def _made(ledger: Ledger, samples: list[Row], asked: Mapping[str, HeldOut]) -> Iterator[Clip]:
    for row in samples:
        with ledger.store.local(row["mix_uri"]) as path:
            sound = np.concatenate([block[:, 0] for block in decode(Path(path), row["rate_hz"], 1)])
        yield _clip(System.MODEL, asked[row["item"]], row["seed"], sound, row["rate_hz"])


def _learnt(ledger: Ledger, index: str, longest_s: float, rate_hz: int, judges: Judges, most: int) -> Iterator[Learnt]:
    """The fullest window of each of `most` tracks, evenly out of all that were learnt from."""
    from training.data.latents import read_index
    from training.request import Request, Track

    numbers = fullest_windows(ledger.store, index, "train", longest_s)
    table, _ = read_index(ledger.store, index, ["sample", "track_id", "duration_s"], "train")
    evenly = np.linspace(0, len(numbers) - 1, min(most, len(numbers)), dtype=int)
    rows = table.take([numbers[i] for i in evenly]).to_pylist()
    tracks = {row["sample"]: row["track_id"] for row in rows}
    lengths = {row["sample"]: min(row["duration_s"], longest_s) for row in rows}
    for name, sounds in real_sounds(ledger, lengths, rate_hz):
        clip = Clip(System.REAL, name, 0, Request(lengths[name]), None, sounds[Track.MIX], rate_hz)
        yield Learnt(tracks[name], judges.pieces(clip), _picture(clip))


def _picture(clip: Clip) -> Picture:
    return picture(resampled(clip.sound, clip.rate_hz, PICTURE_RATE_HZ))
