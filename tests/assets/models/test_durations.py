from collections.abc import Callable
from pathlib import Path

import pytest

from assets.models.durations import WEIGHTS, learn_durations, timed_songs
from assets.models.fullest import fullest_windows
from assets.models.latents import encode_batch, index_now
from assets.models.published import fetch
from assets.models.settings import DurationsLaunch, ModelsSettings
from resources.ledger import Ledger
from resources.stores import FolderStore
from training.durations.fit import load


def test_of_each_track_the_fullest_window_is_taken(latents: tuple[FolderStore, str]):
    store, index = latents
    assert fullest_windows(store, index, "train") == [0, 2]  # of two windows each, the longer one
    assert fullest_windows(store, index, "train", longest_s=3.0) == [1, 3]


def test_where_all_windows_are_too_long_it_is_the_shortest(latents: tuple[FolderStore, str]):
    store, index = latents
    assert fullest_windows(store, index, "train", longest_s=1.0) == [1, 3]


@pytest.fixture
def short_lines(store: FolderStore, pack_songs: Callable[..., list[str]], models: ModelsSettings) -> Ledger:
    """A corpus whose windows hold whole lines."""
    pack_songs(store, line_words=3)
    encode_batch(Ledger(store), "b00000", models.codecs["small"], "cpu")
    return Ledger(store)


def test_line_durations_are_learnt_from_the_corpus_and_published(
    short_lines: Ledger, models: ModelsSettings, tmp_path: Path
):
    row = learn_durations(DurationsLaunch(size="demo", codec="small", epochs=1), "a", short_lines, models)
    network = load(fetch(short_lines.store, row["export_uri"], tmp_path / "durations") / WEIGHTS)
    assert network.settings.epochs == 1
    assert (row["songs"], row["held_out_songs"]) == (2, 1)
    assert row["error_s"] > 0


def test_a_corpus_without_a_whole_line_is_refused(corpus: Ledger, models: ModelsSettings):
    with pytest.raises(ValueError, match="there are no songs to learn line durations from"):
        learn_durations(DurationsLaunch(size="demo", codec="small"), "a", corpus, models)


def test_no_more_songs_are_read_than_asked_for(short_lines: Ledger, models: ModelsSettings):
    index = index_now(short_lines, "small", models.codecs["small"]).key
    assert len(list(timed_songs(short_lines, index, "train", most=1))) == 1
    assert len(list(timed_songs(short_lines, index, "train", most=9))) == 2


def test_what_is_not_in_the_store_is_not_fetched(store: FolderStore, tmp_path: Path):
    with pytest.raises(KeyError, match="models/a/durations/0 is not in the store"):
        fetch(store, "models/a/durations/0", tmp_path / "durations")
