"""Stretches of the tracks whose word times are trusted least and most, as their page shows them: a spectrogram, and
under it the words at their times."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from assets.pages.spectrogram import columns_per_s
from assets.report.pictures import PLAIN
from assets.tables import Row, ok_rows
from resources.ledger import Ledger

LONGEST_S = 10.0  # of a stretch: more words would not be told apart
EACH = 2  # of the least trusted, and of the most


@dataclass(frozen=True, slots=True)
class Strip:
    """`words` are (text, start_s, end_s), in seconds of the track; `image` is the spectrogram of all of it."""

    title: str
    start_s: float
    end_s: float
    words: Sequence[tuple[str, float, float]]
    image: bytes
    columns_per_s: float


def strips(ledger: Ledger, each: int = EACH) -> list[Strip]:
    """The `each` least trusted tracks with words that are on a page, then the most trusted."""
    found: list[tuple[float, str, str]] = []
    for batch in ledger.batches("pages"):
        pages = ok_rows(ledger.read("pages", batch, ["track_id", "status", "spectrogram_uri"]))
        media = {row["track_id"] for row in pages if ledger.store.exists(row["spectrogram_uri"])}
        rows = ok_rows(ledger.read("lyrics", batch, ["track_id", "status", "trust", "words"]))
        found += [(r["trust"], batch, r["track_id"]) for r in rows if r["trust"] is not None and r["track_id"] in media]
        found.sort()
        found = found if len(found) <= 2 * each else found[:each] + found[-each:]
    return [_strip(ledger, batch, track_id) for _, batch, track_id in found]


def draw(shown: Sequence[Strip]) -> bytes:
    """A PNG with a row for each."""
    import numpy as np
    from matplotlib.figure import Figure
    from PIL import Image

    figure = Figure(figsize=(9, 1.75 * max(1, len(shown))), layout="constrained", dpi=100)
    for axes, strip in zip(np.ravel(figure.subplots(max(1, len(shown)), 1, squeeze=False)), shown, strict=True):
        with Image.open(io.BytesIO(strip.image)) as image:
            first, last = (round(at * strip.columns_per_s) for at in (strip.start_s, strip.end_s))
            pixels = np.asarray(image.convert("RGB"))[:, first:last]
        axes.imshow(pixels, aspect="auto", extent=(strip.start_s, strip.end_s, 0, 1), interpolation="nearest")
        axes.set_title(strip.title, loc="left", fontsize=8)
        axes.set_ylim(-0.5, 1)
        for i, (text, start_s, end_s) in enumerate(strip.words):
            level = -0.12 - 0.17 * (i % 2)
            axes.plot([start_s, end_s], [level + 0.08] * 2, color=PLAIN, linewidth=2, solid_capstyle="butt")
            axes.text(start_s, level, text, fontsize=7, va="top", clip_on=True)
        axes.set_yticks([])
        axes.tick_params(labelsize=7)
        axes.spines[:].set_visible(False)
    return _png(figure)


def _png(figure: Any) -> bytes:
    """In 128 colours, which are plenty, at a third of the bytes."""
    from PIL import Image

    raw, file = io.BytesIO(), io.BytesIO()
    figure.savefig(raw, format="png")
    with Image.open(raw) as image:
        image.convert("RGB").quantize(128).save(file, "PNG", optimize=True)
    return file.getvalue()


def _strip(ledger: Ledger, batch: str, track_id: str) -> Strip:
    track, lyrics, media = (_row(ledger, table, batch, track_id) for table in ("tracks", "lyrics", "pages"))
    words = sorted((word["start_s"], word["end_s"], word["text"]) for line in lyrics["lines"] for word in line["words"])
    held = [sum(start_s <= other < start_s + LONGEST_S for other, _, _ in words) for start_s, _, _ in words]
    start_s = max(0.0, words[held.index(max(held))][0] - 0.2)
    end_s = min(start_s + LONGEST_S, track["duration_s"])
    with ledger.store.open(media["spectrogram_uri"]) as file:
        image = file.read()
    name = track["title"] or track_id
    return Strip(
        # A dollar sign would begin a formula.
        f"{name[:60]} ({batch}): {lyrics['trust']:.0%} trusted, lyrics {lyrics['origin']}".replace("$", r"\$"),
        start_s,
        end_s,
        [(text.replace("$", r"\$"), at, to) for at, to, text in words if start_s <= at and to <= end_s],
        image,
        columns_per_s(track["duration_s"]),
    )


def _row(ledger: Ledger, table: str, batch: str, track_id: str) -> Row:
    return next(row for row in ledger.read(table, batch).to_pylist() if row["track_id"] == track_id)
