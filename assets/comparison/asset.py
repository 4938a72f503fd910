"""The asset `comparison`: all training runs, for people."""

import dagster as dg

from assets.comparison.collect import figures, overviews
from assets.comparison.page import write_page
from assets.models.results import loss_plot
from assets.profile import profile
from assets.ratings.database import RatingsFile
from assets.ratings.summary import opinions
from assets.report.markdown import picture, table
from resources.configured import StoreResource
from resources.ledger import Ledger


@dg.asset(
    deps=[dg.AssetDep("scores", partition_mapping=dg.AllPartitionMapping())],
    group_name="report",
    kinds={"html"},
    owners=["team:research"],
)
def comparison(context: dg.AssetExecutionContext, store: StoreResource) -> dg.MaterializeResult:
    """All training runs side by side: models, losses, figures, and their songs beside the real ones."""
    ledger = Ledger(store.build())
    file = profile().ratings_file
    runs = overviews(ledger, opinions(RatingsFile(file).all()) if file.exists() else {})
    page = write_page(ledger, runs)
    columns, rows = figures(runs)
    cells = [
        (figure["figure"], *(f"{found[c]['value']:.3f}" if c in found else "" for c in columns))
        for figure, found in rows
    ]
    curves = {f"{run.run}, {stage}": curve for run in runs for stage, curve in run.losses.items() if curve}
    pictures = {"losses": dg.MetadataValue.md(picture("losses", loss_plot(curves)))} if curves else {}
    return dg.MaterializeResult(
        metadata={
            "page": dg.MetadataValue.url(ledger.store.uri(page)),
            "to_listen": "melisma compare",
            "runs": len(runs),
            **pictures,
            "figures": dg.MetadataValue.md(table(("", *columns), cells) if cells else "no run was scored yet"),
        }
    )
