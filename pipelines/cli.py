"""The command line: thin over what the Dagster page does too."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from assets.manifest.listing import track_id
from assets.models.course import NotReady
from assets.pages.local import local_page
from assets.pages.render import is_fresh
from assets.pages.stage import pages_stage
from assets.profile import HOUSE, ProfileError, profile
from assets.ratings.clips import NoClips
from assets.report.lookup import NoSuchTrack, find_track
from assets.report.standing import Standing, standings
from assets.stage import ATTEMPTS_TAG, Policy
from assets.tables import Status
from assets.way import way
from pipelines import looking, rating, singing, training
from pipelines.looking import all_standings, named_batches, open_ledger
from pipelines.printing import AsJson, console, errors, plain, print_json, print_table
from pipelines.singing import CannotSing
from resources.caches import cache_folder
from resources.ledger import Ledger
from resources.models import ModelUnavailable
from resources.outages import Outage

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
UNLIMITED = 1 << 30


def main() -> None:
    """Exit code 0: done; 1: a run failed, or some of its tracks; 2: asked for what is not there."""
    from pipelines.running import RunFailed

    try:
        app()
    except (RunFailed, Outage) as error:
        errors.print(f"[red]{plain(str(error))}[/red]")
        sys.exit(1)
    except (ProfileError, NoSuchTrack, ModelUnavailable, NotReady, CannotSing, NoClips) as error:
        errors.print(f"[red]{plain(str(error))}[/red]")
        sys.exit(2)
    except OSError as error:
        errors.print(f"[red]{plain(str(error))}[/red]")
        sys.exit(1)


@app.command()
def demo() -> None:
    """The demo songs, from files to training shards."""
    from pipelines.demo import write_demo_manifest

    file = HOUSE / ".dagster" / "demo.csv"
    tracks = write_demo_manifest(file)
    console.print(f"Melisma demo: {len(tracks)} tracks, of them 8 songs of this repository and 5 real recordings.")
    ingest(str(file), seal=True)
    run()
    batch = find_track(track_id(tracks[0].as_uri()), open_ledger()).batch
    console.print(f"\nTo hear it, with the words lighting up: [bold].venv/bin/melisma listen {batch}[/bold]")


@app.command()
def ingest(
    source: Annotated[str, typer.Argument(help="a folder of music, or a manifest: .csv, .jsonl or .parquet")],
    seal: Annotated[bool, typer.Option(help="seal the last batch although it is not full")] = False,
    batch_size: Annotated[int | None, typer.Option(help="tracks in a batch")] = None,
    as_json: AsJson = False,
) -> None:
    """List a source and give each new file its batch."""
    from pipelines.running import run_job

    config: dict[str, Any] = {"source": str(Path(source).expanduser().absolute()), "seal_short": seal}
    if batch_size:
        config["batch_size"] = batch_size
    done = run_job("ingest", config={"ops": {"manifest": {"config": config}}})[0].metadata
    if as_json:
        print_json(done)
        return
    console.print(
        f"{done['listed']:,} files listed: {done['new']:,} new (batches sealed: {done['batches_sealed']:,}), "
        f"{done['changed']:,} with new lyrics or tags. Batches in all: {done['batches']:,}."
    )
    if done["waiting"]:
        console.print(f"{done['waiting']:,} files wait until their batch is full; --seal does not wait.")


@app.command()
def run(
    batch: Annotated[list[str] | None, typer.Option(help="only this batch; may be given more than once")] = None,
    until: Annotated[str | None, typer.Option(help="the last stage to run")] = None,
    retry_failed: Annotated[bool, typer.Option(help="try failed tracks again, however often they failed")] = False,
    as_json: AsJson = False,
) -> None:
    """Bring batches up to date, from files to shards, and print what happened."""
    from pipelines.running import RunFailed, run_job, tell_what_is_done

    stages = way(profile())
    if until and until not in stages:
        raise typer.BadParameter(f"{until} is none of {', '.join(stages)}", param_hint="--until")
    wanted = list(stages)[: list(stages).index(until) + 1] if until else list(stages)
    attempts = UNLIMITED if retry_failed else Policy().attempts
    ledger = open_ledger()
    done: list[Any] = []
    failures: list[str] = []
    for name in named_batches(batch):
        # Just before its turn: what was done to another batch may have made it stale.
        (standing,) = standings([name], list(stages.values()), ledger, attempts)
        work = [stage for stage in wanted if standing.stages[stage] != Standing.DONE]
        if work:
            way(profile(), fetch=work)  # a model that cannot be had is said before anything is done
            if not as_json:
                console.print(f"[bold]{standing.batch}[/bold]: {', '.join(work)}")
            try:
                done += run_job("road", standing.batch, work, tags={ATTEMPTS_TAG: str(attempts)})
            except RunFailed as error:
                failures.append(str(error))
                errors.print(f"[red]{standing.batch}: {plain(str(error))}[/red]")
    # Anew: models that were fetched meanwhile are known by their hashes now.
    told = tell_what_is_done(way(profile()), all_standings(), ledger)
    if done or told:
        run_job("corpus_report")
    rows = _happened(done, wanted, ledger)
    if as_json:
        print_json(rows)
    else:
        _print_happened(rows, ledger, nothing_done=not done and not failures)
    if failures:
        raise RunFailed(f"{len(failures)} of the batches failed; the next run tries again")
    if lost := [found for found in done if found.metadata.get("failed")]:
        raise RunFailed(f"{_lost(lost, ledger)}; the next run tries again")


def _lost(runs: list[Any], ledger: Ledger) -> str:
    """How many tracks failed, at which stages, and what the first one of each said."""
    words = []
    for run in runs:
        table = ledger.read(run.stage, run.batch, ["status", "reason", "detail"]).to_pylist()
        first = next(row for row in table if row["status"] == Status.FAILED)
        counted = f"{run.metadata['failed']:,} failed in {run.stage} {run.batch}"
        words.append(f"{counted} ({first['reason']}: {first['detail']})")
    return "; ".join(words)


def _print_happened(rows: list[dict[str, Any]], ledger: Ledger, nothing_done: bool) -> None:
    print_table("What happened at each stage", list(rows[0]) if rows else [], (list(row.values()) for row in rows))
    if nothing_done:
        console.print("[green]Every batch is up to date: nothing was done again.[/green]")
    for name, key in (("shards", "shards/"), ("tables", "tables/"), ("stems", "stems/"), ("report", "report/")):
        console.print(f"{name:8}{plain(ledger.store.uri(key))}")


@app.command()
def listen(
    batch: Annotated[str, typer.Argument(help="a batch, as b00000")],
    open_: Annotated[bool, typer.Option("--open/--no-open", help="open the page in a browser")] = True,
    as_json: AsJson = False,
) -> None:
    """A page that plays a batch's songs, with their words lighting up as they are sung."""
    import webbrowser

    from pipelines.running import run_job

    named_batches([batch])
    ledger = open_ledger()
    for stage in pages_stage(profile().pages, "").reads:
        if ledger.pointer(stage, batch) is None:
            raise NoSuchTrack(f"{stage} has not finished batch {batch}: melisma run --batch {batch}")
    stale = not is_fresh(profile().pages, ledger, batch)
    if stale:
        errors.print(f"making the page of {batch} …")
        run_job("listen", batch)
    page = local_page(ledger.store, batch, cache_folder() / "pages")
    if as_json:
        print_json({"batch": batch, "page": str(page), "made": stale})
    else:
        typer.echo(page)
        if open_:
            webbrowser.open(page.as_uri())
    if stale:
        run_job("corpus_report")  # it links the page


@app.command()
def backfill(
    first: Annotated[str | None, typer.Option(help="the first batch")] = None,
    last: Annotated[str | None, typer.Option(help="the last batch")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
    url: Annotated[str, typer.Option(help="where `make dev` or the cluster's page answers")] = "http://localhost:3000",
    as_json: AsJson = False,
) -> None:
    """Post a backfill of every batch that has something to do to the running daemon."""
    from pipelines.backfills import launch_backfill, plan_backfill

    plan = plan_backfill([s for s in all_standings() if (first or "") <= s.batch <= (last or "~")], open_ledger())
    if as_json and not yes:
        raise typer.BadParameter("--json does not ask: it needs --yes", param_hint="--json")
    if not plan.batches and as_json:
        print_json({"backfill": None, "batches": [], "stages": []})
        return
    if not plan.batches:
        console.print("[green]Every batch is up to date: nothing to backfill.[/green]")
        return
    if not as_json:
        print_table("What it will do", ["stage", "batches", "tracks", "worker time"], plan.rows)
    if not yes:
        typer.confirm("Start it?", abort=True)
    backfill_id = launch_backfill(plan, url)
    if as_json:
        print_json({"backfill": backfill_id, "batches": list(plan.batches), "stages": list(plan.stages)})
        return
    console.print(f"Backfill {backfill_id} of {len(plan.batches)} batches: {url}/runs/b/{backfill_id}")


@app.command()
def doctor(
    seconds: Annotated[float, typer.Option(help="of audio that each hears; many hear 8 to 30 at once", min=1)] = 1.0,
    as_json: AsJson = False,
) -> None:
    """Fetch and load each model of the profile, run a little audio through it, and print what that costs."""
    from pipelines.doctor import examine, roles

    trials = []
    for trial in examine(roles(profile()), seconds, profile().threads):
        trials.append(trial)
        if trial.fault and not as_json:
            errors.print(f"[red]{trial.role}: {plain(trial.fault)}[/red]")
    rows = [trial.row(seconds) for trial in trials]
    if as_json:
        print_json(rows)
    else:
        print_table(f"Models of the profile {profile().profile!r}", list(rows[0]), (list(row.values()) for row in rows))
    if any(trial.fault for trial in trials):
        raise typer.Exit(1)


app.command()(looking.status)
app.command()(looking.show)
app.command()(looking.lyrics)
app.command(name="why")(looking.why_)
app.command()(looking.shards)
app.command()(training.train)
app.command()(training.runs)
app.command()(training.compare)
app.command()(singing.sample)
app.command()(rating.rate)
app.command()(rating.ratings)


def _happened(done: list[Any], stages: list[str], ledger: Ledger) -> list[dict[str, Any]]:
    rows = []
    for stage in stages:
        counts = {"ok": 0, "rejected": 0, "failed": 0}
        for batch in ledger.batches(stage):
            pointer = ledger.pointer(stage, batch)
            for status in counts:
                counts[status] += pointer.counts[status] if pointer else 0
        now = [found.metadata for found in done if found.stage == stage]
        seconds = sum(found["seconds"] for found in now)
        audio_s = 60 * sum(found["audio_minutes"] for found in now)
        rows.append(
            {
                "stage": stage,
                **counts,
                "worked on": sum(found["worked_on"] for found in now),
                "seconds": round(seconds, 1),
                "× real time": round(audio_s / seconds, 1) if seconds else None,
            }
        )
    return rows
