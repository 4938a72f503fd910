"""What must hold of every finished batch: each rule reads the ledger, and gives the faults it finds in words."""

from collections.abc import Callable

from assets.stage import Recipe, input_rows
from assets.tables import Row, ok_rows
from resources.ledger import Ledger

Rule = Callable[[Ledger, str], list[str]]  # no faults: the rule holds

WARN_FAILED_SHARE = 0.05


def nothing_lost(recipe: Recipe) -> Rule:
    def nothing_lost(ledger: Ledger, batch: str) -> list[str]:
        """Every track that was ok in what this reads has a row here: ok, rejected or failed."""
        came = {row["track_id"] for row in input_rows(recipe, batch, ledger)}
        left = set(ledger.read(recipe.table, batch, ["track_id"])["track_id"].to_pylist())
        return [f"{track} has no row" for track in sorted(came - left)] + [
            f"{track} came from nowhere" for track in sorted(left - came)
        ]

    return nothing_lost


def few_failures(recipe: Recipe) -> Rule:
    def few_failures(ledger: Ledger, batch: str) -> list[str]:
        """At most one track in twenty failed (a failure is ours or the machine's, never the track's)."""
        pointer = ledger.pointer(recipe.table, batch)
        counts = pointer.counts if pointer else {}
        failed, tracks = counts.get("failed", 0), sum(counts.values())
        return [f"{failed} of {tracks} tracks failed"] if failed > WARN_FAILED_SHARE * tracks else []

    return few_failures


def each_row(
    recipe: Recipe, name: str, says: str, fault: Callable[[Row], str | None], also: Recipe | None = None
) -> Rule:
    """A rule about single rows that are ok; `also` adds the columns of another table that goes by track."""

    def rule(ledger: Ledger, batch: str) -> list[str]:
        rows = ok_rows(ledger.read(recipe.table, batch))
        others = {row["track_id"]: row for row in ok_rows(ledger.read(also.table, batch))} if also else {}
        faults = ((row["track_id"], fault({**others.get(row["track_id"], {}), **row})) for row in rows)
        return [f"{track}: {words}" for track, words in faults if words]

    rule.__name__, rule.__doc__ = name, says
    return rule
