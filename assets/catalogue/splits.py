"""Which split a duplicate group belongs to, for good."""

import hashlib
from typing import Literal

Split = Literal["train", "valid", "test"]


def split_of(group: str, valid_share: float, test_share: float, seed: str) -> Split:
    """The split of a group by a stable hash of its name: nothing but the name and the settings decides."""
    hashed = hashlib.blake2b(f"{seed}/{group}".encode(), digest_size=8).digest()
    place = int.from_bytes(hashed, "big") / 2**64
    if place < test_share:
        return "test"
    return "valid" if place < test_share + valid_share else "train"
