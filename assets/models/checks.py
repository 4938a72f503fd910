"""What must hold of latents, and of what a run has learnt."""

from math import isfinite

import dagster as dg

from assets.models.course import ASSET_OF
from assets.models.results import losses_of, read_curve
from assets.partitions import batches_and_codecs, run_checks
from assets.profile import profile
from assets.rules import Rule
from assets.shards.counting import shards_that_count
from assets.tables import ok_rows
from resources.configured import StoreResource
from resources.ledger import Ledger
from training.run.guard import Trouble

MOST_SKIPPED = 0.02  # of a run's steps
STAGE_OF = {asset: stage for stage, asset in ASSET_OF.items()}


def loss_is_finite(stage: str) -> Rule:
    def loss_is_finite(ledger: Ledger, run: str) -> list[str]:
        """Every row of the curves has a loss that is a number, and few steps had to be skipped."""
        rows = read_curve(ledger.store, run, stage, "learning_rate")
        if not rows:
            return ["there are no curves"]
        finite = {step for step, value in read_curve(ledger.store, run, stage, "loss") if isfinite(value)}
        faults = [f"step {step}: the loss is no number" for step, _ in rows if step not in finite]
        skipped = {trouble: read_curve(ledger.store, run, stage, f"skipped/{trouble}") for trouble in Trouble}
        counts = {trouble: curve[-1][1] for trouble, curve in skipped.items() if curve}
        if sum(counts.values()) > MOST_SKIPPED * rows[-1][0]:
            said = ", ".join(f"{count:.0f} {trouble}" for trouble, count in counts.items() if count)
            faults.append(f"of {rows[-1][0]} steps too many were skipped: {said}")
        return faults

    return loss_is_finite


def loss_falls(stage: str) -> Rule:
    def loss_falls(ledger: Ledger, run: str) -> list[str]:
        """The last tenth of the run has a lower loss than the first."""
        losses = losses_of(read_curve(ledger.store, run, stage, "loss"))
        if losses is None:
            return ["the curve has too few points to tell"]
        return [] if losses.last < losses.first else [f"the loss went from {losses.first:.3f} to {losses.last:.3f}"]

    return loss_falls


@dg.asset_check(asset="latents", partitions_def=batches_and_codecs)
def every_sample_has_latents(context: dg.AssetCheckExecutionContext, store: StoreResource) -> dg.AssetCheckResult:
    """Every sample of the batch's shards has latents, or is counted as one that does not decode."""
    ledger = Ledger(store.build())
    faults, passed_over = [], 0
    for key in context.op_execution_context.partition_keys:
        named = key.keys_by_dimension  # type: ignore[attr-defined]
        found, over = missing_latents(ledger, named["batch"], named["codec"])
        faults += found
        passed_over += over
    return dg.AssetCheckResult(
        passed=not faults,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"faults": len(faults), "first": "\n".join(faults[:20]), "passed_over": passed_over},
    )


def missing_latents(ledger: Ledger, batch: str, codec: str) -> tuple[list[str], int]:
    """Faults in words, and how many samples were passed over, each for a reason."""
    from training.data.latents import codec_name, index_key, read_index

    name = codec_name(profile().models.codecs[codec])
    wanted: dict[str, set[str]] = {}
    for row in ok_rows(ledger.read("shards", batch, ["status", "shard_uri", "sample"])):
        wanted.setdefault(row["shard_uri"], set()).add(row["sample"])
    faults, passed_over = [], 0
    for shard in shards_that_count(ledger, batches=[batch]):
        index = index_key(name, shard)
        if not ledger.store.exists(index):
            faults.append(f"{shard} has no latents")
            continue
        table, about = read_index(ledger.store, index, ["sample"])
        missing, known = wanted[shard] - set(table["sample"].to_pylist()), sum(about["faults"].values())
        passed_over += known
        if len(missing) > known:
            faults.append(f"{len(missing)} samples of {shard} have no latents, and {known} are known not to decode")
    return faults, passed_over


checks = [
    every_sample_has_latents,
    *(
        check
        for asset, stage in STAGE_OF.items()
        for check in run_checks(asset, [loss_is_finite(stage), loss_falls(stage)])
    ),
]
