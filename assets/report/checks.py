"""What must hold of the corpus as a whole."""

import dagster as dg

from assets.profile import HOUSE, profile
from assets.report.asset import RULES
from assets.report.gate import faults, judge
from assets.report.summary import broken_rules, straddling_groups
from assets.scores.truth import read_truths
from resources.configured import StoreResource
from resources.ledger import Ledger


@dg.asset_check(asset="report")
def rules_hold_on_every_batch(store: StoreResource) -> dg.AssetCheckResult:
    """Every rule of every stage, on every finished batch: no track vanished, no word cut, no shard missing, …"""
    broken = broken_rules(Ledger(store.build()), RULES)
    faults = [f"{stage}, {rule}: {fault}" for (stage, rule), found in broken.items() for fault in found]
    return dg.AssetCheckResult(passed=not faults, metadata={"faults": len(faults), "first": "\n".join(faults[:20])})


@dg.asset_check(asset="report")
def splits_are_apart(store: StoreResource) -> dg.AssetCheckResult:
    """No group of duplicates has members in two splits."""
    faults = straddling_groups(Ledger(store.build()))
    return dg.AssetCheckResult(passed=not faults, metadata={"faults": len(faults), "first": "\n".join(faults[:20])})


@dg.asset_check(asset="report")
def songs_with_truth_are_right(store: StoreResource) -> dg.AssetCheckResult:
    """Words, tempo and key are right on the songs of the corpus whose truth is known (the songs of the demo are)."""
    judged = judge(Ledger(store.build()), read_truths(HOUSE / profile().truth))
    found = faults(judged)
    return dg.AssetCheckResult(
        passed=not found,
        description="; ".join(found)
        or ("all is right" if judged.songs else "no song with known truth is in this corpus"),
        metadata=judged.figures,
    )


checks = [rules_hold_on_every_batch, splits_are_apart, songs_with_truth_are_right]
