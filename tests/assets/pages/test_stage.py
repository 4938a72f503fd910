import hashlib
from pathlib import Path

import numpy as np
import pytest

from assets.pages.settings import PageSettings
from assets.pages.stage import media_of, pages_stage, shown_tracks
from resources.ffmpeg import decode_mono
from resources.stores import FolderStore


def tables(tracks: int, stems: int) -> dict:
    return {
        "tracks": [{"track_id": f"t{i}", "uri": f"{i}"} for i in range(tracks)],
        "stems": [
            {"track_id": f"t{i}", "vocals_uri": "v", "accompaniment_uri": "a", "gain_db": -1.0} for i in range(stems)
        ],
    }


def test_tracks_are_taken_evenly_through_the_batch():
    shown = [row["track_id"] for row in shown_tracks(4, tables(10, 10), "b0")]
    assert shown == ["t0", "t2", "t5", "t7"]
    assert len(list(shown_tracks(200, tables(10, 10), "b0"))) == 10


def test_a_track_without_stems_has_its_mix():
    first, last = shown_tracks(2, tables(2, 1), "b0")
    assert (first["vocals_uri"], first["gain_db"]) == ("v", -1.0)
    assert (last["vocals_uri"], last["gain_db"]) == (None, 0.0)


def test_the_number_of_tracks_shown_encodes_nothing_again():
    assert pages_stage(PageSettings(), "").parameter_hash == pages_stage(PageSettings(most_tracks=3), "").parameter_hash


@pytest.fixture
def track(tmp_path: Path, demo_songs, cut_song) -> dict:
    song = cut_song(demo_songs["pop"], tmp_path / "song.flac", 8.0, 6.0)
    return {
        "key": "k", "batch": "b0", "uri": str(song), "duration_s": 6.0,
        "gain_db": -6.0, "vocals_uri": None, "accompaniment_uri": None,
        "sha256": hashlib.sha256(song.read_bytes()).hexdigest(),
    }  # fmt: skip


def test_what_a_browser_plays_is_the_track_at_its_place_and_level(track, store: FolderStore):
    (row,) = media_of(store, track)
    with store.local(row["mix_uri"]) as path:
        played = decode_mono(path, 16_000)
    song = decode_mono(Path(track["uri"]), 16_000) * 10 ** (-6 / 20)
    assert abs(len(played) - len(song)) < 1600
    length = min(len(played), len(song))
    shifts = [int(np.argmax(np.correlate(played[a : a + 4000], song[a + 400 : a + 3600]))) for a in (8000, 60_000)]
    assert all(abs(shift - 400) <= 16 for shift in shifts)  # a millisecond
    assert np.square(played[:length]).mean() == pytest.approx(np.square(song[:length]).mean(), rel=0.1)


def test_the_same_track_gives_the_same_files(track, tmp_path):
    stores = [FolderStore(tmp_path / name) for name in "ab"]
    rows = [media_of(store, track) for store in stores]
    assert rows[0] == rows[1]
    keys = stores[0].list("pages/")
    assert keys == stores[1].list("pages/")
    assert all(stores[0].open(key).read() == stores[1].open(key).read() for key in keys)
