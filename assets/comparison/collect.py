"""All training runs side by side, as plain values."""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from assets.models.course import ASSET_OF
from assets.models.published import last_model
from assets.models.results import read_curve
from assets.scores.bootstrap import Estimate
from assets.tables import Row
from resources.ledger import Ledger

TRACKS = ("mix", "vocals", "accompaniment")
Curve = list[tuple[int, float]]


@dataclass(frozen=True, slots=True)
class RunOverview:
    """A training run. Hours are of all its stages; what it has not come to yet is None or empty."""

    run: str
    size: str
    codec: str
    parameters: int
    stages: Mapping[str, Row]  # rows of `models`
    device: str
    device_hours: float
    real_time_factor: Mapping[str, float] | None  # read, denoise, decode: seconds for a second of one track
    memory_bytes: int | None
    losses: Mapping[str, Curve]
    scores: list[Row]
    samples: list[Row]
    opinion: Estimate | None = None  # the mean of people's ratings from 1 to 5


def overviews(ledger: Ledger, opinions: Mapping[str, Estimate] | None = None) -> list[RunOverview]:
    """Every run that has finished a stage, in the order of their names."""
    runs = sorted({run for asset in ASSET_OF.values() for run in ledger.batches(asset)})
    return [_overview(ledger, run, (opinions or {}).get(run)) for run in runs]


def _overview(ledger: Ledger, run: str, opinion: Estimate | None) -> RunOverview:
    stages = {stage: row for stage, asset in ASSET_OF.items() if (row := last_model(ledger, asset, run))}
    last = list(stages.values())[-1]
    scores, samples = (
        ledger.read(name, run).to_pylist() if ledger.pointer(name, run) else [] for name in ("scores", "samples")
    )
    return RunOverview(
        run=run,
        size=last["size"],
        codec=last["codec"],
        parameters=last["parameters"],
        stages=stages,
        device=last["device"],
        device_hours=sum(row["device_hours"] for row in stages.values()),
        real_time_factor=_real_time_factor(samples) if samples else None,
        memory_bytes=max((row["memory_bytes"] for row in samples), default=None),
        losses={stage: read_curve(ledger.store, run, stage, "loss") for stage in stages},
        scores=scores,
        samples=samples,
        opinion=opinion,
    )


def _real_time_factor(samples: list[Row]) -> dict[str, float]:
    audio_s = len(TRACKS) * sum(row["duration_s"] for row in samples)
    return {part: sum(row[f"{part}_s"] for row in samples) / audio_s for part in ("read", "denoise", "decode")}


def figures(runs: list[RunOverview]) -> tuple[list[str], list[tuple[Row, Mapping[str, Row]]]]:
    """Columns, and for each figure a row that describes it with what each column has.

    What runs are compared with does not depend on them, so the newest scores of it count; but the codec is a run's own.
    """
    table: dict[str, dict[str, Row]] = defaultdict(dict)
    described: dict[str, Row] = {}
    for run in runs:
        for row in run.scores:
            system = str(row["system"])
            column = {"model": run.run, "codec": f"codec {run.codec}"}.get(system, system)
            table[row["figure"]][column] = row
            described[row["figure"]] = row
    codecs = list(dict.fromkeys(f"codec {run.codec}" for run in runs if run.scores))
    columns = ["real", *codecs, *(run.run for run in runs if run.scores), "shuffled", "noise"]
    return columns, [(described[name], cells) for name, cells in table.items()]


def learning_rates(run: RunOverview) -> str:
    rates = dict.fromkeys(f"{row['learning_rate']:g}" for row in run.stages.values())
    return ", ".join(rates)


def crop_s(run: RunOverview) -> float:
    return float(json.loads(list(run.stages.values())[-1]["settings"])["crop_s"])
