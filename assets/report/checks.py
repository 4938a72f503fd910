"""What must hold of the corpus as a whole."""

import dagster as dg

from assets.report.asset import RULES
from assets.report.summary import broken_rules, straddling_groups
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


checks = [rules_hold_on_every_batch, splits_are_apart]
