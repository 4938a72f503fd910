"""A track's lines in their places, whether they were given or heard."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

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
from assets.lyrics.assign import Stretch, assign
from assets.lyrics.cuts import Span
from assets.lyrics.settings import LyricsSettings
from assets.lyrics.text import SungLine, spell
from assets.tables import Reason, Rejected
from resources.acoustics import AcousticModel

PASSAGE_MARGIN_S = 0.5  # of sound that a passage has on either side of its letters
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
    """Given lines, those that are sung; and notes of those that are not, and of what became of their anchors.

    First every line finds the stretch in which it is sung, then its words their places there. Only where that
    contradicts an anchor are lines placed between their anchors, if they fit there.

    Raises:
        Rejected: the lines are longer than the track (lyrics_too_long), or none of their letters is known to the
            aligner (lyrics_unreadable).
    """
    spelled = [_spelled(line, posteriors, language) for line in lines]
    letters = sum(map(len, spelled))
    if not letters:
        raise Rejected(Reason.LYRICS_UNREADABLE, "the aligner knows none of the letters of these lyrics")
    if letters > len(posteriors.log_probs):
        raise Rejected(Reason.LYRICS_TOO_LONG, f"{letters} letters cannot be sung in {duration_s:.1f} s")
    sung, passages = find_passages(lines, posteriors, duration_s, language, settings)
    placed = align(passages, posteriors, singing, duration_s, language) if passages else []
    by_line = dict(zip((i for i, _ in sung), placed, strict=True))
    notes: Notes = {"unsung": [line.text for i, line in enumerate(lines) if i not in by_line]}
    if all(line.anchor_s is None for line in lines):
        return placed, notes
    if _agrees(by_line, lines, settings.anchor_slack_s):
        return placed, notes | {"anchors": "agree"}
    try:
        between = passages_by_anchor(lines, duration_s, settings.anchor_slack_s)
        anchored = align(between, posteriors, singing, duration_s, language)
        return anchored, {"unsung": [], "anchors": "kept"}
    except ValueError as error:  # also TextTooLong: lines that do not fit between their times
        return placed, notes | {"anchors": f"ignored: {error}"}


def find_passages(
    lines: Sequence[SungLine], posteriors: Posteriors, duration_s: float, language: str, settings: LyricsSettings
) -> tuple[list[tuple[int, SungLine]], list[Passage]]:
    """The lines that are sung, each with its number, and the passages in which they are: lines without a long rest.

    Of a line, what backing singers have may be missing where the rest is sung: they sing over the next line as often
    as after this one.
    """
    log_probs = posteriors.unspaced
    parts = [(i, part) for i, line in enumerate(lines) for part in line.parts]
    spelled = [_spelled(lines[i].of(*part), posteriors, language) for i, part in parts]
    found = assign(log_probs - log_probs[:, :1], spelled, settings.unsung_nats)
    heard: dict[int, list[tuple[tuple[int, int], Stretch]]] = {}
    for (i, part), stretch in zip(parts, found, strict=True):
        if stretch:
            heard.setdefault(i, []).append((part, stretch))
    sung = [(i, _only(lines[i], [part for part, _ in kept])) for i, kept in heard.items()]
    spans = [(kept[0][1].first, kept[-1][1].last) for kept in heard.values()]
    groups: list[list[int]] = []
    for n, (first, _) in enumerate(spans):
        if n and (first - spans[n - 1][1]) * posteriors.frame_s <= settings.longest_rest_s:
            groups[-1].append(n)
        else:
            groups.append([n])
    edges_s = [0.0, *_middles([(spans[g[0]][0], spans[g[-1]][1]) for g in groups], posteriors.frame_s), duration_s]
    passages = []
    for group, (opens_s, closes_s) in zip(groups, pairwise(edges_s), strict=False):
        start_s = spans[group[0]][0] * posteriors.frame_s - PASSAGE_MARGIN_S
        end_s = spans[group[-1]][1] * posteriors.frame_s + PASSAGE_MARGIN_S
        own = tuple(sung[n][1] for n in group)
        passages.append(Passage(max(opens_s, start_s), min(closes_s, end_s), own))
    return sung, passages


def _middles(spans: Sequence[tuple[int, int]], frame_s: float) -> list[float]:
    return [(before[1] + after[0]) / 2 * frame_s for before, after in pairwise(spans)]


def _only(line: SungLine, parts: Sequence[tuple[int, int]]) -> SungLine:
    """The line with some of its parts; as printed where those are all."""
    if list(parts) == line.parts:
        return line
    words = tuple(word for first, last in parts for word in line.words[first:last])
    return SungLine(" ".join(words), words, line.anchor_s)


def _spelled(line: SungLine, posteriors: Posteriors, language: str) -> list[int]:
    return [letter for word in line.words for letter in spell(word, posteriors.symbols, language)]


def _agrees(placed: Mapping[int, PlacedLine], lines: Sequence[SungLine], slack_s: float) -> bool:
    """Whether every line that has an anchor was put there anyway; then each also had its neighbours to lean on."""
    return all(
        line.anchor_s is None or (i in placed and abs(placed[i].start_s - line.anchor_s) <= slack_s)
        for i, line in enumerate(lines)
    )


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
