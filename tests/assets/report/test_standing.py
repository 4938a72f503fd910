from assets.report.standing import Standing, standings
from assets.stage import Policy, Recipe, Stage, run_stage
from assets.tables import table_of
from resources.engines import InlineEngine
from resources.ledger import Ledger, Pointer


def seal_manifest(ledger: Ledger, version: str = "1", tracks: str = "a") -> None:
    rows = [{"track_id": name, "status": "ok", "uri": version} for name in tracks]
    pointer = Pointer(f"tables/manifest/b0/{version}", version, "", {}, {"ok": 1, "rejected": 0, "failed": 0})
    ledger.seal("manifest", "b0", table_of("manifest", rows), pointer)


def do(row: dict) -> list[dict]:
    return [{"caption": "a song"}] if row.get("uri") else [{"rank": 1}]


def fail_on_a(row: dict) -> list[dict]:
    if row["track_id"] == "a":
        raise OSError("gone")
    return do(row)


CAPTIONS = Stage("captions", "1", {"manifest": ("uri",)}, {}, lambda: do)
FAILING = Stage("captions", "1", {"manifest": ("uri",)}, {}, lambda: fail_on_a)
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
    seal_manifest(ledger, tracks="abcdefghij")
    seen = []
    for _ in range(Policy().attempts):
        run(ledger, FAILING)
        seen.append(stand(ledger, FAILING)["captions"])
    assert seen == ["failed", "failed", "done"]


def test_a_batch_in_which_most_tracks_failed_is_never_done(ledger):
    seal_manifest(ledger, tracks="ab")
    for _ in range(Policy().attempts):
        run(ledger, FAILING)
    assert stand(ledger, FAILING) == {"captions": "failed"}


def test_asked_to_a_spent_failure_is_due_again(ledger):
    seal_manifest(ledger, tracks="abcdefghij")
    for _ in range(Policy().attempts):
        run(ledger, FAILING)
    (found,) = standings(["b0"], [FAILING], ledger, attempts=9)
    assert found.work == ("captions",)
