"""The `catalogue` stage: it looks at a batch as a whole, and at all that was sealed before."""

from time import monotonic

from assets.catalogue.decide import catalogue_batch
from assets.catalogue.index import DuplicateIndex
from assets.catalogue.settings import CatalogueSettings
from assets.catalogue.splits import given_splits
from assets.stage import Outcome, Recipe, counts_of, input_rows, made_from, seal, stamp, work_key
from assets.tables import Status
from resources.ledger import Ledger
from resources.nearby import near


class Waits(Exception):
    """Another batch comes first, and is not ready yet."""


def catalogue_stage(settings: CatalogueSettings) -> Recipe:
    return Recipe(
        table="catalogue",
        version="2",
        reads={"tracks": ("sha256", "fingerprint", "duration_s")},
        parameters=settings.model_dump(mode="json"),
        beside=_arrived_before,
    )


def _arrived_before(ledger: Ledger, batch: str) -> dict[str, str]:
    """A batch is decided anew where one before it changed: an original that is gone, or back, counts for its copies."""
    return {"catalogue/before": DuplicateIndex(ledger.store).version_before(batch)}


def catalogue_through(
    recipe: Recipe, settings: CatalogueSettings, batch: str, ledger: Ledger, settled: set[str] | None = None
) -> Outcome:
    """Brings the catalogue of a batch up to date; first that of every batch before it, since those come first.

    `settled` are batches that this run has found up to date or brought so: they are not looked at again, and what is
    settled now is added. Without it, a run over many batches would read all pointers once for each of them.

    Raises:
        Waits: an earlier batch has no tracks yet.
    """
    sealed = ledger.batches("manifest")
    settled = set() if settled is None else settled
    for earlier in sealed[: sealed.index(batch)]:
        if earlier in settled:
            continue
        if ledger.pointer("tracks", earlier) is None:
            raise Waits(f"the catalogue of {batch} waits for the tracks of {earlier}, which was sealed before it")
        pointer = ledger.pointer(recipe.table, earlier)
        now = (recipe.parameter_hash, made_from(recipe, earlier, ledger))
        if pointer is None or (pointer.parameter_hash, pointer.inputs) != now:
            _catalogue(recipe, settings, earlier, sealed, ledger)
        settled.add(earlier)
    outcome = _catalogue(recipe, settings, batch, sealed, ledger)
    settled.add(batch)
    return outcome


def _catalogue(recipe: Recipe, settings: CatalogueSettings, batch: str, sealed: list[str], ledger: Ledger) -> Outcome:
    start = monotonic()
    inputs = {row["track_id"]: row for row in input_rows(recipe, batch, ledger)}
    pointer = ledger.pointer(recipe.table, batch)
    rows = ledger.read(recipe.table, batch).to_pylist() if pointer else []
    splits = {row["track_id"]: row["split"] for row in rows if row["split"]}
    work = {work_key(row["track_id"], row["input_hash"], row["parameter_hash"]) for row in rows}
    # A batch is looked up in all postings: in a bucket they would be fetched anew for each.
    index = DuplicateIndex(near(ledger.store))
    same = (
        pointer is not None
        and index.holds(batch)
        and recipe.beside(ledger, batch).items() <= pointer.inputs.items()
        and work == {row["key"] for row in inputs.values()}
    )
    if not same:
        splits = given_splits(ledger, batch) | splits
        found = catalogue_batch(batch, sealed, ledger.read("tracks", batch), index, settings, splits)
        rows = [stamp(inputs[row["track_id"]], recipe) | row for row in found]
    version = seal(recipe, batch, rows, ledger)
    return Outcome(
        recipe.table,
        batch,
        version,
        counts_of(rows),
        worked=0 if same else len(rows),
        seconds=monotonic() - start,
        audio_s=0.0 if same else sum(row["duration_s"] for row in inputs.values()),
        trouble=[row for row in rows if row["status"] != Status.OK],
    )
