import pytest

from assets.catalogue.settings import CatalogueSettings
from assets.catalogue.stage import Waits, catalogue_stage, catalogue_through
from assets.report.standing import Standing, standings
from assets.stage import Recipe, seal
from assets.tables import Status
from resources.ledger import Ledger

SETTINGS = CatalogueSettings()
RECIPE = catalogue_stage(SETTINGS)
TRACKS = Recipe("tracks", "1", {}, {})
BATCHES = ("b00000", "b00001")


@pytest.fixture
def sealed(ledger: Ledger, seal_batch) -> Ledger:
    """Two batches without tracks yet."""
    for batch in BATCHES:
        seal_batch(ledger, "manifest", batch, [])
    return ledger


def made_of(ledger: Ledger, batch: str) -> dict[str, str | None]:
    catalogue_through(RECIPE, SETTINGS, batch, ledger)
    rows = ledger.read("catalogue", batch, ["track_id", "duplicate_of"]).to_pylist()
    return {row["track_id"]: row["duplicate_of"] for row in rows}


def test_a_batch_waits_for_the_tracks_of_those_before_it(sealed, seal_batch, tracks_of, recording):
    seal_batch(sealed, "tracks", "b00001", tracks_of({"a": recording(1)}).to_pylist())
    with pytest.raises(Waits, match="waits for the tracks of b00000"):
        catalogue_through(RECIPE, SETTINGS, "b00001", sealed)


def test_a_copy_counts_again_once_its_original_is_gone(sealed, seal_batch, tracks_of, recording, copied):
    original, copy = tracks_of({"original": recording(1)}).to_pylist(), tracks_of({"copy": copied(recording(1), 2)})
    seal_batch(sealed, "tracks", "b00000", original)
    seal_batch(sealed, "tracks", "b00001", copy.to_pylist())
    assert (made_of(sealed, "b00000"), made_of(sealed, "b00001")) == ({"original": None}, {"copy": "original"})
    seal_batch(sealed, "tracks", "b00000", [{"track_id": "original", "status": Status.REJECTED, "reason": "silent"}])
    assert (made_of(sealed, "b00000"), made_of(sealed, "b00001")) == ({}, {"copy": None})


def test_a_batch_is_stale_when_one_that_it_leans_on_was_made_anew(sealed, seal_batch, tracks_of, recording, copied):
    seal_batch(sealed, "tracks", "b00000", tracks_of({"original": recording(1)}).to_pylist())
    seal_batch(sealed, "tracks", "b00001", tracks_of({"copy": copied(recording(1), 2)}).to_pylist())
    for batch in BATCHES:
        catalogue_through(RECIPE, SETTINGS, batch, sealed)
    assert _standing(sealed, "b00001") == Standing.DONE
    seal(RECIPE, "b00000", [], sealed)
    assert _standing(sealed, "b00001") == Standing.STALE


def _standing(ledger: Ledger, batch: str) -> Standing:
    return standings([batch], [TRACKS, RECIPE], ledger)[0].stages["catalogue"]
