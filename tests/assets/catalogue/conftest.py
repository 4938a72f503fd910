"""Fingerprints that behave like recordings: terms at random, and copies with some of their bits wrong."""

from collections.abc import Callable
from hashlib import sha256

import numpy as np
import pyarrow as pa
import pytest

from assets.tables import table_of

Fingerprints = dict[str, np.ndarray]


@pytest.fixture(scope="session")
def recording() -> Callable[[int], np.ndarray]:
    """A fingerprint of some 30 s, another for each number."""
    return lambda number: np.random.default_rng(number).integers(0, 2**32, 240, dtype=np.uint32)


@pytest.fixture(scope="session")
def copied() -> Callable[..., np.ndarray]:
    """The fingerprint of a copy: a stretch of the original, in which a share of the bits came out otherwise."""

    def copy(
        original: np.ndarray, seed: int, wrong: float = 0.05, start: int = 0, stop: int | None = None
    ) -> np.ndarray:
        bits = np.random.default_rng(seed).random((len(original), 32)) < wrong
        return (original ^ np.packbits(bits, axis=1).view(">u4")[:, 0].astype(np.uint32))[start:stop]

    return copy


@pytest.fixture(scope="session")
def tracks_of() -> Callable[[Fingerprints], pa.Table]:
    """A table of tracks from track_ids and fingerprints; the file's hash follows from the fingerprint."""

    def table(fingerprints: Fingerprints) -> pa.Table:
        rows = [
            {
                "track_id": name,
                "status": "ok",
                "sha256": sha256(fingerprint.tobytes()).hexdigest(),
                "fingerprint": fingerprint.tolist(),
                "duration_s": len(fingerprint) / 8,
            }
            for name, fingerprint in fingerprints.items()
        ]
        return table_of("tracks", rows)

    return table
