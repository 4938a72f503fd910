"""Real recordings and copies of them, through the stages `tracks` and `catalogue` in two batches."""

import subprocess

import pytest

from assets.catalogue.settings import CatalogueSettings
from assets.catalogue.stage import catalogue_stage, catalogue_through
from assets.manifest.batches import seal_batches
from assets.manifest.sources import list_source
from assets.scores.pairs import score_pairs
from assets.scores.real import real_tracks
from assets.stage import run_stage
from assets.tracks.settings import TrackSettings
from assets.tracks.stage import tracks_stage
from resources.child import executable
from resources.engines import InlineEngine
from resources.ffmpeg import local_path

SETTINGS = CatalogueSettings()
WAYS = {
    "opus": ["-ac", "1", "-c:a", "libopus", "-b:a", "48k"],
    "flac": ["-ss", "4.7", "-c:a", "flac"],
    "mp3": ["-ar", "22050", "-af", "volume=-6dB", "-c:a", "libmp3lame", "-b:a", "64k"],
}


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
    """Four tracks, two of them made for one prompt, with three copies of each; by track."""
    folder = tmp_path_factory.mktemp("copies")
    made = {}
    for track in real_tracks()[::8]:
        made[track.path] = [folder / f"{track.path.stem}.{end}" for end in WAYS]
        for copy, options in zip(made[track.path], WAYS.values(), strict=True):
            command = [executable(), "-v", "error", "-i", track.path, *options, copy]
            subprocess.run(command, check=True)
    return made


def test_real_tracks_and_their_copies_are_found_to_be_one_and_no_two_others(copies, ledger):
    originals, made = list(copies), [copy for group in copies.values() for copy in group]
    # Some copies come before what they copy, in an earlier batch.
    arrivals = [*made[:5], *originals, *made[5:]]
    seal_batches(map(listed, arrivals), ledger, batch_size=8, seal_short=True)
    path_of, groups, originals_of = {}, {}, {}
    for batch in ledger.batches("manifest"):
        run_stage(tracks_stage(TrackSettings(), 1), batch, ledger, InlineEngine())
        catalogue_through(catalogue_stage(SETTINGS), SETTINGS, batch, ledger)
        path_of |= {row["track_id"]: local_path(row["uri"]) for row in ledger.read("tracks", batch).to_pylist()}
        for row in ledger.read("catalogue", batch).to_pylist():
            groups.setdefault(row["group"], []).append(path_of[row["track_id"]])
            originals_of[path_of[row["track_id"]]] = path_of.get(row["duplicate_of"])
    score = score_pairs([[original, *group] for original, group in copies.items()], groups.values())
    assert (score.wrong, score.missed) == (frozenset(), frozenset())
    # Of each group the first to arrive is kept, and the others are said to be copies of it.
    for original, group in copies.items():
        first, *rest = sorted([original, *group], key=arrivals.index)
        assert originals_of[first] is None
        assert {originals_of[path] for path in rest} == {first}


def listed(path):
    return next(row for row in list_source(str(path.parent)) if local_path(row["uri"]) == path)
