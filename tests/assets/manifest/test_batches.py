import os

from hypothesis import given
from hypothesis import strategies as st

from assets.manifest.batches import seal_batches, unsealed
from assets.manifest.sources import list_source
from resources.ledger import Ledger
from resources.stores import FolderStore


def files(*names: str, bytes_: int = 1) -> list[dict]:
    return [{"uri": f"file:///{name}", "bytes": bytes_, "modified_s": 0.0} for name in names]


def members(ledger: Ledger, batch: str) -> list[str]:
    return [uri.removeprefix("file:///") for uri in ledger.read("manifest", batch)["uri"].to_pylist()]


def test_full_batches_are_sealed_and_the_rest_waits(ledger):
    sealed = seal_batches(files(*"abcde"), ledger, batch_size=2, seal_short=False)
    assert (sealed.batches, sealed.waiting) == (("b00000", "b00001"), 1)
    assert members(ledger, "b00001") == ["c", "d"]


def test_told_to_the_short_batch_is_sealed_too(ledger):
    assert seal_batches(files(*"abc"), ledger, 2, seal_short=True).batches == ("b00000", "b00001")


def test_a_file_keeps_its_batch_when_others_arrive(ledger):
    seal_batches(files(*"bd"), ledger, 2, seal_short=False)
    sealed = seal_batches(files(*"abcd"), ledger, 2, seal_short=False)
    assert (sealed.known, sealed.new) == (2, 2)
    assert [members(ledger, batch) for batch in ledger.batches("manifest")] == [["b", "d"], ["a", "c"]]


def test_a_file_that_was_replaced_counts_as_new_and_only_once(ledger):
    seal_batches(files("a"), ledger, 1, seal_short=False)
    assert seal_batches(files("a", bytes_=2), ledger, 1, seal_short=False).batches == ("b00001",)
    assert seal_batches(files("a", bytes_=2), ledger, 1, seal_short=False).batches == ()


def test_a_file_listed_twice_is_one_track(ledger):
    assert seal_batches(files("a", "a"), ledger, 2, seal_short=True).new == 1


def test_what_comes_with_a_file_is_brought_up_to_date_in_its_batch(ledger):
    seal_batches(files(*"ab"), ledger, 2, seal_short=False)
    now = [file | {"license": "CC0-1.0"} for file in files("b")]
    assert seal_batches(now, ledger, 2, seal_short=False).changed == 1
    assert members(ledger, "b00000") == ["a", "b"]
    assert ledger.read("manifest", "b00000")["license"].to_pylist() == [None, "CC0-1.0"]
    assert seal_batches(now, ledger, 2, seal_short=False).changed == 0


def test_what_a_source_does_not_mention_stays_as_it_was_said_before(ledger):
    seal_batches([file | {"license": "CC0-1.0"} for file in files("a")], ledger, 1, seal_short=False)
    assert seal_batches(files("a"), ledger, 1, seal_short=False).changed == 0
    assert ledger.read("manifest", "b00000")["license"].to_pylist() == ["CC0-1.0"]


def test_lyrics_beside_a_file_are_noticed_when_they_come_change_and_go(ledger, tmp_path):
    (tmp_path / "a.mp3").write_bytes(b"x")
    sidecar = tmp_path / "a.txt"

    def changed() -> int:
        return seal_batches(list_source(str(tmp_path)), ledger, 1, seal_short=False).changed

    assert changed() == 0
    sidecar.write_text("we run")
    os.utime(sidecar, (1000.0, 1000.0))
    assert (changed(), changed()) == (1, 0)
    os.utime(sidecar, (2000.0, 2000.0))
    assert (changed(), changed()) == (1, 0)
    sidecar.unlink()
    assert (changed(), changed()) == (1, 0)


def test_of_a_file_that_is_listed_twice_the_first_mention_counts_every_time(ledger):
    twice = [files("a")[0] | {"license": text} for text in ("CC0-1.0", "MIT")]
    seal_batches(twice, ledger, 1, seal_short=False)
    assert [seal_batches(twice, ledger, 1, seal_short=False).changed for _ in range(2)] == [0, 0]
    assert ledger.read("manifest", "b00000")["license"].to_pylist() == ["CC0-1.0"]


def test_a_source_that_is_out_of_reach_for_a_while_changes_nothing(ledger, tmp_path):
    (tmp_path / "a.txt").write_text("we run")
    listed = files("a")[0] | {"lyrics_uri": (tmp_path / "a.txt").as_uri(), "lyrics_modified_s": 1.0}
    seal_batches([listed], ledger, 1, seal_short=False)
    (tmp_path / "a.txt").unlink()
    away = listed | {"bytes": None, "modified_s": None, "lyrics_modified_s": None}
    assert seal_batches([away], ledger, 1, seal_short=False).changed == 0


@given(st.lists(st.lists(st.integers(0, 30), max_size=12), max_size=5), st.integers(1, 4))
def test_whatever_arrives_every_file_has_one_batch_or_waits(tmp_path_factory, arrivals, batch_size):
    ledger = Ledger(FolderStore(tmp_path_factory.mktemp("store")))
    listed: set[str] = set()
    for names in arrivals:
        listed |= {str(name) for name in names}
        listing = files(*sorted(listed))
        before = {batch: members(ledger, batch) for batch in ledger.batches("manifest")}
        sealed = seal_batches(listing, ledger, batch_size, seal_short=False)
        batches = {batch: members(ledger, batch) for batch in ledger.batches("manifest")}
        assert before.items() <= batches.items()
        placed = [name for names in batches.values() for name in names]
        assert len(placed) == len(set(placed))
        assert len(placed) + sealed.waiting == len(listed)
        assert len(unsealed(listing, ledger)[0]) == sealed.waiting < batch_size
