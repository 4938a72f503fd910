"""The window of each track that holds the most words, in an index of latents."""

from math import inf

from resources.stores import Store


def fullest_windows(store: Store, index: str, split: str, longest_s: float = inf) -> list[int]:
    """Numbers of samples in the split: of each track the one with the most words, the longest and first of equals.

    Of a track all of whose windows are longer than `longest_s` it is the shortest one.
    """
    from training.data.latents import read_index

    table, _ = read_index(store, index, ["track_id", "words", "duration_s"], split)
    best: dict[str, tuple[float, ...]] = {}
    for number, row in enumerate(table.to_pylist()):
        fits, duration_s = row["duration_s"] <= longest_s, row["duration_s"]
        rank = (float(fits), float(row["words"] or 0) if fits else -duration_s, duration_s, -number)
        best[row["track_id"]] = max(rank, best.get(row["track_id"], rank))
    return sorted(-int(rank[-1]) for rank in best.values())
