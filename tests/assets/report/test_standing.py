from assets.report.standing import Standing, standings
from assets.stage import Policy, Recipe, Stage, run_stage
from assets.tables import table_of
from resources.engines import InlineEngine
from resources.ledger import Ledger, Pointer


def seal_manifest(ledger: Ledger, version: str = "1") -> None:
    rows = [{"track_id": "a", "status": "ok", "uri": version}]
    pointer = Pointer(f"tables/manifest/b0/{version}", version, "", {}, {"ok": 1, "rejected": 0, "failed": 0})
    ledger.seal("manifest", "b0", table_of("manifest", rows), pointer)


def do(row: dict) -> list[dict]:
    return [{"caption": "a song"}] if row.get("uri") else [{"rank": 1}]


def fail(row: dict) -> list[dict]:
    raise OSError("gone")


CAPTIONS = Stage("captions", "1", {"manifest": ("uri",)}, {}, lambda: do)
FAILING = Stage("captions", "1", {"manifest": ("uri",)}, {}, lambda: fail)
WINDOWS = Stage("windows", "1", {"captions": ("caption",)}, {}, lambda: do)


def stand(ledger: Ledger, *stages: Recipe) -> dict[str, Standing]:
    (found,) = standings(["b0"], stages or (CAPTIONS, WINDOWS), ledger)
    return dict(found.stages)


def run(ledger: Ledger, *stages: Stage) -> None:
    for stage in stages:
        run_stage(stage, "b0", ledger, InlineEngine())


def test_what_was_never_made_is_missing(ledger):
    seal_manifest(ledger)
    assert stand(ledger) == {"captions": "missing", "windows": "missing"}


def test_what_is_made_is_done(ledger):
    seal_manifest(ledger)
    run(ledger, CAPTIONS, WINDOWS)
    assert stand(ledger) == {"captions": "done", "windows": "done"}


def test_other_settings_make_a_stage_and_its_readers_stale(ledger):
    seal_manifest(ledger)
    run(ledger, CAPTIONS, WINDOWS)
    changed = Stage("captions", "1", CAPTIONS.reads, {"words": 9}, CAPTIONS.open)
    assert stand(ledger, changed, WINDOWS) == {"captions": "stale", "windows": "stale"}


def test_settings_of_a_later_stage_leave_the_earlier_alone(ledger):
    seal_manifest(ledger)
    run(ledger, CAPTIONS, WINDOWS)
    changed = Stage("windows", "2", WINDOWS.reads, {}, WINDOWS.open)
    assert stand(ledger, CAPTIONS, changed) == {"captions": "done", "windows": "stale"}


def test_other_inputs_make_a_stage_stale(ledger):
    seal_manifest(ledger)
    run(ledger, CAPTIONS, WINDOWS)
    seal_manifest(ledger, "2")
    assert stand(ledger)["captions"] == "stale"


def test_a_failure_is_due_until_its_attempts_are_spent(ledger):
    seal_manifest(ledger)
    seen = []
    for _ in range(Policy().attempts):
        run(ledger, FAILING)
        seen.append(stand(ledger, FAILING)["captions"])
    assert seen == ["failed", "failed", "done"]
