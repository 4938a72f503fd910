from collections import Counter
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest

from assets.stage import Policy, Stage, fate_of, input_rows, run_stage
from assets.tables import Reason, Rejected, table_of
from resources.child import DecodeError
from resources.engines import InlineEngine, LocalEngine
from resources.ledger import EFFORTS, Ledger, Pointer
from resources.outages import Outage

calls: Counter[str] = Counter()


def caption(words: str, row: dict) -> list[dict]:
    calls[row["track_id"]] += 1
    if row["bytes"] == 0:
        raise Rejected(Reason.EMPTY, "zero bytes")
    if row["bytes"] < 0:
        raise OSError("the disk is gone")
    if row["bytes"] == 13:
        raise DecodeError("replaced", "a.mp3 is no longer the file that was measured")
    return [{"caption": f"{words} {row['uri']}"}]


def open_caption(words: str):
    return partial(caption, words)


def stage_of(words: str = "sounds like") -> Stage:
    return Stage("captions", "1", {"manifest": ("uri", "bytes")}, {"words": words}, partial(open_caption, words))


def seal_manifest(ledger: Ledger, sizes: dict[str, int], **extra) -> None:
    rows = [
        {"track_id": name, "status": "ok", "uri": f"file:///{name}", "bytes": size} | extra
        for name, size in sizes.items()
    ]
    version = str(hash(str(rows)))
    ledger.seal(
        "manifest", "b0", table_of("manifest", rows), Pointer(f"tables/manifest/b0/{version}", version, "", {}, {})
    )


@pytest.fixture(autouse=True)
def no_calls():
    calls.clear()


def run(ledger: Ledger, stage: Stage | None = None, policy: Policy = Policy()):  # noqa: B008
    return run_stage(stage or stage_of(), "b0", ledger, InlineEngine(), policy)


def test_every_track_that_comes_in_leaves_as_ok_rejected_or_failed(ledger):
    seal_manifest(ledger, {"a": 1, "b": 0, "c": -1})
    outcome = run(ledger)
    assert outcome.counts == {"ok": 1, "rejected": 1, "failed": 1}
    rows = {row["track_id"]: row for row in ledger.read("captions", "b0").to_pylist()}
    assert (rows["b"]["reason"], rows["b"]["detail"]) == ("empty", "zero bytes")
    assert rows["c"]["detail"] == "OSError: the disk is gone"


def test_a_file_that_was_replaced_is_no_failure_of_ours(ledger):
    seal_manifest(ledger, {"a": 13})
    run_stage(stage_of(), "b0", ledger, InlineEngine())
    assert ledger.read("captions", "b0").select(["status", "reason"]).to_pylist() == [
        {"status": "rejected", "reason": "replaced"}
    ]


def test_what_is_done_is_not_done_again(ledger):
    seal_manifest(ledger, {"a": 1, "b": 0})
    first, second = run(ledger), run(ledger)
    assert calls == {"a": 1, "b": 1}
    assert second.worked == 0
    assert second.data_version == first.data_version


def test_a_failure_is_tried_again_until_its_attempts_are_spent(ledger):
    seal_manifest(ledger, {"c": -1})
    for _ in range(5):
        run(ledger, policy=Policy(attempts=3))
    assert calls == {"c": 3}


def test_other_settings_are_other_work(ledger):
    seal_manifest(ledger, {"a": 1})
    first, second = run(ledger), run(ledger, stage_of("reminds of"))
    assert first.data_version != second.data_version
    assert ledger.read("captions", "b0")["caption"].to_pylist() == ["reminds of file:///a"]


def test_a_column_that_is_not_read_touches_nothing(ledger):
    seal_manifest(ledger, {"a": 1})
    first = run(ledger)
    seal_manifest(ledger, {"a": 1}, title="another title")
    assert run(ledger).data_version == first.data_version
    assert calls == {"a": 1}


def test_only_the_track_whose_input_changed_is_worked_on(ledger):
    seal_manifest(ledger, {"a": 1, "b": 2})
    run(ledger)
    seal_manifest(ledger, {"a": 1, "b": 3})
    assert run(ledger).worked == 1
    assert calls == {"a": 1, "b": 2}


def test_an_interrupted_run_goes_on_and_ends_in_the_same_bytes(ledger, tmp_path):
    from resources.stores import FolderStore

    undisturbed = Ledger(FolderStore(tmp_path / "undisturbed"))
    sizes = dict.fromkeys("abcdef", 1)
    seal_manifest(undisturbed, sizes)
    run(undisturbed)
    calls.clear()

    seal_manifest(ledger, sizes)

    class Cable(InlineEngine):
        def run(self, open_work, items, timeout_s, crew):
            for count, done in enumerate(super().run(open_work, items, timeout_s, crew)):
                if count == 4:
                    raise KeyboardInterrupt
                yield done

    with pytest.raises(KeyboardInterrupt):
        run_stage(stage_of(), "b0", ledger, Cable(), Policy(chunk=2))
    assert ledger.pointer("captions", "b0") is None
    assert run(ledger).worked == 2
    table = ledger.pointer("captions", "b0").table
    assert table == undisturbed.pointer("captions", "b0").table
    with ledger.store.open(table) as ours, undisturbed.store.open(table) as theirs:
        assert ours.read() == theirs.read()
    assert ledger.parts("captions", "b0") == []


def test_only_tracks_that_are_ok_before_come_in(ledger):
    seal_manifest(ledger, {"a": 1, "b": 0})
    run(ledger)
    after = Stage("windows", "1", {"captions": ("caption",), "manifest": ()}, {}, partial(open_caption, ""))
    assert [row["track_id"] for row in input_rows(after, "b0", ledger)] == ["a"]


def test_a_batch_that_was_not_made_before_is_named(ledger):
    with pytest.raises(KeyError, match="manifest has not finished batch b0"):
        run(ledger)


def test_a_late_success_counts_more_than_failures_that_came_before_it(ledger):
    """Two failures and a success in the chunks of killed runs: the success is kept, whatever order they are read in."""
    seal_manifest(ledger, {"a": 1})
    (row,) = input_rows(stage_of(), "b0", ledger)
    fate = {"track_id": "a", "input_hash": row["input_hash"], "parameter_hash": stage_of().parameter_hash}
    for number, status in enumerate(["failed", "failed", "ok"]):
        effort = {"track_id": "a", "work_key": row["key"], "status": status, "seconds": float(number)}
        part = table_of("captions", [{**fate, "status": status, "detail": str(number)}])
        ledger.append("captions", "b0", part, pa.Table.from_pylist([effort], schema=EFFORTS))
    assert run(ledger).counts == {"ok": 1, "rejected": 0, "failed": 0}
    assert calls == {}


def test_attempts_that_stand_in_two_files_count_once(ledger):
    seal_manifest(ledger, {"c": -1})
    run(ledger)
    (key,) = ledger.store.list("efforts/captions/b0/")
    with ledger.store.open(key) as file:
        ledger.store.put_bytes("efforts/captions/b0/again.parquet", file.read())
    assert ledger.efforts("captions", "b0").num_rows == 1


def fill_the_disk(row: dict) -> list[dict]:
    if row["bytes"] > 1:
        Path("/dev/full").write_bytes(b"x")
    return [{"caption": "short"}]


def open_disk_filler():
    return fill_the_disk


@pytest.mark.parametrize("engine", [InlineEngine(), LocalEngine(workers=1)], ids=["inline", "local"])
def test_a_full_disk_stops_the_run_at_once_and_counts_against_no_track(ledger, engine):
    seal_manifest(ledger, {"a": 1, "b": 2, "c": 1})
    filler = Stage("captions", "1", {"manifest": ("uri", "bytes")}, {}, open_disk_filler)
    with pytest.raises(Outage, match="full disk"):
        run_stage(filler, "b0", ledger, engine, Policy(chunk=1))
    assert ledger.pointer("captions", "b0") is None
    assert [row["track_id"] for part in ledger.parts("captions", "b0") for row in part.to_pylist()] == ["a"]
    assert ledger.efforts("captions", "b0")["status"].to_pylist() == ["ok"]


def test_a_file_that_cannot_be_read_now_is_a_failure_with_its_reason():
    fate = fate_of(DecodeError("unreadable", "Permission denied"))
    assert (fate["status"], fate["reason"]) == ("failed", "unreadable")


def test_what_an_error_says_always_fits_a_table():
    odd = "x\udcff\x00.mp3"
    for error in (ValueError(odd), Rejected(Reason.MISSING, odd)):
        table_of("captions", [fate_of(error)])
