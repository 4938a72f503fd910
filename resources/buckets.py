"""A store in a bucket: S3, or whatever speaks like it."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from resources.outages import Outage

DOWNLOADS = 5  # as many as s3transfer makes of one


class S3Store:
    """A bucket, or what speaks like one. `boto3` retries, and splits large uploads.

    It may be pickled and forked: each process has connections of its own.
    """

    def __init__(self, bucket: str, prefix: str = "", endpoint_url: str | None = None) -> None:
        self.bucket, self.prefix, self.endpoint_url = bucket, prefix.strip("/"), endpoint_url
        self._clients: dict[int, Any] = {}  # by process
        _ = self.client  # made here, since threads may not make it

    @property
    def client(self) -> Any:
        if os.getpid() not in self._clients:
            import boto3
            from botocore.config import Config

            retries = Config(retries={"max_attempts": 8, "mode": "adaptive"})
            self._clients = {os.getpid(): boto3.client("s3", endpoint_url=self.endpoint_url, config=retries)}
        return self._clients[os.getpid()]

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_clients": {}}

    def open(self, key: str) -> BinaryIO:
        file = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
        try:
            self._download(key, file)
        except KeyError:
            file.close()
            raise
        file.seek(0)
        return file

    def read(self, key: str, offset_bytes: int, size_bytes: int) -> bytes:
        from s3transfer.utils import S3_RETRYABLE_DOWNLOAD_ERRORS

        place = {"Bucket": self.bucket, "Key": self._name(key)}
        wanted = f"bytes={offset_bytes}-{offset_bytes + size_bytes - 1}"
        try:
            with self._outages():
                for _ in range(DOWNLOADS - 1):  # boto3 itself tries requests again, not answers that break off
                    with suppress(*S3_RETRYABLE_DOWNLOAD_ERRORS):
                        return self.client.get_object(**place, Range=wanted)["Body"].read()
                return self.client.get_object(**place, Range=wanted)["Body"].read()
        except EOFError:
            return b""

    def put(self, key: str, file: Path) -> None:
        if not self.exists(key):
            with self._outages():
                self.client.upload_file(str(file), self.bucket, self._name(key))

    def put_bytes(self, key: str, data: bytes) -> None:
        if not self.exists(key):
            self.point(key, data)

    def point(self, key: str, data: bytes) -> None:
        with self._outages():
            self.client.put_object(Bucket=self.bucket, Key=self._name(key), Body=data)

    def exists(self, key: str) -> bool:
        try:
            with self._outages():
                self.client.head_object(Bucket=self.bucket, Key=self._name(key))
        except KeyError:
            return False
        return True

    def list(self, prefix: str) -> list[str]:
        start = len(self._name(""))
        with self._outages():
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self._name(prefix))
            return sorted(item["Key"][start:] for page in pages for item in page.get("Contents", ()))

    def remove(self, key: str) -> None:
        with self._outages():
            self.client.delete_object(Bucket=self.bucket, Key=self._name(key))

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        with tempfile.NamedTemporaryFile(suffix=Path(key).suffix) as file:
            self._download(key, file)
            file.flush()
            yield Path(file.name)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="melisma-") as folder:
            yield Path(folder)

    def uri(self, key: str) -> str:
        return f"s3://{self.bucket}/{self._name(key)}"

    def _name(self, key: str) -> str:
        return f"{self.prefix}/{key}" if self.prefix else key

    def _download(self, key: str, file: Any) -> None:
        with self._outages():
            self.client.download_fileobj(self.bucket, self._name(key), file)

    @contextmanager
    def _outages(self) -> Iterator[None]:
        """What the bucket says of a key is a KeyError where there is no such key, an EOFError where the object ends
        before what was asked for, and else an outage: boto3 has tried for long enough."""
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except (Boto3Error, BotoCoreError, ClientError) as error:
            code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
            if code in ("404", "NoSuchKey"):
                raise KeyError(str(error)) from None
            if code in ("416", "InvalidRange"):
                raise EOFError(str(error)) from None
            raise Outage(f"the store {self.uri('')} does not serve us: {error}") from error
