"""Which split a duplicate group belongs to, for good."""

import hashlib
from typing import Literal, get_args

from assets.tables import ok_rows
from resources.ledger import Ledger

Split = Literal["train", "valid", "test"]
SPLITS: tuple[str, ...] = get_args(Split)


def split_of(group: str, valid_share: float, test_share: float, seed: str) -> Split:
    """The split of a group by a stable hash of its name: nothing but the name and the settings decides."""
    hashed = hashlib.blake2b(f"{seed}/{group}".encode(), digest_size=8).digest()
    place = int.from_bytes(hashed, "big") / 2**64
    if place < test_share:
        return "test"
    return "valid" if place < test_share + valid_share else "train"


def given_splits(ledger: Ledger, batch: str) -> dict[str, str]:
    """Splits that the manifest gives to tracks of a batch; none where it was sealed before there was such a column.

    They count when a track is first given its split, which it then keeps: so a catalogue is not made anew for them.
    """
    rows = ok_rows(ledger.read("manifest", batch))
    return {row["track_id"]: row["split"] for row in rows if row.get("split")}
