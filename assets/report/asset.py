"""The asset `report`: the whole corpus, for people."""

import dagster as dg

import assets.captions.checks
import assets.catalogue.checks
import assets.lyrics.checks
import assets.pages.checks
import assets.shards.checks
import assets.stems.checks
import assets.tracks.checks
import assets.windows.checks
from assets.pages.render import page_key
from assets.profile import profile
from assets.report import markdown, pictures
from assets.report.standing import standings
from assets.report.strips import draw, strips
from assets.report.summary import broken_rules, summarise
from assets.report.yields import COLUMNS, yields
from assets.way import way
from resources.configured import StoreResource
from resources.ledger import Ledger

STAGES = way(profile())
RULES = {
    "tracks": assets.tracks.checks.RULES,
    "catalogue": assets.catalogue.checks.RULES,
    "stems": assets.stems.checks.RULES,
    "lyrics": assets.lyrics.checks.RULES,
    "captions": assets.captions.checks.RULES,
    "windows": assets.windows.checks.RULES,
    "shards": assets.shards.checks.RULES,
    "pages": assets.pages.checks.RULES,
}

NO_PAGES = "none yet: `melisma listen BATCH` makes a page on which a batch can be listened to"


@dg.asset(
    deps=[dg.AssetDep(name, partition_mapping=dg.AllPartitionMapping()) for name in ("shards", "pages")],
    group_name="report",
    kinds={"matplotlib"},
    owners=["team:data"],
)
def report(context: dg.AssetExecutionContext, store: StoreResource) -> dg.MaterializeResult:
    """All batches at once: the funnel from files to samples, how values lie, what was left out and why, what is due."""
    ledger = Ledger(store.build())
    summary = summarise(ledger, ["manifest", *STAGES])
    stand = standings(ledger.batches("manifest"), list(STAGES.values()), ledger)
    drawn = {
        "funnel": pictures.funnel(summary),
        "left_out": pictures.reasons(summary),
        "spreads": pictures.spreads(summary.spreads),
        "standing": pictures.standing(stand),
    }
    if shown := strips(ledger):
        drawn["words"] = draw(shown)
    for name, png in drawn.items():
        ledger.store.point(f"report/{name}.png", png)
    due = [(s.batch, ", ".join(f"{stage} {s.stages[stage]}" for stage in s.work)) for s in stand if s.work]
    made = {batch: ledger.store.uri(page_key(batch)) for batch in ledger.batches("pages")[-50:]}
    pages = [(batch, f"melisma listen {batch}", uri) for batch, uri in made.items()]
    rules = [
        (stage, rule.replace("_", " "), "holds" if not faults else f"{len(faults)} faults: {faults[0]}")
        for (stage, rule), faults in broken_rules(ledger, RULES).items()
    ]
    trusted = yields(ledger, profile().windows.min_trust)
    return dg.MaterializeResult(
        metadata={
            **{name: dg.MetadataValue.md(markdown.picture(name, png)) for name, png in drawn.items()},
            "checks": dg.MetadataValue.md(markdown.table(("stage", "rule", "on all batches"), rules)),
            "trust": dg.MetadataValue.md(markdown.table(COLUMNS, trusted) if trusted else "no words yet"),
            "due": dg.MetadataValue.md(markdown.table(("batch", "stages"), due[:50]) if due else "nothing"),
            "pages": dg.MetadataValue.md(markdown.table(("batch", "to listen", "page"), pages) if pages else NO_PAGES),
            "batches": len(stand),
            "batches_done": sum(not s.work for s in stand),
            "tracks": sum(summary.funnel["manifest"].values()),
            "samples": sum(summary.samples.values()),
            "hours_of_audio": round(sum(summary.spreads.get("length of a track, s", [])) / 3600, 3),
        }
    )
