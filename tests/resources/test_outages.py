"""A disk that is full, read-only or forbidden stops what writes to it; mounts need root, and are skipped without."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from resources.child import Child, Limits
from resources.outages import Outage, outage_of
from resources.stores import FolderStore

HOUSE = Path(__file__).resolve().parents[2]


@pytest.fixture
def small(tmp_path, small_disk) -> Path:
    """The root of a store on a disk of 64 KiB."""
    root = tmp_path / "small"
    root.mkdir()
    small_disk(root, "size=64k")
    return root


def test_a_full_disk_takes_nothing_half_and_the_store_goes_on_once_there_is_room(small, small_disk):
    store = FolderStore(small)
    store.point("pointer", b"old")
    with pytest.raises(Outage, match=r"small is on a full disk: make room"):
        store.put_bytes("big", bytes(200_000))
    with pytest.raises(Outage):
        store.point("pointer", bytes(200_000))
    assert (store.list(""), store.open("pointer").read()) == (["pointer"], b"old")
    assert list(store.parts.iterdir()) == []
    small_disk(small, "remount,size=1m")
    store.put_bytes("big", bytes(200_000))
    assert store.exists("big")


def test_a_library_that_does_not_say_why_it_failed_is_not_believed_on_a_full_disk(small):
    with pytest.raises(Outage, match="full disk"), FolderStore(small).scratch():
        raise RuntimeError("Error : unknown error in flac encoder")


def test_an_error_in_scratch_stays_what_it_is_where_there_is_room(tmp_path):
    store = FolderStore(tmp_path / "store")
    with pytest.raises(RuntimeError, match="the model is at fault"), store.scratch():
        raise RuntimeError("the model is at fault")
    assert list(store.parts.iterdir()) == []


def test_a_read_only_store_is_read_and_not_written(small, small_disk):
    store = FolderStore(small)
    store.put_bytes("a", b"abc")
    small_disk(small, "remount,ro")
    assert store.open("a").read() == b"abc"
    with pytest.raises(Outage, match="read-only"):
        store.put_bytes("b", b"abc")


def test_a_store_that_this_user_may_not_use_is_named(tmp_path):
    (tmp_path / "store").mkdir(mode=0o000)
    # Root without its capabilities is stopped by modes, as everybody else.
    powerless = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    if powerless and not shutil.which("setpriv"):
        pytest.skip("root cannot give up its powers without setpriv")
    code = "import sys; from pathlib import Path; from resources.stores import FolderStore as F; F(Path(sys.argv[1]))"
    for call in (".put_bytes('a', b'')", ".list('current/')", ".exists('a/b')"):
        command = [*powerless, sys.executable, "-c", code + call, str(tmp_path / "store")]
        done = subprocess.run(command, cwd=HOUSE, capture_output=True, text=True, check=False)
        assert "Outage: the store" in done.stderr, done.stderr
        assert "may not be used by this user" in done.stderr


def test_ffmpeg_on_a_full_disk_is_no_fault_of_the_track():
    noise = ["-y", "-loglevel", "error", "-f", "lavfi", "-i", "anoisesrc=d=1", "-f", "wav", "file:/dev/full"]
    with pytest.raises(Outage, match="No space left"), Child(noise, Limits(), writes_file=True) as child:
        child.finish()


def test_only_what_the_machine_is_at_fault_for_is_an_outage():
    try:
        Path("/dev/full").write_bytes(b"x")
    except OSError as error:
        assert "full disk" in str(outage_of(error))
    assert outage_of(FileNotFoundError(2, "gone")) is None
    assert outage_of(ValueError("no")) is None
