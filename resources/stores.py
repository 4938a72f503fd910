"""Where tables and audio live: a folder here, a bucket on a cluster."""

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from resources.buckets import S3Store
from resources.outages import outages_of

ROOM_BYTES = 1 << 20


class Store(Protocol):
    """Objects by key. An object appears whole or not at all, and is never changed once it is there; only what is
    written with `point` may be replaced. Whatever is asked of a store that is full, read-only or out of reach raises
    Outage."""

    def open(self, key: str) -> BinaryIO:
        """A seekable reader. Raises KeyError where there is no such key."""

    def read(self, key: str, offset_bytes: int, size_bytes: int) -> bytes:
        """A part of an object, without the rest; less where the object ends before. Raises KeyError."""

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
            with self._outages():
                return self._path(key).open("rb")
        except FileNotFoundError:
            raise KeyError(key) from None

    def read(self, key: str, offset_bytes: int, size_bytes: int) -> bytes:
        with self.open(key) as file, self._outages():
            return os.pread(file.fileno(), size_bytes, offset_bytes)

    def put(self, key: str, file: Path) -> None:
        if self.exists(key):
            return
        with self.scratch() as folder, self._outages():
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
        with self._outages():
            return self._path(key).is_file()

    def list(self, prefix: str) -> list[str]:
        root = self._path(prefix)
        with self._outages():
            found = [Path(folder, name) for folder, _, names in os.walk(root, onerror=_fail) for name in names]
        return sorted(path.relative_to(self.root).as_posix() for path in found)

    def remove(self, key: str) -> None:
        with self._outages():
            self._path(key).unlink(missing_ok=True)

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        if not self.exists(key):
            raise KeyError(key)
        yield self._path(key)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        with self._outages():
            self.parts.mkdir(parents=True, exist_ok=True)
            folder = tempfile.TemporaryDirectory(dir=self.parts, prefix=_owner())
        with folder as name:
            try:
                yield Path(name)
            except Exception:
                # What writes here may be a library that does not say why it failed: another file tells.
                with self._outages():
                    Path(name, "room").write_bytes(bytes(ROOM_BYTES))
                raise

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

    def _outages(self) -> AbstractContextManager[None]:
        return outages_of(f"the store {self.root}")

    def _write(self, key: str, data: bytes) -> None:
        with self.scratch() as folder, self._outages():
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


def _fail(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise error


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
