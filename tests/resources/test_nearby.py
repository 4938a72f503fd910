import boto3
import pytest
from moto import mock_aws

from resources.nearby import Nearby, near
from resources.stores import FolderStore, S3Store


class Far(FolderStore):
    """A store that counts how often an object is fetched from it."""

    fetched = 0

    def local(self, key):
        self.fetched += 1
        return super().local(key)


@pytest.fixture
def far(tmp_path):
    return Far(tmp_path / "far")


@pytest.fixture
def nearby(far, tmp_path):
    return Nearby(far, FolderStore(tmp_path / "near"))


def text_of(store, key):
    with store.local(key) as path:
        return path.read_text()


def test_an_object_is_fetched_once(far, nearby):
    far.put_bytes("postings/a", b"terms")
    assert [text_of(nearby, "postings/a") for _ in range(3)] == ["terms"] * 3
    assert far.fetched == 1


def test_what_was_made_here_is_never_fetched(far, nearby):
    with nearby.scratch() as folder:
        (folder / "made").write_text("terms")
        nearby.put("postings/a", folder / "made")
    nearby.put_bytes("postings/b", b"more")
    assert (text_of(nearby, "postings/a"), text_of(nearby, "postings/b")) == ("terms", "more")
    assert far.fetched == 0
    assert far.list("postings/") == nearby.list("postings/") == ["postings/a", "postings/b"]


def test_what_is_removed_is_gone_from_both(far, nearby):
    nearby.put_bytes("postings/a", b"terms")
    nearby.remove("postings/a")
    assert not far.exists("postings/a")
    assert not nearby.near.exists("postings/a")
    with pytest.raises(KeyError):
        text_of(nearby, "postings/a")


def test_a_folder_needs_no_copies(far):
    assert near(far) is far


def test_copies_of_a_bucket_stand_in_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="music")
        bucket = S3Store("music", "corpus")
        bucket.put_bytes("postings/a", b"terms")
        with near(bucket).local("postings/a") as path:
            assert path.is_relative_to(tmp_path / "cache")
            assert path.read_text() == "terms"
