"""A track's lines in their places, whether they were given or heard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

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
from assets.lyrics.transcribe import overlap_s
from assets.tables import Reason, Rejected
from resources.acoustics import AcousticModel

PASSAGE_MARGIN_S = 0.5  # of sound that a passage has on either side of its letters
MOSTLY = 0.6  # of the letters that have to be found before others are looked for again
NEEDED = 0.6  # of the singing that lines would take at the pace of the others
FORGIVEN = 2.0
Notes = dict[str, object]  # what became of it all, for the evidence


@dataclass(frozen=True, slots=True)
class Placing:
    """Lines in their places; `found` is how much of the given letters that is, and `notes` what was seen on the way."""

    lines: Sequence[PlacedLine]
    apart_s: np.ndarray  # of each word, how far apart mix and voice put it
    found: float
    notes: Notes


@dataclass(frozen=True, slots=True)
class Listened:
    """What an aligner heard in a track: in the mix, in another reading of it with more voice, and in both together.

    Each alone loses songs: separated vocals have holes, and a solo in the mix can pass for singing.
    """

    mix: Posteriors
    voice: Posteriors
    both: Posteriors


def listened(
    settings: LyricsSettings, model: AcousticModel, mix: np.ndarray, voice: np.ndarray, singing: Sequence[Span]
) -> Listened:
    """Two posteriors of a track by a model, float32 [frames, symbols], with letters damped where nobody sings."""
    frames = min(len(mix), len(voice))
    heard = (mix[:frames], voice[:frames], blended(mix, voice))
    damped = (hushed(each, model.frame_s, singing, settings.singing_margin_s, settings.hush_nats) for each in heard)
    return Listened(*(Posteriors(each, model.symbols, model.frame_s, model.late_s) for each in damped))


def place_given(
    lines: Sequence[SungLine],
    heard: Listened,
    singing: Sequence[Span],
    duration_s: float,
    language: str,
    settings: LyricsSettings,
) -> Placing:
    """Given lines, those that are sung; and notes of those that are not, and of what became of their anchors.

    First every line finds the stretch in which it is sung, then its words their places there. Only where that
    contradicts an anchor are lines placed between their anchors, if they fit there.

    Raises:
        Rejected: the lines are longer than the track (lyrics_too_long), or none of their letters is known to the
            aligner (lyrics_unreadable).
    """
    posteriors = heard.both
    spelled = [_spelled(line, posteriors, language) for line in lines]
    letters = sum(map(len, spelled))
    if not letters:
        raise Rejected(Reason.LYRICS_UNREADABLE, "the aligner knows none of the letters of these lyrics")
    if letters > len(posteriors.log_probs):
        raise Rejected(Reason.LYRICS_TOO_LONG, f"{letters} letters cannot be sung in {duration_s:.1f} s")
    sung, passages = find_passages(lines, posteriors, singing, duration_s, language, settings)
    placed: list[PlacedLine] = []
    while passages and not placed:
        try:
            placed = align(passages, posteriors, singing, duration_s, language)
        except TextTooLong as error:  # squeezed in between its neighbours: nobody sings so fast
            squeezed = passages.index(error.passage)
            del passages[squeezed], sung[squeezed]
    by_line = dict(zip((i for i, _ in sung), placed, strict=True))
    found = sum(len(spelled[i]) for i in by_line) / letters
    notes: Notes = {"unsung": [line.text for i, line in enumerate(lines) if i not in by_line]}
    if any(line.anchor_s is not None for line in lines):
        if _agrees(by_line, lines, settings.anchor_slack_s):
            notes["anchors"] = "agree"
        else:
            try:
                between = passages_by_anchor(lines, duration_s, settings.anchor_slack_s)
                placed = align(between, posteriors, singing, duration_s, language)
                passages, notes = between, {"unsung": [], "anchors": "kept"}
            except ValueError as error:  # also TextTooLong: lines that do not fit between their times
                notes["anchors"] = f"ignored: {error}"
    return Placing(placed, apart(passages, heard, singing, duration_s, language), found, notes)


def apart(
    passages: Sequence[Passage], heard: Listened, singing: Sequence[Span], duration_s: float, language: str
) -> np.ndarray:
    """How far apart mix and voice, each by itself, put every word of the passages, seconds."""
    if not passages:
        return np.zeros(0)
    starts = [
        [word.start_s for line in align(passages, each, singing, duration_s, language) for word in line.words]
        for each in (heard.mix, heard.voice)
    ]
    return np.abs(np.array(starts[0]) - np.array(starts[1]))


def find_passages(
    lines: Sequence[SungLine],
    posteriors: Posteriors,
    singing: Sequence[Span],
    duration_s: float,
    language: str,
    settings: LyricsSettings,
) -> tuple[list[tuple[int, SungLine]], list[Passage]]:
    """The lines that are sung, each with its number, and the passage in which each of them is.

    Of a line, what backing singers have may be missing where the rest is sung: they sing over the next line as often
    as after this one.
    """
    log_probs = posteriors.unspaced
    parts = [(i, part) for i, line in enumerate(lines) for part in line.parts]
    spelled = [_spelled(lines[i].of(*part), posteriors, language) for i, part in parts]
    found = assign(log_probs, spelled, settings.unsung_nats)
    found = _looked_for_again(found, spelled, log_probs, posteriors.frame_s, singing, settings.unsung_nats)
    heard: dict[int, list[tuple[tuple[int, int], Stretch]]] = {}
    for (i, part), stretch in zip(parts, found, strict=True):
        if stretch:
            heard.setdefault(i, []).append((part, stretch))
    sung = [(i, _only(lines[i], [part for part, _ in kept])) for i, kept in heard.items()]
    frames = [(kept[0][1].first, kept[-1][1].last) for kept in heard.values()]
    spans = [(first * posteriors.frame_s, last * posteriors.frame_s) for first, last in frames]
    edges_s = [0.0, *((before[1] + after[0]) / 2 for before, after in pairwise(spans)), duration_s]
    passages = [
        Passage(max(opens_s, start_s - PASSAGE_MARGIN_S), min(closes_s, end_s + PASSAGE_MARGIN_S), (line,))
        for (_, line), (start_s, end_s), (opens_s, closes_s) in zip(sung, spans, pairwise(edges_s), strict=False)
    ]
    return sung, passages


def _looked_for_again(
    found: Sequence[Stretch | None],
    spelled: Sequence[Sequence[int]],
    log_probs: np.ndarray,
    frame_s: float,
    singing: Sequence[Span],
    unsung_nats: float,
) -> list[Stretch | None]:
    """Lines that were not found, where between their neighbours is as much singing as they need that no line explains.

    Most of the lyrics being sung, they most likely are as well, however badly they are heard: so `FORGIVEN` times as
    much may speak against them.
    """
    again = list(found)
    sung = [(stretch, len(letters)) for stretch, letters in zip(found, spelled, strict=True) if stretch]
    if sum(letters for _, letters in sung) < MOSTLY * sum(map(len, spelled)):
        return again
    letter_s = float(np.median([(stretch.last - stretch.first) / letters for stretch, letters in sung])) * frame_s
    for missing, group in groupby(range(len(found)), key=lambda i: found[i] is None):
        run = list(group)
        if not missing:
            continue
        before, after = found[run[0] - 1] if run[0] else None, found[run[-1] + 1] if run[-1] + 1 < len(found) else None
        first, last = before.last if before else 0, after.first if after else len(log_probs)
        needed_s = letter_s * sum(len(spelled[i]) for i in run)
        if overlap_s((first * frame_s, last * frame_s), singing) < NEEDED * needed_s:
            continue
        for i, stretch in zip(
            run, assign(log_probs[first:last], [spelled[i] for i in run], FORGIVEN * unsung_nats), strict=True
        ):
            again[i] = stretch and Stretch(first + stretch.first, first + stretch.last, stretch.loss)
    return again


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
    heard: Listened,
    singing: Sequence[Span],
    duration_s: float,
    language: str,
    settings: LyricsSettings,
) -> Placing:
    """Transcribed lines, each within its own cut; one with more text than it can hold was invented, and is left out."""
    slack_s = settings.anchor_slack_s
    widened = [Passage(max(0.0, p.start_s - slack_s), min(duration_s, p.end_s + slack_s), p.lines) for p in passages]
    left_out = 0
    while widened:
        try:
            placed = align(widened, heard.both, singing, duration_s, language)
            far = apart(widened, heard, singing, duration_s, language)
            return Placing(placed, far, 1.0, {"cuts_left_out": left_out})
        except TextTooLong as error:
            widened.remove(error.passage)
            left_out += 1
    return Placing([], np.zeros(0), 0.0, {"cuts_left_out": left_out})
