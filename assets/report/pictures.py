"""The report's pictures."""

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from assets.report.standing import BatchStanding, Standing
from assets.report.summary import Summary

OK, REJECTED, FAILED, PLAIN = "#2f9e6e", "#e0a030", "#d64545", "#4667d6"
COLOURS = {"ok": OK, "rejected": REJECTED, "failed": FAILED}
STANDING = {Standing.DONE: OK, Standing.STALE: REJECTED, Standing.MISSING: "#d5d9e2", Standing.FAILED: FAILED}
MOST_BATCHES = 60


def funnel(summary: Summary) -> bytes:
    """Tracks that came to each stage, by what became of them, and at the end the samples of each split."""

    def draw(axes: Any) -> None:
        stages = list(summary.funnel)[::-1]
        left = [0] * len(stages)
        for status, colour in COLOURS.items():
            counts = [summary.funnel[stage][status] for stage in stages]
            axes.barh(stages, counts, left=left, color=colour, label=status, height=0.7)
            left = [before + count for before, count in zip(left, counts, strict=True)]
        for row, stage in enumerate(stages):
            counts_text = " · ".join(f"{n:,} {status}" for status, n in summary.funnel[stage].items() if n)
            axes.text(max(left, default=1) * 1.02, row, counts_text or "nothing yet", va="center", fontsize=8)
        axes.set_xlim(0, max(left, default=1) * 1.45 or 1)
        samples = ", ".join(f"{n:,} {split}" for split, n in sorted(summary.samples.items()))
        axes.set_title(f"From files to samples ({samples or 'no samples yet'})", loc="left", fontsize=10)
        axes.set_xlabel("tracks")
        axes.xaxis.get_major_locator().set_params(integer=True)

    return _png(draw, (9, 3.4))


def reasons(summary: Summary) -> bytes:
    """What was left out, and why."""

    def draw(axes: Any) -> None:
        found = summary.reasons.most_common(20)[::-1]
        axes.barh([f"{stage}: {reason}" for (stage, reason), _ in found], [n for _, n in found], color=REJECTED)
        axes.set_title("What was left out, and why", loc="left", fontsize=10)
        axes.set_xlabel("tracks")
        if not found:
            axes.text(0.5, 0.5, "nothing was left out", ha="center", transform=axes.transAxes)

    return _png(draw, (9, 0.9 + 0.28 * max(2, min(20, len(summary.reasons)))))


def spreads(values: Mapping[str, Sequence[float]]) -> bytes:
    """A histogram of each."""
    from matplotlib.figure import Figure

    columns = 4
    rows = max(1, -(-len(values) // columns))
    figure = Figure(figsize=(10, 2.1 * rows), layout="constrained", dpi=110)
    for axes in (grid := figure.subplots(rows, columns, squeeze=False)).flat[len(values) :]:
        axes.axis("off")
    for axes, (words, numbers) in zip(grid.flat, values.items(), strict=False):
        axes.hist(numbers, bins=min(30, max(5, len(set(numbers)))), color=PLAIN)
        axes.set_title(words, fontsize=8, loc="left")
        _plain(axes)
    return _bytes(figure)


def standing(batches: Sequence[BatchStanding]) -> bytes:
    """A square for each batch and stage; the last batches where there are too many to see."""
    shown = list(batches)[-MOST_BATCHES:]

    def draw(axes: Any) -> None:
        stages = list(shown[0].stages) if shown else []
        for column, batch in enumerate(shown):
            for row, stage in enumerate(stages):
                axes.add_patch(_square(column, row, STANDING[batch.stages[stage]]))
        axes.set_xlim(0, max(8, len(shown)))
        axes.set_ylim(len(stages) or 1, 0)
        axes.set_yticks([row + 0.5 for row in range(len(stages))], stages)
        step = max(1, len(shown) // 12)
        names = [batch.batch for batch in shown][::step]
        axes.set_xticks([column * step + 0.5 for column in range(len(names))], names, rotation=45, ha="right")
        axes.set_title("Batches: green done, yellow stale, red failed, grey missing", loc="left", fontsize=10)

    return _png(draw, (9, 2.8))


def _square(column: int, row: int, colour: str) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((column + 0.05, row + 0.05), 0.9, 0.9, color=colour)


def _png(draw: Callable[[Any], None], size: tuple[float, float]) -> bytes:
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained", dpi=110)
    axes = figure.subplots()
    draw(axes)
    _plain(axes)
    return _bytes(figure)


def _plain(axes: Any) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)


def _bytes(figure: Any) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()
