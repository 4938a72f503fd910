"""The `pages` stage: a track as a browser plays it, small, with its spectrogram."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from assets.pages.settings import PageSettings
from assets.pages.spectrogram import columns_per_s, mel_columns, picture
from assets.stage import Process, Stage, Tables
from assets.tables import Row
from resources.ffmpeg import decode, encode, local_path
from resources.stores import Store, open_store

RATE_HZ = 44_100
PICTURE_RATE_HZ = 22_050
STEMS = ("vocals", "accompaniment")


def pages_stage(settings: PageSettings, store_root: str) -> Stage:
    """What a page plays depends on the audio alone, so that new captions encode nothing again.

    The tables that only the text of a page is made from are read for no column: they make the page stale.
    """
    return Stage(
        table="pages",
        version="1",
        reads={
            "tracks": ("uri", "sha256", "duration_s"),
            "catalogue": (),
            "stems": ("vocals_uri", "accompaniment_uri", "gain_db"),
            "lyrics": (),
            "captions": (),
            "windows": (),
        },
        parameters=settings.model_dump(mode="json", exclude={"most_tracks"}),
        open=partial(_open, store_root),
        timeout_s=1800.0,
        join=partial(shown_tracks, settings.most_tracks),
    )


def page_folder(batch: str) -> str:
    """Where a batch's page lies in the store."""
    return f"pages/{batch}"


def shown_tracks(most: int, tables: Tables, batch: str) -> Iterator[Row]:
    """At most `most` of the tracks that decode, evenly through the batch; with their stems, where they came so far."""
    stems = {row["track_id"]: row for row in tables["stems"]}
    none = {"vocals_uri": None, "accompaniment_uri": None, "gain_db": 0.0}
    tracks = tables["tracks"]
    shown = min(most, len(tracks))
    for position in range(shown):
        track = tracks[position * len(tracks) // shown]
        yield none | track | stems.get(track["track_id"], {}) | {"batch": batch}


def _open(store_root: str) -> Process:
    return partial(media_of, open_store(store_root))


def media_of(store: Store, track: Row) -> list[Row]:
    """Puts what a page plays of a track into the page's folder: the mix and its stems as AAC, the spectrogram as WebP.

    The mix has the gain that it had when it was taken apart, so that to switch is no change of level.

    Raises:
        DecodeError: the file has changed since it became a track, or is gone.
    """
    key = track["key"]
    names = {name: f"{page_folder(track['batch'])}/media/{key}.{name}.m4a" for name in ("mix", *STEMS)}
    image = f"{page_folder(track['batch'])}/media/{key}.webp"
    gain = np.float32(10 ** (track["gain_db"] / 20))
    row: Row = {"mix_uri": names["mix"], "spectrogram_uri": image}
    source = local_path(track["uri"])
    # Decoded once more rather than held: a track may last two hours.
    heard = (block[:, 0] for block in decode(source, PICTURE_RATE_HZ, 1, sha256=track["sha256"]))
    columns = list(mel_columns(heard, PICTURE_RATE_HZ, columns_per_s(track["duration_s"])))
    store.put_bytes(image, picture(np.concatenate(columns)))
    with store.scratch() as folder:
        file = folder / "audio.m4a"
        encode(file, (block * gain for block in decode(source, RATE_HZ, 2, sha256=track["sha256"])), RATE_HZ, "aac")
        store.put(names["mix"], file)
        for stem in STEMS:
            if track[f"{stem}_uri"] is not None:
                file.unlink()  # the store may have linked it, and what it took in is not to change
                with store.local(track[f"{stem}_uri"]) as path:
                    encode(file, decode(path, RATE_HZ, 2), RATE_HZ, "aac")
                store.put(names[stem], file)
                row[f"{stem}_uri"] = names[stem]
    return [row]
