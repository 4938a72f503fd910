"""A backfill of many batches: what it will do, and how it is handed to a running daemon."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from assets.partitions import BATCHES
from assets.report.standing import BatchStanding
from pipelines.running import RunFailed
from resources.ledger import Ledger

LAUNCH = """
mutation Launch($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
    ... on UnauthorizedError { message }
  }
}
"""


@dataclass(frozen=True, slots=True)
class BackfillPlan:
    """Which batches, which stages, and what each stage will have to do."""

    batches: tuple[str, ...]
    stages: tuple[str, ...]
    rows: tuple[tuple[str, int, int, str], ...]  # stage, batches, tracks, what it will cost


def plan_backfill(standings: Sequence[BatchStanding], ledger: Ledger) -> BackfillPlan:
    """The batches that have something to do. Hours come from what the stage's last tracks have cost, if any."""
    at_work = [standing for standing in standings if standing.work]
    batches: Counter[str] = Counter()
    tracks: Counter[str] = Counter()
    for standing in at_work:
        pointer = ledger.pointer("manifest", standing.batch)
        for stage in standing.work:
            batches[stage] += 1
            tracks[stage] += sum(pointer.counts.values()) if pointer else 0
    stages = [stage for stage in (standings[0].stages if standings else ()) if batches[stage]]
    rows = tuple(
        (stage, batches[stage], tracks[stage], _price(tracks[stage], _cost_s(stage, ledger))) for stage in stages
    )
    return BackfillPlan(tuple(standing.batch for standing in at_work), tuple(stages), rows)


def launch_backfill(plan: BackfillPlan, url: str) -> str:
    """Posts the plan to the page at `url`, and gives the backfill's id. Raises RunFailed."""
    params = {
        "assetSelection": [{"path": [stage]} for stage in plan.stages],
        "partitionNames": list(plan.batches),
        "tags": [{"key": "melisma/partitions", "value": BATCHES}],
        "title": f"melisma backfill: {len(plan.batches)} batches",
    }
    body = json.dumps({"query": LAUNCH, "variables": {"params": params}}).encode()
    request = Request(f"{url.rstrip('/')}/graphql", body, {"Content-Type": "application/json"})
    try:
        with urlopen(request, timeout=60) as answer:
            result: dict[str, Any] = json.load(answer)
    except HTTPError as error:
        raise RunFailed(f"{url} answers with an error ({error.code} {error.reason}): see its log") from None
    except URLError as error:
        raise RunFailed(f"nothing answers at {url} ({error.reason}): start it with `make dev`") from None
    launched = (result.get("data") or {}).get("launchPartitionBackfill") or {}
    if "backfillId" not in launched:
        raise RunFailed(f"the backfill was not taken: {launched.get('message') or result}")
    return str(launched["backfillId"])


def _cost_s(stage: str, ledger: Ledger, sample: int = 4) -> float | None:
    """Seconds of work a track, from the last few batches that the stage has finished."""
    seconds = [
        value
        for batch in ledger.batches(stage)[-sample:]
        for value in ledger.efforts(stage, batch)["seconds"].to_pylist()
    ]
    return sum(seconds) / len(seconds) if seconds else None


def _price(tracks: int, cost_s: float | None) -> str:
    if cost_s is None:
        return "not measured yet"
    total_s = tracks * cost_s
    return f"{total_s / 3600:,.1f} h" if total_s >= 3600 else f"{total_s / 60:.1f} min"
