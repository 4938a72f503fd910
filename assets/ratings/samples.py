"""The clips of training runs: their songs as they were scored, and the real windows they answer."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from assets.comparison.collect import RunOverview, overviews
from assets.comparison.page import real_songs
from assets.ratings.clips import REAL, NoClips, RatedClip, checked
from resources.ledger import Ledger


def clips_of_runs(ledger: Ledger, names: Sequence[str], folder: Path) -> list[RatedClip]:
    """Copies into `folder` what is to be rated: the first song that each run made for each request.

    Raises:
        NoClips: no run has samples, or a run that is asked for has none.
    """
    runs = [run for run in overviews(ledger) if run.samples]
    if odd := sorted(set(names) - {run.run for run in runs}):
        raise NoClips(
            f"the run {odd[0]} has no samples; those that have are {', '.join(r.run for r in runs) or 'none'}"
        )
    chosen = [run for run in runs if not names or run.run in names]
    return checked(list(_copied(ledger, chosen, folder)), "the store")


def _copied(ledger: Ledger, runs: Sequence[RunOverview], folder: Path) -> Iterator[RatedClip]:
    real = real_songs(ledger, list(runs))
    for run in runs:
        for row in run.samples:
            if row["seed"] == 0:
                yield _clip(ledger, run.run, row, row["mix_uri"], folder)
    for item, key in real.items():
        row = next(row for run in runs for row in run.samples if row["item"] == item)
        yield _clip(ledger, REAL, row, key, folder)


def _clip(ledger: Ledger, system: str, row: dict[str, object], key: str, folder: Path) -> RatedClip:
    file = folder / f"{system}-{Path(key).name}"
    with ledger.store.open(key) as source, file.open("wb") as out:
        shutil.copyfileobj(source, out)
    return RatedClip(system, str(row["item"]), str(row["prompt"] or ""), str(row["lyrics"] or ""), file)
