"""Songs of a run's model, asked for as held-out windows are.

    samples/RUN/SHA256/ITEM-SEED.flac              the song; SHA256 is of the model's weights
    samples/RUN/SHA256/ITEM-SEED.vocals.flac       its stems, from the same noise
    samples/RUN/SHA256/ITEM-SEED.accompaniment.flac
    samples/RUN/SHA256/ITEM-SEED.lrc               the lines that were asked for, with their times
"""

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from assets.models.published import NAMED, fetch
from assets.scores.held_out import HeldOut, held_out
from assets.scores.settings import SampleSettings
from assets.tables import Row
from resources.ledger import Ledger
from resources.stores import Store

if TYPE_CHECKING:
    from training.codec import Codec
    from training.generate import Singer
    from training.guidance import Guidance
    from training.songs import Song

SONG_RATE = "flac"


def make_samples(ledger: Ledger, run: str, model: Row, settings: SampleSettings, device: str) -> Iterator[Row]:
    """A row for each song, once it is in the store. `model` is the row of the model that sings.

    Raises:
        NothingHeldOut: all tracks are learnt from.
        ExportError: the model in the store is not whole.
        ModelUnavailable: its codec or its encoder of prompts cannot be had.
    """
    from dataclasses import replace

    from training.codec import open_codec
    from training.prompt_encoders import open_encoder
    from training.run.export import open_export
    from training.songs import make_song

    crop_s = float(json.loads(model["settings"])["crop_s"])
    items = held_out(ledger, model["index"], crop_s, settings.items)
    with TemporaryDirectory() as scratch:
        exported = open_export(fetch(ledger.store, model["export_uri"], Path(scratch) / "model"), device)
        codec = open_codec(exported.model.settings.codec, device)
        encoder = open_encoder(exported.model.settings.conditions, device, Path(scratch) / "prompts")
        singer = exported.singer(codec, encoder)
        singer = replace(singer, sampler=singer.sampler.model_copy(update={"steps": settings.steps}))
        guidance = guidance_of(settings, singer)
        for item in items:
            for seed in range(settings.seeds):
                song = make_song(singer, codec, item.request, TRACKS, guidance, seed)
                folder = f"samples/{run}/{model['sha256'][:NAMED]}"
                yield _row(item, seed, song) | _kept(ledger.store, f"{folder}/{item.item}-{seed}", song) | {
                    "model_sha256": model["sha256"]
                }
