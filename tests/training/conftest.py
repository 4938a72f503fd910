"""What the tests of training share: one thread, and a store in a bucket."""

from collections.abc import Iterator

import boto3
import pytest
import torch
from moto import mock_aws

from resources.buckets import S3Store

# Tests run side by side, on small tensors; and a run in processes of its own, with one thread, must give the same bits.
torch.set_num_threads(1)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Store]:
    """An empty store in a bucket."""
    for name, value in {"ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test", "DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="music")
        yield S3Store("music", "melisma")
