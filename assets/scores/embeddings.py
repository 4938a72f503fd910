"""How near clips are to each other as an encoder hears them, second by second.

The embedding is the mean of Whisper base's encoder over a second. It knows speech best and is not what published
Fréchet audio distances are of: figures are to be compared within this project alone.

Letters: p piece (a second), d direction.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DIRECTIONS = 16  # of most variance among the real pieces; more would need more pieces than small corpora have
SHRUNK = 0.1  # of a covariance, towards its diagonal

Pieces = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Space:
    """The directions in which real music varies most, each scaled to one."""

    mean: NDArray[np.float64]
    into: NDArray[np.float64]  # 512 d

    @classmethod
    def of(cls, pieces: Pieces) -> "Space":
        """Raises ValueError: fewer than two pieces."""
        if len(pieces) < 2:
            raise ValueError(f"a space is of two pieces at least, got {len(pieces)}")
        centred = pieces.astype(np.float64) - pieces.mean(axis=0)
        _, scales, directions = np.linalg.svd(centred, full_matrices=False)
        kept = min(DIRECTIONS, int((scales > 1e-6 * scales[0]).sum()))
        return cls(pieces.mean(axis=0), directions[:kept].T / (scales[:kept] / np.sqrt(len(pieces))))

    def place(self, pieces: Pieces) -> NDArray[np.float64]:
        """p 512 -> p d"""
        return np.asarray((pieces - self.mean) @ self.into)


def frechet(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> float:
    """Fréchet distance of two sets of pieces, p d each, taken as Gaussian (Dowson and Landau, 1982)."""
    apart = ours.mean(axis=0) - theirs.mean(axis=0)
    a, b = _covariance(ours), _covariance(theirs)
    root = _root(a)
    both = _root(root @ b @ root)
    return max(0.0, float(apart @ apart + np.trace(a) + np.trace(b) - 2 * np.trace(both)))


def diversity(groups: Sequence[Sequence[NDArray[np.float64]]]) -> list[float]:
    """For each group of clips, p d each, the mean distance between two of them by their middles; none of one alone."""
    found = []
    for group in groups:
        middles = [pieces.mean(axis=0) for pieces in group]
        pairs = [(a, b) for i, a in enumerate(middles) for b in middles[i + 1 :]]
        if pairs:
            found.append(float(np.mean([np.linalg.norm(a - b) for a, b in pairs])))
    return found


def _covariance(pieces: NDArray[np.float64]) -> NDArray[np.float64]:
    found = np.atleast_2d(np.cov(pieces, rowvar=False, bias=True))
    return np.asarray((1 - SHRUNK) * found + SHRUNK * np.diag(np.diag(found)))


def _root(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T)
