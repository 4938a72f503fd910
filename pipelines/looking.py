"""What the command line tells of what is there; nothing here starts any work."""

from typing import Annotated

import typer

from assets.manifest.listing import STAGE as MANIFEST
from assets.profile import profile
from assets.report.lookup import NoSuchTrack, find_track, story, why
from assets.report.standing import BatchStanding, standings
from assets.shards.counting import shards_that_count
from assets.way import way
from pipelines.printing import AsJson, console, plain, print_json, print_table, shown
from resources.ledger import Ledger
from resources.stores import open_store

HIDDEN = {"fingerprint", "input_hash", "parameter_hash", "track_id", "lines", "given_lines", "shard_sha256"}


def status(as_json: AsJson = False) -> None:
    """How every batch stands in every stage."""
    found = all_standings()
    if as_json:
        print_json([{"batch": s.batch, **s.stages} for s in found])
        return
    if not found:
        console.print("No batches yet: melisma ingest FOLDER")
        return
    columns = ["batch", *found[0].stages]
    print_table("Batches", columns, ([s.batch, *(str(v) for v in s.stages.values())] for s in found))


def show(
    track: Annotated[str, typer.Argument(help="an id, or a part of a file name")], as_json: AsJson = False
) -> None:
    """All that is known of a track, stage by stage."""
    ledger = open_ledger()
    rows = story(find_track(track, ledger), ledger)
    if as_json:
        print_json(rows)
        return
    for stage, found in rows.items():
        names = [name for name in found[0] if name not in HIDDEN] if found else []
        if len(found) > 1:
            names = [name for name in names if name not in ("status", "reason", "detail")]
            print_table(stage, names, ([row[name] for name in names] for row in found))
        elif found:
            values = ((name, shown(found[0][name])) for name in names if found[0][name] not in (None, []))
            print_table(stage, ["", ""], values)


def lyrics(
    track: Annotated[str, typer.Argument(help="an id, or a part of a file name")],
    lrc: Annotated[bool, typer.Option("--lrc", help="as an .lrc file")] = False,
    as_json: AsJson = False,
) -> None:
    """The words of a track, in time."""
    ledger = open_ledger()
    rows = story(find_track(track, ledger), ledger).get("lyrics") or []
    if not rows or rows[0]["status"] != "ok":
        raise NoSuchTrack(f"no lyrics of {track}: ask `melisma why {track!r} lyrics`")
    row = rows[0]
    if as_json:
        print_json(row["lines"])
        return
    if lrc:
        with ledger.store.open(row["lrc_uri"]) as file:
            typer.echo(file.read().decode(), nl=False)
        return
    lines = ((line["start_s"], line["end_s"], line["confidence"] or 0.0, line["text"]) for line in row["lines"])
    print_table(f"{row['origin']}, {row['language']}", ["start_s", "end_s", "confidence", "line"], lines)


def why_(
    track: Annotated[str, typer.Argument(help="an id, or a part of a file name")],
    stage: Annotated[str, typer.Argument(help="a stage")],
    as_json: AsJson = False,
) -> None:
    """Why a track stands in a stage as it does."""
    stages, ledger = way(profile()), open_ledger()
    if stage not in stages:
        raise typer.BadParameter(f"{stage} is none of {', '.join(stages)}", param_hint="STAGE")
    found = find_track(track, ledger)
    answer = why(found, stages[stage], ledger)
    if as_json:
        print_json({"track_id": found.track_id, "batch": found.batch, "stage": stage, "why": answer})
        return
    console.print(plain(answer))


def shards(
    split: Annotated[str, typer.Option(help="train, valid or test")] = "train",
    as_json: AsJson = False,
) -> None:
    """The tars that count now, one a line. (Older ones stay in the folder, for checkpoints trained on them.)"""
    ledger = open_ledger()
    uris = [ledger.store.uri(key) for key in shards_that_count(ledger, split)]
    if as_json:
        print_json(uris)
        return
    for uri in uris:
        typer.echo(uri)


def open_ledger() -> Ledger:
    return Ledger(open_store(profile().store_root))


def all_standings() -> list[BatchStanding]:
    ledger = open_ledger()
    return standings(ledger.batches(MANIFEST), list(way(profile()).values()), ledger)


def named_batches(asked: list[str] | None) -> list[str]:
    """Those that were asked for, or all. Raises NoSuchTrack."""
    known = open_ledger().batches(MANIFEST)
    if odd := set(asked or ()) - set(known):
        raise NoSuchTrack(
            f"no batch {', '.join(sorted(odd))}: there are {', '.join(known[:3])}{' …' * (len(known) > 3)}"
        )
    return sorted(asked) if asked else known
