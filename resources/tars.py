"""Tars that come out the same, byte for byte, whoever writes them and when."""

import hashlib
from collections.abc import Iterable
from tarfile import BLOCKSIZE, NUL, USTAR_FORMAT, TarInfo
from typing import BinaryIO

END_BYTES = 2 * BLOCKSIZE
Members = Iterable[tuple[str, bytes]]  # (extension, bytes)


class TarWriter:
    """Appends samples to a file, and knows its size and SHA-256 without reading it again.

    USTAR headers with nothing in them that depends on the writer: no owner, no time, mode 0644.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.bytes = 0
        self._hash = hashlib.sha256()

    def add(self, name: str, members: Members) -> tuple[int, int]:
        """Appends one sample; gives where it starts in the file, and its bytes with headers and padding."""
        start = self.bytes
        for extension, data in members:
            header = TarInfo(f"{name}.{extension}")
            header.size = len(data)
            self._write(header.tobuf(USTAR_FORMAT))
            self._write(data)
            self._write(NUL * (-len(data) % BLOCKSIZE))
        return start, self.bytes - start

    def close(self) -> str:
        """Ends the tar (the file stays open) and gives its SHA-256, in hex."""
        self._write(NUL * END_BYTES)
        return self._hash.hexdigest()

    def _write(self, data: bytes) -> None:
        self.file.write(data)
        self._hash.update(data)
        self.bytes += len(data)


def size_of(members: Members) -> int:
    """What a sample takes in a tar, bytes: a header for each member, and its data in whole blocks."""
    return sum(BLOCKSIZE + len(data) + -len(data) % BLOCKSIZE for _, data in members)
