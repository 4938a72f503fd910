"""What trusting only so much costs: how many of the sung lines and words are left at each threshold."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from resources.ledger import Ledger

THRESHOLDS = (0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95)


def yields(ledger: Ledger, in_use: float) -> list[tuple[str, str, str, str, str]]:
    """For each threshold: lines and words trusted at least so much, and their shares; `in_use` is marked.

    Lines made before there was trust count as trusted.
    """
    trusts, sizes = [np.zeros(0)], [np.zeros(0, np.int64)]
    for batch in ledger.batches("lyrics"):
        trust, words = _of_lines(ledger.read("lyrics", batch, ["lines"])["lines"])
        trusts.append(trust)
        sizes.append(words)
    trust, words = np.concatenate(trusts), np.concatenate(sizes)
    return [_row(trust, words, at, marked=at == in_use) for at in sorted({*THRESHOLDS, in_use})] if len(trust) else []


def _of_lines(column: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """Of each line its trust and how many words it has."""
    lines = pc.list_flatten(column).combine_chunks()
    words = pc.list_value_length(pc.struct_field(lines, "words")).to_numpy(zero_copy_only=False)
    if "trust" not in [field.name for field in lines.type]:
        return np.ones(len(lines)), words
    return pc.fill_null(pc.struct_field(lines, "trust"), 1.0).to_numpy(zero_copy_only=False), words


def _row(trust: np.ndarray, words: np.ndarray, at: float, *, marked: bool) -> tuple[str, str, str, str, str]:
    kept = trust >= at
    shares = kept.mean(), words[kept].sum() / max(1, words.sum())
    name = f"{at:.2f}, which windows ask for" if marked else f"{at:.2f}"
    return name, f"{kept.sum()}", f"{shares[0]:.1%}", f"{words[kept].sum()}", f"{shares[1]:.1%}"


COLUMNS: Sequence[str] = ("trusted at least", "lines", "of all", "words", "of all")
