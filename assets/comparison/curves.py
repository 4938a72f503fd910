"""Curves of several runs as one drawing, in SVG, so that it is sharp at any size and follows the page's colours."""

from collections.abc import Mapping
from html import escape
from math import floor, log10

WIDE, HIGH, LEFT, BOTTOM, TOP = 420, 220, 44, 26, 10
COLOURS = 6  # classes c0, c1, … that the style knows

Curve = list[tuple[int, float]]


def drawn(title: str, curves: Mapping[str, Curve], numbers: Mapping[str, int]) -> str:
    """An SVG of the curves, each in the colour of its run's number."""
    points = [point for curve in curves.values() for point in curve]
    last = max(step for step, _ in points)
    low, high = min(value for _, value in points), max(value for _, value in points)
    ticks = _ticks(low, high)
    low, high = min(low, ticks[0]), max(high, ticks[-1])

    def x(step: float) -> float:
        return LEFT + (WIDE - LEFT - 8) * step / max(1, last)

    def y(value: float) -> float:
        return TOP + (HIGH - TOP - BOTTOM) * (high - value) / max(1e-12, high - low)

    lines = [
        f'<line class="grid" x1="{LEFT}" x2="{WIDE - 8}" y1="{y(t):.1f}" y2="{y(t):.1f}"/>'
        f'<text x="{LEFT - 6}" y="{y(t) + 4:.1f}" text-anchor="end">{t:g}</text>'
        for t in ticks
    ]
    steps = [
        f'<text x="{x(step):.1f}" y="{HIGH - 8}" text-anchor="{anchor}">{step:,}</text>'
        for step, anchor in ((0, "start"), (last, "end"))
    ]
    paths = [
        f'<polyline class="c{numbers[run] % COLOURS}" points="{" ".join(f"{x(s):.1f},{y(v):.1f}" for s, v in curve)}">'
        f"<title>{escape(run)}</title></polyline>"
        for run, curve in curves.items()
        if curve
    ]
    body = "".join([*lines, *steps, *paths])
    return f'<svg viewBox="0 0 {WIDE} {HIGH}" role="img" aria-label="{escape(title)}">{body}</svg>'


def _ticks(low: float, high: float) -> list[float]:
    """Three to six round numbers around the values."""
    span = max(high - low, 1e-6)
    step = 10 ** floor(log10(span))
    step = next(step * part for part in (0.2, 0.5, 1.0, 2.0) if span / (step * part) <= 5)
    first = floor(low / step)
    return [round((first + i) * step, 10) for i in range(7) if (first + i - 1) * step < high]
