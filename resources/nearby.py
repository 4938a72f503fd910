"""A store whose objects stay on this machine once they were here, for what is read again and again.

Only for objects that are never changed, since nobody asks the far store whether a copy still holds.
"""

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO

from resources.caches import cache_folder
from resources.stores import FolderStore, Store


class Nearby:
    """`far`, with a copy in `near` of all that was put or asked for as a file."""

    def __init__(self, far: Store, near: FolderStore) -> None:
        self.far, self.near = far, near

    def open(self, key: str) -> BinaryIO:
        return self.far.open(key)

    def read(self, key: str, offset_bytes: int, size_bytes: int) -> bytes:
        return self.far.read(key, offset_bytes, size_bytes)

    def put(self, key: str, file: Path) -> None:
        self.far.put(key, file)
        self.near.put(key, file)

    def put_bytes(self, key: str, data: bytes) -> None:
        self.far.put_bytes(key, data)
        self.near.put_bytes(key, data)

    def point(self, key: str, data: bytes) -> None:
        self.far.point(key, data)

    def exists(self, key: str) -> bool:
        return self.far.exists(key)

    def list(self, prefix: str) -> list[str]:
        return self.far.list(prefix)

    def remove(self, key: str) -> None:
        self.far.remove(key)
        self.near.remove(key)

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        if not self.near.exists(key):
            with self.far.local(key) as path:
                self.near.put(key, path)
        with self.near.local(key) as path:
            yield path

    def scratch(self) -> AbstractContextManager[Path]:
        return self.near.scratch()

    def uri(self, key: str) -> str:
        return self.far.uri(key)


def near(store: Store) -> Store:
    """The store itself where it is a folder; else with copies in the cache folder."""
    if isinstance(store, FolderStore):
        return store
    name = hashlib.blake2b(store.uri("").encode(), digest_size=8).hexdigest()
    copies = FolderStore((cache_folder() / "store" / name).absolute())
    copies.sweep()
    return Nearby(store, copies)
