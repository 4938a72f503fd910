import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.catalogue.decide import catalogue_batch
from assets.catalogue.index import DuplicateIndex
from assets.catalogue.settings import CatalogueSettings
from assets.tables import table_of
from resources.stores import FolderStore

SETTINGS = CatalogueSettings(valid_share=0.3, test_share=0.2)
SEALED = [f"b{i:05d}" for i in range(100)]


def catalogue(batches, tracks_of, store):
    """The rows of batch after batch by track_id."""
    index = DuplicateIndex(store)
    rows = {}
    for batch, fingerprints in zip(SEALED, batches, strict=False):
        for row in catalogue_batch(batch, SEALED, tracks_of(fingerprints), index, SETTINGS):
            rows[row["track_id"]] = row
    return rows


def fates(rows):
    return {name: (row["reason"], row["duplicate_of"]) for name, row in rows.items()}


def test_the_first_to_arrive_is_kept(store, tracks_of, recording, copied):
    song = recording(1)
    rows = catalogue(
        [
            {"other": recording(2), "song": song},
            {"copy": copied(song, 3), "new": recording(4), "copy of copy": copied(song, 5)},
            {"cut": copied(song, 6, start=20), "clip": copied(song, 7, start=90, stop=170)},
        ],
        tracks_of,
        store,
    )
    assert fates(rows) == {
        "other": (None, None),
        "song": (None, None),
        "copy": ("duplicate", "song"),
        "new": (None, None),
        "copy of copy": ("duplicate", "song"),
        "cut": ("duplicate", "song"),
        "clip": ("duplicate", "song"),
    }
    assert {rows[name]["split"] for name in ("song", "copy", "cut", "clip")} == {rows["song"]["split"]}
    assert all(row["group"] == (row["duplicate_of"] or name) for name, row in rows.items())


def test_a_later_part_of_a_longer_copy_is_of_the_same_group(store, tracks_of, recording, copied):
    song = recording(1)
    clip, other_clip = copied(song, 2, stop=90), copied(song, 3, start=140)
    rows = catalogue([{"clip": clip}, {"song": song}, {"other clip": other_clip}], tracks_of, store)
    assert rows["other clip"]["group"] == rows["song"]["group"] == "clip"


def test_a_track_near_members_of_two_splits_belongs_to_neither(store, tracks_of, recording, copied):
    songs = {f"song {i}": recording(i) for i in range(20)}
    rows = catalogue([songs], tracks_of, store)
    by_split = {row["split"]: name for name, row in rows.items()}
    first, second = songs[by_split["train"]], songs[by_split["valid"]]
    medley = np.concatenate([copied(first, 30), copied(second, 31)])
    found = catalogue([songs, {"medley": medley, "again": medley}], tracks_of, store)
    for name in ("medley", "again"):
        assert (found[name]["status"], found[name]["reason"]) == ("rejected", "split_conflict")
        assert found[name]["split"] is found[name]["group"] is None
    assert {name: found[name] for name in songs} == rows


def test_short_and_silent_tracks_are_duplicates_only_of_the_same_file(store, tracks_of, recording):
    silence = np.full(200, 627964279, np.uint32)
    rows = catalogue(
        [
            {"short": recording(1)[:10], "silent": silence, "none": np.zeros(0, np.uint32)},
            {"short again": recording(1)[:10], "longer": recording(1)[:12], "silent, longer": silence[:150]},
            {"silent again": silence},
        ],
        tracks_of,
        store,
    )
    assert {name: of for name, (_, of) in fates(rows).items() if of} == {
        "short again": "short",
        "silent again": "silent",
    }


def test_a_long_copy_is_found_though_a_tenth_of_its_bits_are_wrong(store, tracks_of, copied):
    song = np.random.default_rng(0).integers(0, 2**32, 1700, dtype=np.uint32)
    rows = catalogue([{"song": song}, {"copy": copied(song, 1, wrong=0.1, start=700)}], tracks_of, store)
    assert rows["copy"]["duplicate_of"] == "song"


def test_songs_with_the_same_silence_around_them_are_different(store, tracks_of, recording):
    silence = np.full(200, 627964279, np.uint32)
    songs = {f"song {i}": np.concatenate([silence, recording(i), silence]) for i in range(4)}
    rows = catalogue([songs], tracks_of, store)
    assert {row["duplicate_of"] for row in rows.values()} == {None}


def test_what_is_not_ok_in_tracks_has_no_row(store, recording, tracks_of):
    good = tracks_of({"good": recording(1)}).to_pylist()
    table = table_of("tracks", [*good, {"track_id": "bad", "status": "rejected", "reason": "silent"}])
    rows = catalogue_batch("b0", ["b0"], table, DuplicateIndex(store), SETTINGS)
    assert [row["track_id"] for row in rows] == ["good"]


def test_a_batch_waits_for_those_before_it(store, tracks_of, recording):
    with pytest.raises(LookupError, match="b00000 has no catalogue"):
        catalogue_batch("b00001", SEALED, tracks_of({"a": recording(1)}), DuplicateIndex(store), SETTINGS)


def test_ten_batches_killed_at_any_write_end_in_the_same_bytes(tmp_path, tracks_of, recording, copied):
    batches = [{f"{b}/{i}": recording(100 * b + i) for i in range(3)} for b in range(10)]
    batches[9]["copy"] = copied(batches[4]["4/1"], 1)
    whole = FolderStore(tmp_path / "whole")
    rows = catalogue(batches, tracks_of, whole)
    assert rows["copy"]["duplicate_of"] == "4/1"
    for left in range(1, 21, 3):
        store = Dying(tmp_path / f"killed after {left}", left)
        with pytest.raises(KilledError):
            catalogue(batches, tracks_of, store)
        again = FolderStore(store.root)
        assert catalogue(batches, tracks_of, again) == rows
        # An interrupted merge may leave smaller postings that the merged ones have in them.
        assert set(whole.list("")) <= set(again.list(""))
        for key in whole.list(""):
            assert (whole.root / key).read_bytes() == (again.root / key).read_bytes()


class KilledError(Exception):
    pass


class Dying(FolderStore):
    """A store whose process dies at one of its writes, before or after it."""

    def __init__(self, root, left):
        super().__init__(root)
        self.left = left

    def put(self, key, file):
        self._dying(lambda: super(Dying, self).put(key, file))

    def put_bytes(self, key, data):
        self._dying(lambda: super(Dying, self).put_bytes(key, data))

    def _dying(self, write):
        self.left -= 1
        if self.left == 0 and self.root.name.endswith(("1", "3", "5", "7", "9")):
            raise KilledError
        write()
        if self.left == 0:
            raise KilledError


@settings(deadline=None, max_examples=8)
@given(st.lists(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), max_size=3), min_size=1, max_size=10))
def test_what_arrives_later_changes_no_row(tmp_path_factory, tracks_of, recording, copied, arrivals):
    batches = [
        {f"{b}/{i}": copied(recording(song), 1000 * b + i, start=start) for i, (song, start) in enumerate(batch)}
        for b, batch in enumerate(arrivals)
    ]
    everything = catalogue(batches, tracks_of, FolderStore(tmp_path_factory.mktemp("all")))
    for count in range(len(batches)):
        some = catalogue(batches[:count], tracks_of, FolderStore(tmp_path_factory.mktemp("some")))
        assert some == {name: everything[name] for name in some}
    firsts: dict[int, str] = {}
    for b, batch in enumerate(arrivals):
        for i, (song, _) in enumerate(batch):
            first = firsts.setdefault(song, f"{b}/{i}")
            assert everything[f"{b}/{i}"]["group"] == first
