"""`melisma rate` and `melisma ratings`: what people think of songs when they do not know whose they are."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from assets.profile import profile
from assets.ratings.clips import NoClips, made_alike, read_clips
from assets.ratings.database import RatingsFile
from assets.ratings.samples import clips_of_runs
from assets.ratings.server import Listening, app_of
from assets.ratings.summary import FEWEST, opinions, preferences
from assets.scores.bootstrap import Estimate
from pipelines.looking import open_ledger
from pipelines.printing import AsJson, console, print_json, print_table

Database = Annotated[Path | None, typer.Option(help="where the answers are; the profile's `ratings` by default")]


def rate(
    run: Annotated[list[str] | None, typer.Option(help="a training run; may be given more than once")] = None,
    clips: Annotated[Path | None, typer.Option(help="a JSON list of clips, in place of the runs' samples")] = None,
    database: Database = None,
    most: Annotated[int, typer.Option(help="songs and pairs that each person is asked about", min=1)] = 30,
    host: Annotated[str, typer.Option(help="0.0.0.0 lets others in, over HTTP, without a password")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8765,
) -> None:
    """Serve the blind listening page: songs of the runs and the real ones, from 1 to 5 and in pairs."""
    import uvicorn

    ratings = RatingsFile(database or profile().ratings_file)
    with TemporaryDirectory() as scratch:
        copies, played = Path(scratch) / "copies", Path(scratch) / "played"
        copies.mkdir()
        played.mkdir()
        found = read_clips(clips) if clips else clips_of_runs(open_ledger(), run or (), copies)
        listening = Listening(found, made_alike(found, played), ratings, most)
        systems = len({clip.system for clip in found})
        console.print(f"{len(found)} songs of {systems} systems at http://{host}:{port} ; answers go to {ratings.path}")
        uvicorn.run(app_of(listening), host=host, port=port, log_level="warning", server_header=False)


def ratings(database: Database = None, as_json: AsJson = False) -> None:
    """What people thought so far: a mean for each system, and who was preferred to whom."""
    file = database or profile().ratings_file
    if not file.exists():
        raise NoClips(f"nobody has rated anything yet: {file} is not there. Serve the page with melisma rate")
    given = RatingsFile(file).all()
    means, pairs = opinions(given), preferences(given)
    if as_json:
        rows = [{"system": system, **_values(mean)} for system, mean in means.items()]
        shares = [{"system": each.system, "other": each.other, **_values(each.share)} for each in pairs]
        print_json({"ratings": len(given), "mos": rows, "preferred": shares})
        return
    console.print(f"{len(given)} answers by {len({each.rater for each in given})} people.")
    rated = ((system, *_values(mean).values()) for system, mean in means.items())
    print_table("Mean opinion", ["system", "mean", "low", "high", "ratings"], rated)
    if pairs:
        columns = ["system", "preferred to", "share", "low", "high", "answers"]
        print_table("Pairs", columns, ((p.system, p.other, *_values(p.share).values()) for p in pairs))
    console.print(f"Intervals are of 95 %, over people; systems with fewer than {FEWEST} answers are left out.")


def _values(found: Estimate) -> dict[str, float | None]:
    return {"mean": found.value, "low": found.low, "high": found.high, "count": found.count}
