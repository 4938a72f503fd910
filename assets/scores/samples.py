"""Songs of a run's model, asked for as held-out windows are.

samples/RUN/SHA256/ITEM-SEED.flac              the song; SHA256 is of the model's weights
samples/RUN/SHA256/ITEM-SEED.vocals.flac       its stems, from the same noise
samples/RUN/SHA256/ITEM-SEED.accompaniment.flac
samples/RUN/SHA256/ITEM-SEED.lrc               the lines that were asked for, with their times
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from assets.models.published import NAMED, fetch
from assets.scores.held_out import HeldOut, held_out
from assets.scores.settings import SampleSettings
from assets.tables import Row
from resources.ffmpeg import encode
from resources.ledger import Ledger
from resources.stores import Store

if TYPE_CHECKING:
    from training.songs import Song


def make_samples(ledger: Ledger, run: str, model: Row, settings: SampleSettings, device: str) -> Iterator[Row]:
    """A row for each song, once it is in the store. `model` is the row of the model that sings.

    Raises:
        NothingHeldOut: all tracks are learnt from.
        ExportError: the model in the store is not whole.
        ModelUnavailable: its codec or its encoder of prompts cannot be had.
    """
    from training.codec import open_codec
    from training.guidance import guidance_of
    from training.prompt_encoders import open_encoder
    from training.request import Track
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
        guidance = guidance_of(settings.guidance, singer.states)
        for item in items:
            for seed in range(settings.seeds):
                song = make_song(singer, codec, item.request, list(Track), guidance, seed)
                prefix = f"samples/{run}/{model['sha256'][:NAMED]}/{item.item}-{seed}"
                kept = keep_song(ledger.store, prefix, song)
                yield row_of(item, song) | kept | {"model_sha256": model["sha256"]}


def keep_song(store: Store, prefix: str, song: "Song") -> Row:
    """Puts a song's files into the store; gives their keys, as the table has them."""
    from training.lrc import write_lrc

    keys = {"lrc_uri": f"{prefix}.lrc"}
    store.put_bytes(keys["lrc_uri"], write_lrc(song.request).encode())
    with store.scratch() as folder:
        for track, sound in song.sounds.items():
            keys[f"{track}_uri"] = f"{prefix}.{track}.flac"
            encode(part := folder / f"{track}.flac", [sound[:, None].numpy()], song.rate_hz)
            store.put(keys[f"{track}_uri"], part)
    return keys


def row_of(item: HeldOut, song: "Song") -> Row:
    request = song.request
    return {
        "item": item.item,
        "track_id": item.track_id,
        "seed": song.seed,
        "prompt": request.prompt,
        "lyrics": "\n".join(line.text for line in request.lines),
        "language": request.language,
        "duration_s": request.duration_s,
        "rate_hz": song.rate_hz,
        "read_s": song.read_s,
        "denoise_s": song.denoise_s,
        "decode_s": song.decode_s,
        "memory_bytes": song.memory_bytes,
    }
