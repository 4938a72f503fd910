"""Where tables and audio live: a folder here, a bucket on a cluster."""

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol


class Store(Protocol):
    """Objects by key. An object appears whole or not at all, and is never changed once it is there; only what is
    written with `point` may be replaced."""

    def open(self, key: str) -> BinaryIO:
        """A seekable reader. Raises KeyError where there is no such key."""

    def put(self, key: str, file: Path) -> None:
        """Takes `file` in, which may not be changed afterwards. Does nothing where the key is there already."""

    def put_bytes(self, key: str, data: bytes) -> None:
        """The same, for what is in memory."""

    def point(self, key: str, data: bytes) -> None:
        """Puts a small object at `key`, in place of what is there, at once."""

    def exists(self, key: str) -> bool: ...

    def list(self, prefix: str) -> list[str]:
        """Keys under a prefix that ends at a slash, sorted."""

    def remove(self, key: str) -> None:
        """Does nothing where there is no such key."""

    def local(self, key: str) -> AbstractContextManager[Path]:
        """A file to read, for programs that need a path. Raises KeyError."""

    def scratch(self) -> AbstractContextManager[Path]:
        """A temporary folder, gone at the end; what a killed process left behind, `sweep` takes away."""

    def uri(self, key: str) -> str:
        """What a person would open."""


class FolderStore:
    """A folder. Unfinished files stand in `.parts` of the same disk, named after the process that writes them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.parts = root / ".parts"

    def open(self, key: str) -> BinaryIO:
        try:
            return self._path(key).open("rb")
        except FileNotFoundError:
            raise KeyError(key) from None

    def put(self, key: str, file: Path) -> None:
        if self.exists(key):
            return
        with self.scratch() as folder:
            part = folder / "part"
            try:
                os.link(file, part)  # what was made in `scratch` is on this disk already
            except OSError:
                shutil.copyfile(file, part)
            self._finish(part, key)

    def put_bytes(self, key: str, data: bytes) -> None:
        if not self.exists(key):
            self._write(key, data)

    def point(self, key: str, data: bytes) -> None:
        self._write(key, data)

    def exists(self, key: str) -> bool:
        return self._path(key).is_file()

    def list(self, prefix: str) -> list[str]:
        found = (self.root / prefix).rglob("*") if (self.root / prefix).is_dir() else ()
        return sorted(path.relative_to(self.root).as_posix() for path in found if path.is_file())

    def remove(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        if not self.exists(key):
            raise KeyError(key)
        yield self._path(key)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        self.parts.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.parts, prefix=_owner()) as folder:
            yield Path(folder)

    def uri(self, key: str) -> str:
        return self._path(key).resolve().as_uri()

    def sweep(self) -> int:
        """Takes away what processes that no longer live left unfinished; gives how many."""
        here = f"{socket.gethostname()}~"
        left = [path for path in self.parts.glob(f"{here}*") if not is_alive(int(path.name.split("~")[1]))]
        for path in left:
            shutil.rmtree(path, ignore_errors=True)
        return len(left)

    def _path(self, key: str) -> Path:
        if key.startswith("/") or ".." in key.split("/"):
            raise ValueError(f"{key!r} leaves the store")
        return self.root / key

    def _write(self, key: str, data: bytes) -> None:
        with self.scratch() as folder:
            part = folder / "part"
            part.write_bytes(data)
            self._finish(part, key)

    def _finish(self, part: Path, key: str) -> None:
        target = self._path(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.chmod(0o644)
        part.replace(target)


class S3Store:
    """A bucket, or what speaks like one. `boto3` retries, and splits large uploads."""

    def __init__(self, bucket: str, prefix: str = "", endpoint_url: str | None = None) -> None:
        import boto3
        from botocore.config import Config

        retries = Config(retries={"max_attempts": 8, "mode": "adaptive"})
        self.client = boto3.client("s3", endpoint_url=endpoint_url, config=retries)
        self.bucket, self.prefix = bucket, prefix.strip("/")

    def open(self, key: str) -> BinaryIO:
        file = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
        try:
            self._download(key, file)
        except KeyError:
            file.close()
            raise
        file.seek(0)
        return file

    def put(self, key: str, file: Path) -> None:
        if not self.exists(key):
            self.client.upload_file(str(file), self.bucket, self._name(key))

    def put_bytes(self, key: str, data: bytes) -> None:
        if not self.exists(key):
            self.client.put_object(Bucket=self.bucket, Key=self._name(key), Body=data)

    def point(self, key: str, data: bytes) -> None:
        self.client.put_object(Bucket=self.bucket, Key=self._name(key), Body=data)

    def exists(self, key: str) -> bool:
        from botocore.exceptions import ClientError

        try:
            self.client.head_object(Bucket=self.bucket, Key=self._name(key))
        except ClientError as error:
            if error.response["Error"]["Code"] in ("404", "NoSuchKey"):
                return False
            raise
        return True

    def list(self, prefix: str) -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self._name(prefix))
        start = len(self._name(""))
        return sorted(item["Key"][start:] for page in pages for item in page.get("Contents", ()))

    def remove(self, key: str) -> None:
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
        from botocore.exceptions import ClientError

        try:
            self.client.download_fileobj(self.bucket, self._name(key), file)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("404", "NoSuchKey"):
                raise KeyError(key) from None
            raise


def open_store(root: str) -> FolderStore | S3Store:
    """The store at `root`: a folder, or s3://bucket/prefix (its endpoint from AWS_ENDPOINT_URL).

    What killed processes left half-written in a folder is taken away.
    """
    if root.startswith("s3://"):
        bucket, _, prefix = root.removeprefix("s3://").partition("/")
        return S3Store(bucket, prefix, os.environ.get("AWS_ENDPOINT_URL"))
    store = FolderStore(Path(root).expanduser().absolute())
    store.sweep()
    return store


def _owner() -> str:
    return f"{socket.gethostname()}~{os.getpid()}~"


def is_alive(pid: int) -> bool:
    """Whether a process of this machine is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
