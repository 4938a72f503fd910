"""Whether the song model learns what it is told: python -m bench.learns --store data --work FOLDER [--steps 900]

It is overfitted to the ten-second windows of a store's shards (`melisma demo` makes some) and then asked for songs, each
twice: with the same noise, and one thing that is told changed. Each line is what that change does, beside what it should do
and beside what nothing but another noise does. Prints a table; draws FOLDER/learns.png.
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from resources.stores import FolderStore
from training.checkpoints import found
from training.codec import open_codec
from training.corpus import Corpus, open_corpus
from training.draws import lines_between, states_of
from training.examples import Scale
from training.export import open_export
from training.generate import Singer
from training.guidance import Guidance, both
from training.latents import codec_name, encode_shard, index_shards
from training.ranks import Ranks
from training.request import AskedLine, Request, Track
from training.run import run
from training.run_settings import ModelSettings, OptimiserSettings, RunSettings, SavingSettings
from training.settings import CodecSettings, DitSettings, SamplerSettings
from training.stages import GivenShares, StageSettings, TrackShares

WINDOW_S, CROP_S = 10.0, 6.0
CODEC = CodecSettings(bands=64)
MODEL = ModelSettings(dit=DitSettings(channels=64, patch=8), codec=CODEC)
STAGE = StageSettings(
    tracks=TrackShares(mix=0.2, vocals=0.5, accompaniment=0.3),
    given=GivenShares(nothing=1.0, beginning=0.0, surroundings=0.0, vocals=0.0, accompaniment=0.0),
)
SILENT_DB = 30.0  # below the loudest frame of a voice


def latents_of(store: FolderStore) -> str:
    """The key of an index of all the store's shards as latents."""
    codec, name = open_codec(CODEC), codec_name(CODEC)
    return index_shards(store, [encode_shard(store, key, codec, name) for key in store.list("shards/")])


def short_windows(corpus: Corpus) -> Corpus:
    kept = np.flatnonzero(np.abs(corpus.frames * corpus.frame_s - WINDOW_S) < 0.1)
    parts = {name: getattr(corpus, name)[kept] for name in ("shard", "offset_bytes", "json_bytes", "frames")}
    return replace(corpus, **parts)


def trained(store: FolderStore, index: str, work: Path, steps: int) -> Path:
    """The export of a run over the windows; one that was stopped goes on."""
    settings = RunSettings(
        folder=work / "run",
        store=str(store.root),
        index=index,
        stage=STAGE,
        model=MODEL,
        optimiser=OptimiserSettings(learning_rate=2e-3, warm_up=30, ema=0.99),
        saving=SavingSettings(every=100, keep=1, log_every=50),
        steps=steps,
        frames=16 * round(CROP_S / open_codec(CODEC).frame_s),
        crop_s=CROP_S,
        workers=0,
    )
    run(settings, Ranks(), print)
    return found(settings.folder / "exports")[-1]


# What is asked, and what a song is like


def request_of(corpus: Corpus, index: int, track: Track) -> Request:
    sample = corpus.read(index, ())
    lines = tuple(lines_between(sample.lines, 0.0, CROP_S))
    return Request(CROP_S, sample.prompt, lines, sample.language, track)


def moved(lines: Sequence[AskedLine], by_s: float) -> tuple[AskedLine, ...]:
    """Later by so much, and those that are over the end at the beginning."""
    placed = []
    for line in lines:
        length_s = line.end_s - line.start_s
        start_s = line.start_s + by_s
        placed.append(replace(line, start_s=start_s, end_s=start_s + length_s))
    return tuple(placed)


def level_db(latents: Tensor) -> np.ndarray:
    """[n] level of each frame of log-mel latents n c."""
    return 10 * np.log10(np.exp(2 * latents.numpy()).sum(axis=1))


def sung(latents: Tensor) -> np.ndarray:
    """[n] bool: frames in which a voice is heard."""
    level = level_db(latents)
    return level > level.max() - SILENT_DB
