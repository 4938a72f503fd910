"""From what was heard of each clip to the figures of each system."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from assets.scores.bootstrap import RESAMPLES, Estimate, mean_of
from assets.scores.embeddings import diversity, frechet
from assets.tables import Row

Better = Literal["lower", "higher", "as the real one"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure over clips, and which way is better. `column` is that of the table `heard` it is the mean of."""

    name: str
    unit: str
    better: Better
    column: str = ""


FIGURES = (
    Figure("word error of what is sung", "share", "lower", "word_error"),
    Figure("words where none were asked for", "a clip", "lower", "words_invented"),
    Figure("lines that begin within 0.3 s", "share", "higher", "lines_near"),
    Figure("the same of lines spread evenly, unheard", "share", "higher", "lines_near_unheard"),
    Figure("how far lines begin from where they should", "s", "lower", "line_error_s"),
    Figure("length made and asked for apart", "s", "lower", "length_error_s"),
    Figure("tempo as the real one's", "share", "higher", "tempo_agrees"),
    Figure("loudness", "LUFS", "as the real one", "lufs"),
    Figure("true peak", "dBTP", "as the real one", "true_peak_dbtp"),
    Figure("samples at full scale", "share", "lower", "clipped_ratio"),
    Figure("silence", "share", "as the real one", "silent_ratio"),
    Figure("likeness to the nearest training track", "1 is a copy", "as the real one", "neighbour_likeness"),
)
FRECHET = Figure("Fréchet distance, Whisper base's encoder (not FAD)", "", "lower")
OVER_SEEDS = Figure("distance between songs of one request", "", "as the real one")
OVER_PROMPTS = Figure("distance between songs of different requests", "", "as the real one")

Places = Mapping[tuple[str, str, int], NDArray[np.float64]]  # system, item, seed -> p d


def figures_of(
    heard: Sequence[Row], places: Places, reference: NDArray[np.float64], resamples: int = RESAMPLES
) -> list[Row]:
    """Rows of the table `scores`: each figure of each system, with its interval over items where it is a mean."""
    rows = []
    for system in dict.fromkeys(row["system"] for row in heard):
        of_it = [row for row in heard if row["system"] == system]
        for figure in FIGURES:
            if found := mean_of(_by_item(of_it, figure.column), resamples):
                rows.append(_row(system, figure, found))
        clips = {(item, seed): place for (made_by, item, seed), place in places.items() if made_by == system}
        if clips:
            rows.append(_row(system, FRECHET, Estimate(_frechet(clips, reference), None, None, len(clips))))
        by_item: dict[str, list[NDArray[np.float64]]] = defaultdict(list)
        for (item, _), place in clips.items():
            by_item[item].append(place)
        between = diversity([[places[0] for places in by_item.values()]])
        for figure, apart in ((OVER_SEEDS, diversity(list(by_item.values()))), (OVER_PROMPTS, between)):
            if found := mean_of({str(i): [value] for i, value in enumerate(apart)}, resamples):
                rows.append(_row(system, figure, found))
    return rows


def _frechet(clips: Mapping[tuple[str, int], NDArray[np.float64]], reference: NDArray[np.float64]) -> float:
    """The mean over seeds: of twice the songs the distance is smaller by itself, and the real ones are there once."""
    by_seed: dict[int, list[NDArray[np.float64]]] = defaultdict(list)
    for (_, seed), place in clips.items():
        by_seed[seed].append(place)
    return float(np.mean([frechet(np.concatenate(found), reference) for found in by_seed.values()]))


def _by_item(rows: Sequence[Row], column: str) -> dict[str, list[float]]:
    values: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        if (value := _value(row, column)) is not None:
            values[row["item"]].append(value)
    return values


def _value(row: Row, column: str) -> float | None:
    match column:
        case "length_error_s":
            return abs(row["length_error_s"])
        case "words_invented":
            return float(row["words_heard"]) if row["words"] == 0 else None
        case _:
            return None if row[column] is None else float(row[column])


def _row(system: str, figure: Figure, found: Estimate) -> Row:
    return {
        "system": system,
        "figure": figure.name,
        "unit": figure.unit,
        "better": figure.better,
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "count": found.count,
    }
