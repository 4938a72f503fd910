"""A track's lines in their places, whether they were given or heard."""

from collections.abc import Sequence

import numpy as np

from assets.lyrics.align import (
    Passage,
    PlacedLine,
    Posteriors,
    TextTooLong,
    align,
    blended,
    hushed,
    passages_by_anchor,
)
from assets.lyrics.cuts import Span
from assets.lyrics.settings import LyricsSettings
from assets.lyrics.text import SungLine, spell
from assets.tables import Reason, Rejected
from resources.acoustics import AcousticModel

Notes = dict[str, object]  # what became of it all, for the evidence


def posteriors_of(
    settings: LyricsSettings, model: AcousticModel, mix: np.ndarray, vocals: np.ndarray, singing: Sequence[Span]
) -> Posteriors:
    """What the model hears in mix and vocals, float32 [samples] at 16 kHz, taken together.

    Each alone loses songs: separated vocals have holes, and a solo in the mix can pass for singing.
    """
    together = blended(model.log_probs(mix), model.log_probs(vocals))
    damped = hushed(together, model.frame_s, singing, settings.singing_margin_s, settings.hush_nats)
    return Posteriors(damped, model.symbols, model.frame_s)


def place_given(
    lines: Sequence[SungLine],
    posteriors: Posteriors,
    singing: Sequence[Span],
    duration_s: float,
    language: str,
    settings: LyricsSettings,
) -> tuple[list[PlacedLine], Notes]:
    """Given lines, and a note of what became of their anchors.

    All lines are placed together first, since each tells its neighbours where not to be. Only where that contradicts
    an anchor are lines placed one by one between their anchors, if they fit there.

    Raises:
        Rejected: the lines are longer than the track (lyrics_too_long), or none of their letters is known to the
            aligner (lyrics_unreadable).
    """
    if not any(spell(word, posteriors.symbols, language) for line in lines for word in line.words):
        raise Rejected(Reason.LYRICS_UNREADABLE, "the aligner knows none of the letters of these lyrics")
    try:
        placed = align([Passage(0.0, duration_s, tuple(lines))], posteriors, singing, duration_s, language)
    except TextTooLong as error:
        raise Rejected(Reason.LYRICS_TOO_LONG, f"{error}: {duration_s:.1f} s cannot hold these lyrics") from error
    if all(line.anchor_s is None for line in lines):
        return placed, {}
    if _agrees(placed, lines, settings.anchor_slack_s):
        return placed, {"anchors": "agree"}
    try:
        passages = passages_by_anchor(lines, duration_s, settings.anchor_slack_s)
        return align(passages, posteriors, singing, duration_s, language), {"anchors": "kept"}
    except ValueError as error:  # also TextTooLong: lines that do not fit between their times
        return placed, {"anchors": f"ignored: {error}"}


def _agrees(placed: Sequence[PlacedLine], lines: Sequence[SungLine], slack_s: float) -> bool:
    """Whether every line that has an anchor was put there anyway; then each also had its neighbours to lean on."""
    pairs = zip(placed, lines, strict=True)
    return all(line.anchor_s is None or abs(found.start_s - line.anchor_s) <= slack_s for found, line in pairs)


def place_heard(
    passages: Sequence[Passage],
    posteriors: Posteriors,
    singing: Sequence[Span],
    duration_s: float,
    language: str,
    settings: LyricsSettings,
) -> tuple[list[PlacedLine], Notes]:
    """Transcribed lines, each within its own cut; one with more text than it can hold was invented, and is left out."""
    slack_s = settings.anchor_slack_s
    widened = [Passage(max(0.0, p.start_s - slack_s), min(duration_s, p.end_s + slack_s), p.lines) for p in passages]
    left_out = 0
    while widened:
        try:
            return align(widened, posteriors, singing, duration_s, language), {"cuts_left_out": left_out}
        except TextTooLong as error:
            widened.remove(error.passage)
            left_out += 1
    return [], {"cuts_left_out": left_out}
