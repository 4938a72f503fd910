import pytest

from assets.catalogue.settings import CatalogueSettings
from assets.catalogue.stage import Waits, catalogue_stage, catalogue_through
from assets.manifest.batches import seal_batches
from assets.report.standing import Standing, standings
from assets.stage import Recipe, seal, stamp
from assets.tables import Status
from assets.tracks.settings import TrackSettings
from assets.tracks.stage import tracks_stage
from resources.ledger import Ledger

SETTINGS = CatalogueSettings()
RECIPE = catalogue_stage(SETTINGS)


class Counting(Ledger):
    """Counts how often a pointer to the tracks of each batch is read."""

    def __init__(self, store):
        super().__init__(store)
        self.reads = {}

    def pointer(self, stage, batch):
        if stage == "tracks":
            self.reads[batch] = self.reads.get(batch, 0) + 1
        return super().pointer(stage, batch)


@pytest.fixture
def counting(store):
    return Counting(store)


@pytest.fixture
def arrived(counting, tracks_of, recording):
    """Three batches of one track each: the song, another one, and the song again."""
    files = [{"uri": f"file:///{name}.mp3", "bytes": 1, "modified_s": 0.0} for name in ("song", "other", "again")]
    seal_batches(files, counting, batch_size=1, seal_short=True)
    for batch, number in zip(counting.batches("manifest"), (1, 2, 1), strict=True):
        (name,) = counting.read("manifest", batch)["track_id"].to_pylist()
        make_tracks(counting, batch, tracks_of({name: recording(number)}))
    return counting.batches("manifest")


@pytest.fixture
def sealed(ledger, seal_batch):
    """Two batches without tracks yet."""
    for batch in ("b00000", "b00001"):
        seal_batch(ledger, "manifest", batch, [])
    return ledger


def made_of(ledger: Ledger, batch: str) -> dict[str, str | None]:
    catalogue_through(RECIPE, SETTINGS, batch, ledger)
    rows = ledger.read("catalogue", batch, ["track_id", "duplicate_of"]).to_pylist()
    return {row["track_id"]: row["duplicate_of"] for row in rows}


def make_tracks(ledger, batch, tracks):
    recipe = tracks_stage(TrackSettings(), 1)
    rows = [{**row, "input_hash": row["sha256"], "duration_s": 30.0} for row in tracks.to_pylist()]
    seal(recipe, batch, [row | stamp(row, recipe) for row in rows], ledger)


def test_what_came_before_a_batch_is_catalogued_first(counting, arrived):
    outcome = catalogue_through(RECIPE, SETTINGS, arrived[-1], counting)
    assert outcome.counts == {"ok": 0, "rejected": 1, "failed": 0}
    (song,) = counting.read("catalogue", arrived[0])["track_id"].to_pylist()
    assert counting.read("catalogue", arrived[-1])["duplicate_of"].to_pylist() == [song]


def test_a_batch_waits_for_the_tracks_of_those_before_it(ledger, tracks_of, recording):
    files = [{"uri": f"file:///{name}.mp3", "bytes": 1, "modified_s": 0.0} for name in ("a", "b")]
    first, second = seal_batches(files, ledger, batch_size=1, seal_short=True).batches
    make_tracks(ledger, second, tracks_of({"b": recording(1)}))
    with pytest.raises(Waits, match=f"{second} waits for the tracks of {first}"):
        catalogue_through(RECIPE, SETTINGS, second, ledger)


def test_a_run_over_many_batches_looks_at_each_only_once(counting, arrived):
    settled = set()
    for batch in arrived:
        catalogue_through(RECIPE, SETTINGS, batch, counting, settled)
    assert settled == set(arrived)
    counting.reads.clear()
    catalogue_through(RECIPE, SETTINGS, arrived[-1], counting, settled)
    assert set(counting.reads) == {arrived[-1]}


def test_a_copy_counts_again_once_its_original_is_gone(sealed, seal_batch, tracks_of, recording, copied):
    original, copy = tracks_of({"original": recording(1)}).to_pylist(), tracks_of({"copy": copied(recording(1), 2)})
    seal_batch(sealed, "tracks", "b00000", original)
    seal_batch(sealed, "tracks", "b00001", copy.to_pylist())
    assert (made_of(sealed, "b00000"), made_of(sealed, "b00001")) == ({"original": None}, {"copy": "original"})
    seal_batch(sealed, "tracks", "b00000", [{"track_id": "original", "status": Status.REJECTED, "reason": "silent"}])
    assert (made_of(sealed, "b00000"), made_of(sealed, "b00001")) == ({}, {"copy": None})


def test_a_copy_gives_way_once_its_original_is_back(sealed, seal_batch, tracks_of, recording, copied):
    original, copy = tracks_of({"original": recording(1)}).to_pylist(), tracks_of({"copy": copied(recording(1), 2)})
    gone = [{"track_id": "original", "status": Status.FAILED, "reason": "missing"}]
    seal_batch(sealed, "tracks", "b00000", gone)
    seal_batch(sealed, "tracks", "b00001", copy.to_pylist())
    assert (made_of(sealed, "b00000"), made_of(sealed, "b00001")) == ({}, {"copy": None})
    seal_batch(sealed, "tracks", "b00000", original)
    assert (made_of(sealed, "b00000"), made_of(sealed, "b00001")) == ({"original": None}, {"copy": "original"})


def test_a_first_batch_without_a_good_track_holds_up_none(sealed, seal_batch, tracks_of, recording):
    seal_batch(sealed, "tracks", "b00000", [{"track_id": "bad", "status": Status.REJECTED, "reason": "empty"}])
    seal_batch(sealed, "tracks", "b00001", tracks_of({"good": recording(1)}).to_pylist())
    assert (made_of(sealed, "b00000"), made_of(sealed, "b00001")) == ({}, {"good": None})


def test_what_is_known_of_a_batch_is_made_again_where_it_was_removed(sealed, seal_batch, tracks_of, recording):
    seal_batch(sealed, "tracks", "b00000", tracks_of({"a": recording(1)}).to_pylist())
    made_of(sealed, "b00000")
    for key in sealed.store.list("catalogue/"):
        sealed.store.remove(key)
    assert made_of(sealed, "b00000") == {"a": None}
    assert sealed.store.list("catalogue/recordings/")


def test_a_batch_is_stale_when_one_before_it_was_made_anew(sealed, seal_batch, tracks_of, recording, copied):
    seal_batch(sealed, "tracks", "b00000", tracks_of({"original": recording(1)}).to_pylist())
    seal_batch(sealed, "tracks", "b00001", tracks_of({"copy": copied(recording(1), 2)}).to_pylist())
    for batch in ("b00000", "b00001"):
        catalogue_through(RECIPE, SETTINGS, batch, sealed)
    assert _standing(sealed, "b00001") == Standing.DONE
    seal_batch(sealed, "tracks", "b00000", [{"track_id": "original", "status": Status.REJECTED, "reason": "silent"}])
    catalogue_through(RECIPE, SETTINGS, "b00000", sealed)
    assert _standing(sealed, "b00001") == Standing.STALE


def _standing(ledger: Ledger, batch: str) -> Standing:
    return standings([batch], [Recipe("tracks", "1", {}, {}), RECIPE], ledger)[0].stages["catalogue"]


def test_a_track_keeps_the_split_that_the_manifest_gives_it(counting, tracks_of, recording):
    files = [{"uri": f"file:///{name}", "bytes": 1, "modified_s": 0.0, "split": "test"} for name in "abcd"]
    seal_batches(files, counting, batch_size=4, seal_short=True)
    names = counting.read("manifest", "b00000")["track_id"].to_pylist()
    make_tracks(counting, "b00000", tracks_of({name: recording(i) for i, name in enumerate(names)}))
    catalogue_through(RECIPE, SETTINGS, "b00000", counting)
    assert counting.read("catalogue", "b00000")["split"].to_pylist() == ["test"] * 4


def test_a_split_that_is_given_later_moves_no_track(counting, arrived, tracks_of, recording, seal_batch):
    catalogue_through(RECIPE, SETTINGS, arrived[0], counting)
    before = counting.read("catalogue", arrived[0]).to_pylist()
    rows = [{**row, "split": "test"} for row in counting.read("manifest", arrived[0]).to_pylist()]
    seal_batch(counting, "manifest", arrived[0], rows)
    make_tracks(counting, arrived[0], tracks_of({before[0]["track_id"]: recording(9)}))  # all is decided anew
    catalogue_through(RECIPE, SETTINGS, arrived[0], counting)
    (after,) = counting.read("catalogue", arrived[0]).to_pylist()
    assert after["split"] == before[0]["split"] == "train"
    assert after["input_hash"] != before[0]["input_hash"]
