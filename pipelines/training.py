"""`melisma train` and `melisma runs`: training runs from a command line."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from assets.comparison.render import PAGE
from assets.models.course import ASSET_OF, NotReady
from assets.models.presets import PRESETS
from assets.models.published import last_model
from assets.models.settings import Size
from assets.profile import profile
from pipelines.looking import open_ledger
from pipelines.printing import AsJson, console, plain, print_json, print_table
from resources.ledger import Ledger

AFTER = ("samples", "scores")  # what a run is judged by, once its last stage is done
SHOWN = ("stage", "size", "steps", "learning_rate", "first_loss", "last_loss", "audio_s_per_s", "device_hours")


def train(
    run: Annotated[str, typer.Argument(help="a name: a new one begins a run, a known one goes on with it")],
    size: Annotated[Size | None, typer.Option(help="which preset")] = None,
    stage: Annotated[list[str] | None, typer.Option(help="music, vocals or joint; may be given more than once")] = None,
    steps: Annotated[int | None, typer.Option(help="of each stage, in all", min=1)] = None,
    learning_rate: Annotated[float | None, typer.Option(help="after warm-up")] = None,
    codec: Annotated[str | None, typer.Option(help="one of the profile's `models.codecs`")] = None,
    seed: Annotated[int, typer.Option(help="of weights, order and noise", min=0)] = 0,
    processes: Annotated[int, typer.Option(help="that train together, one a device", min=1)] = 1,
    goes_on_from: Annotated[str | None, typer.Option(help="the run whose stage before is gone on from")] = None,
    judge: Annotated[bool, typer.Option("--judge/--no-judge", help="make and score samples at the end")] = True,
    as_json: AsJson = False,
) -> None:
    """Train a song model on the shards: latents, line durations, three stages, samples, scores; then the page."""
    from pipelines.running import run_job

    stages = list(stage or ASSET_OF)
    if odd := sorted(set(stages) - set(ASSET_OF)):
        raise typer.BadParameter(f"{', '.join(odd)} is none of {', '.join(ASSET_OF)}", param_hint="--stage")
    ledger = open_ledger()
    given = {
        "size": size,
        "steps": steps,
        "learning_rate": learning_rate,
        "codec": codec,
        "goes_on_from": goes_on_from,
    }
    config = {ASSET_OF[name]: {"config": {**_said(given), "seed": seed, "processes": processes}} for name in stages}
    wanted = [ASSET_OF[name] for name in ASSET_OF if name in stages]
    if not stage:
        wanted.insert(0, "line_durations")
        config["line_durations"] = {"config": _said({"size": size, "codec": codec})}
    wanted += AFTER if judge and "joint" in stages else ()
    for batch in ledger.batches("shards"):
        if not as_json:
            console.print(f"[bold]{batch}[/bold]: latents")
        run_job("encode", batch, codec=_codec(codec, size, run, ledger))
    if not as_json:
        console.print(f"[bold]{plain(run)}[/bold]: {', '.join(wanted)}")
    run_job("train", training_run=run, stages=wanted, config={"ops": config})
    run_job("compare_runs")
    rows = _rows(ledger, [run])
    if as_json:
        print_json(rows)
    else:
        _print(rows, f"The run {run}")
        console.print("\nTo see and hear it beside the others: [bold]melisma compare[/bold]")


def runs(as_json: AsJson = False) -> None:
    """All training runs, and what each of their stages came to."""
    ledger = open_ledger()
    names = sorted({run for asset in ASSET_OF.values() for run in ledger.batches(asset)})
    rows = _rows(ledger, names)
    if as_json:
        print_json(rows)
    elif rows:
        _print(rows, "Training runs")
    else:
        console.print("No training runs yet: melisma train NAME")


def _codec(codec: str | None, size: Size | None, run: str, ledger: Ledger) -> str:
    """The codec that a launch comes to: as said, as the run has it, or as the preset does. Raises NotReady."""
    models = (last_model(ledger, asset, run) for asset in ASSET_OF.values())
    begun = next((row["codec"] for row in models if row), None)
    found = codec or begun or PRESETS[size or "tiny"].codec
    if found not in profile().models.codecs:
        raise NotReady(
            f"there is no codec {found}: `models.codecs` of the profile has {', '.join(profile().models.codecs)}"
        )
    return str(found)


def _said(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _rows(ledger: Ledger, names: Sequence[str]) -> list[dict[str, Any]]:
    found = [(run, last_model(ledger, asset, run)) for run in names for asset in ASSET_OF.values()]
    return [{"run": run, **{name: row[name] for name in SHOWN}} for run, row in found if row]


def _print(rows: list[dict[str, Any]], title: str) -> None:
    rows = [{**row, "learning_rate": f"{row['learning_rate']:g}"} for row in rows]
    print_table(title, ["run", *SHOWN], (list(row.values()) for row in rows))


def compare(
    open_: Annotated[bool, typer.Option("--open/--no-open", help="open the page in a browser")] = True,
) -> None:
    """The page on which all training runs stand side by side, with their songs."""
    import webbrowser

    from pipelines.running import run_job

    run_job("compare_runs")
    uri = open_ledger().store.uri(PAGE)
    typer.echo(uri)
    if open_:
        webbrowser.open(uri)
