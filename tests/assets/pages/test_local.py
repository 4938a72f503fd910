import boto3
import pytest
from moto import mock_aws

from assets.pages.local import local_page
from resources.stores import S3Store


@pytest.fixture
def bucket(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="music")
        store = S3Store("music", "melisma")
        store.point("pages/b0/index.html", b"one")
        store.put_bytes("pages/b0/media/a.webp", b"a")
        yield store


def test_in_a_folder_the_page_is_opened_where_it_lies(store, tmp_path):
    store.point("pages/b0/index.html", b"page")
    assert local_page(store, "b0", tmp_path / "cache") == tmp_path / "store/pages/b0/index.html"
    assert not (tmp_path / "cache").exists()


def test_from_a_bucket_it_is_copied_with_all_that_it_plays(bucket, tmp_path):
    page = local_page(bucket, "b0", tmp_path)
    assert page.read_bytes() == b"one"
    assert (page.parent / "media/a.webp").read_bytes() == b"a"


def test_a_copy_follows_the_page(bucket, tmp_path):
    page = local_page(bucket, "b0", tmp_path)
    bucket.point("pages/b0/index.html", b"two")
    bucket.put_bytes("pages/b0/media/b.webp", b"b")
    bucket.remove("pages/b0/media/a.webp")
    assert local_page(bucket, "b0", tmp_path) == page
    assert page.read_bytes() == b"two"
    assert [file.name for file in (page.parent / "media").iterdir()] == ["b.webp"]


def test_a_batch_without_a_page_is_an_error(bucket, tmp_path):
    with pytest.raises(KeyError):
        local_page(bucket, "b9", tmp_path)
