import pickle

import numpy as np
import soundfile

from assets.stems.settings import StemSettings
from assets.stems.stage import stems_stage
from assets.tables import table_of
from resources.ffmpeg import decode

TRACK = {"track_id": "t", "key": "abcdef", "sha256": None, "true_peak_dbtp": 0.0}


def stems_of(song, store, **settings):
    stage = stems_stage(StemSettings(**settings), str(store.root), 1)
    process = pickle.loads(pickle.dumps(stage.open))()
    measured = {"duration_s": song["duration"], "integrated_lufs": song["loudness"]["lufs"]}
    (row,) = process(TRACK | measured | {"uri": str(song["path"])})
    table_of("stems", [row])
    return row


def sung_share(row, song) -> tuple[float, float]:
    """How much of the true singing was found, and how much of what was found is true."""
    steps = np.arange(0, song["duration"], 0.02)
    found = np.any([(s["start_s"] <= steps) & (steps < s["end_s"]) for s in row["vocal_segments"]], axis=0)
    truth = np.any([(start <= steps) & (steps < end) for start, end in song["vocal_segments"]], axis=0)
    return float((found & truth).sum() / truth.sum()), float((found & truth).sum() / found.sum())


def test_the_stems_of_a_quiet_song_add_up_to_it_and_singing_is_found(demo_songs, store):
    song = demo_songs["quiet"]
    row = stems_of(song, store)
    with store.local(row["vocals_uri"]) as vocals, store.local(row["accompaniment_uri"]) as accompaniment:
        assert soundfile.info(vocals).subtype == "PCM_24"
        total = sum(soundfile.read(stem, dtype="float64")[0] for stem in (vocals, accompaniment))
    mix = np.concatenate(list(decode(song["path"], 44_100, 2)))
    assert np.abs(total - mix).max() <= 2**-24
    recall, precision = sung_share(row, song)
    assert recall > 0.85 and precision > 0.7


def test_an_instrumental_has_no_vocal_segments_and_opus_is_smaller(demo_songs, store):
    row = stems_of(demo_songs["instrumental"], store, codec="opus")
    assert row["vocals_uri"].endswith(".vocals.opus")
    assert row["vocal_segments"] == []
    assert row["vocal_to_mix_db"] < -15
    with store.local(row["accompaniment_uri"]) as stem:
        assert stem.stat().st_size < 30_000 * demo_songs["instrumental"]["duration"]


def test_duplicates_are_not_separated():
    assert stems_stage(StemSettings(), "nowhere", 1).reads["catalogue"] == ()
