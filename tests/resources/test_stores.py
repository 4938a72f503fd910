import pickle
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from resources.buckets import S3Store
from resources.outages import Outage
from resources.stores import FolderStore, open_store


@pytest.fixture(params=["folder", "s3"])
def any_store(request, tmp_path: Path, monkeypatch):
    if request.param == "folder":
        yield FolderStore(tmp_path / "store")
        return
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="music")
        yield S3Store("music", "melisma")


def test_what_was_put_can_be_read(any_store, tmp_path):
    file = tmp_path / "a"
    file.write_bytes(b"abc")
    any_store.put("x/a", file)
    with any_store.open("x/a") as reader:
        reader.seek(1)
        assert reader.read() == b"bc"


def test_a_part_can_be_read_without_the_rest(any_store):
    any_store.put_bytes("a", b"0123456789")
    assert any_store.read("a", 2, 3) == b"234"
    assert any_store.read("a", 8, 5) == b"89"
    assert any_store.read("a", 10, 5) == b""
    with pytest.raises(KeyError):
        any_store.read("nothing", 0, 1)


def test_a_store_can_be_sent_to_another_process(any_store):
    any_store.put_bytes("a", b"abc")
    assert pickle.loads(pickle.dumps(any_store)).read("a", 1, 2) == b"bc"


def test_an_object_is_never_changed(any_store):
    any_store.put_bytes("a", b"first")
    any_store.put_bytes("a", b"second")
    with any_store.open("a") as reader:
        assert reader.read() == b"first"


def test_a_pointer_is_replaced(any_store):
    any_store.point("p", b"first")
    any_store.point("p", b"second")
    with any_store.open("p") as reader:
        assert reader.read() == b"second"


def test_a_missing_key_is_a_key_error(any_store):
    with pytest.raises(KeyError):
        any_store.open("nothing")
    with pytest.raises(KeyError), any_store.local("nothing"):
        pass
    assert not any_store.exists("nothing")


def test_keys_under_a_prefix_come_sorted(any_store):
    for key in ("t/b", "t/a/c", "u/a"):
        any_store.put_bytes(key, b"")
    assert any_store.list("t/") == ["t/a/c", "t/b"]
    any_store.remove("t/b")
    any_store.remove("t/b")
    assert any_store.list("t/") == ["t/a/c"]


def test_a_program_can_be_given_a_path(any_store):
    any_store.put_bytes("x/song.flac", b"abc")
    with any_store.local("x/song.flac") as path:
        assert path.suffix == ".flac"
        assert path.read_bytes() == b"abc"


def test_scratch_is_gone_afterwards(any_store):
    with any_store.scratch() as folder:
        (folder / "part").write_bytes(b"abc")
    assert not folder.exists()


@pytest.mark.parametrize("key", ["../outside", "/etc/passwd", "a/../../b"])
def test_no_key_leaves_the_folder(store: FolderStore, key):
    for ask in (store.open, store.exists, store.list, store.remove, store.uri, lambda key: store.put_bytes(key, b"")):
        with pytest.raises(ValueError, match="leaves the store"):
            ask(key)


def test_a_bucket_that_does_not_serve_us_is_an_outage_and_not_a_missing_key(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws(), pytest.raises(Outage, match=r"the store s3://nowhere/ does not serve us"):
        S3Store("nowhere").point("a", b"")


def test_a_failed_write_leaves_nothing(store: FolderStore, tmp_path):
    with pytest.raises(FileNotFoundError):
        store.put("a", tmp_path / "no such file")
    assert store.list("") == []


def test_what_a_dead_process_left_is_swept_away(store: FolderStore):
    with store.scratch() as mine:
        dead = mine.with_name(mine.name.replace(mine.name.split("~")[1], "999999999"))
        dead.mkdir()
        assert store.sweep() == 1
        assert mine.exists()
        assert not dead.exists()


def test_a_store_is_opened_by_its_root(tmp_path):
    assert isinstance(open_store(str(tmp_path)), FolderStore)
