"""The page of all training runs in the store, with the real sound of what they were asked for."""

from collections.abc import Mapping

from assets.comparison.collect import RunOverview, crop_s
from assets.comparison.render import FOLDER, PAGE, render
from assets.scores.held_out import real_sounds
from resources.ffmpeg import encode
from resources.ledger import Ledger

RATE_HZ = 44_100


def write_page(ledger: Ledger, runs: list[RunOverview]) -> str:
    """Writes it, and gives its key."""
    ledger.store.point(PAGE, render(runs, real_songs(ledger, runs)).encode())
    return PAGE


def real_songs(ledger: Ledger, runs: list[RunOverview]) -> Mapping[str, str]:
    """Keys of the held-out windows' own sound, by item; what is not in the store yet is put there."""
    lengths = {row["item"]: min(row["duration_s"], crop_s(run)) for run in runs for row in run.samples}
    keys = {item: f"{FOLDER}/real/{item}-{length_s:g}s.flac" for item, length_s in lengths.items()}
    wanted = {item: length_s for item, length_s in lengths.items() if not ledger.store.exists(keys[item])}
    with ledger.store.scratch() as folder:
        for item, sounds in real_sounds(ledger, wanted, RATE_HZ) if wanted else ():
            encode(part := folder / f"{item}.flac", [sounds["mix"][:, None]], RATE_HZ)  # type: ignore[index]
            ledger.store.put(keys[item], part)
    return {item: key for item, key in keys.items() if ledger.store.exists(key)}
