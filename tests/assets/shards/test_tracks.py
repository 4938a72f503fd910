from assets.shards.sample import READS
from assets.shards.tracks import still_to_pack, tracks_of


def row(stage, track_id, **columns):
    return dict.fromkeys(READS[stage]) | {"track_id": track_id, "status": "ok"} | columns


def tables(*track_ids):
    ok = {stage: [row(stage, name) for name in track_ids] for stage in READS if stage != "windows"}
    windows = [row("windows", name, rank=rank, length_s=10.0) for name in track_ids for rank in (1, 2)]
    return ok | {"windows": windows}


def test_a_track_comes_with_one_row_of_each_stage_and_all_its_windows():
    (track,) = tracks_of(tables("a"), "b00000")
    assert set(track) == {"track_id", "batch", *READS}
    assert [window["rank"] for window in track["windows"]] == [1, 2]
    assert set(track["captions"]) == set(READS["captions"])


def test_a_track_that_is_not_ok_in_one_table_stays_out():
    some = tables("a", "b", "c")
    some["captions"].pop(1)
    assert [track["track_id"] for track in tracks_of(some, "b00000")] == ["a", "c"]


def test_only_windows_that_no_shard_holds_are_still_to_pack():
    tracks = list(tracks_of(tables("a", "b"), "b00000"))
    left = list(still_to_pack(tracks, [{"sample": "a-10s-1"}, {"sample": "a-10s-2"}, {"sample": "b-10s-1"}]))
    assert [(track["track_id"], [w["rank"] for w in track["windows"]]) for track in left] == [("b", [2])]
