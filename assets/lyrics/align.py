"""Every word of known lyrics in its place: CTC segmentation over the posteriors of an acoustic model.

Posteriors are float32 [frames, symbols], natural logarithms, symbol 0 the CTC blank; a frame is `frame_s` seconds.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from assets.lyrics.cuts import Span
from assets.lyrics.text import SungLine, spell

CLOSEST_S = 0.001  # words start at least so far apart
UNKNOWN_S = 0.3  # what a word that could not be heard is given at either end of the lyrics
TABLE_CELLS = 120_000_000  # of float32 that one alignment may fill before the segmentation is done in windows


class TextTooLong(ValueError):
    """More is to be sung than the audio has room for. `passage` is where, once it is known."""

    passage: "Passage"


@dataclass(frozen=True, slots=True)
class PlacedWord:
    """A word and when it is sung; `confidence` is the geometric mean of its letters' probabilities, 0 if unheard."""

    text: str
    start_s: float
    end_s: float
    confidence: float


@dataclass(frozen=True, slots=True)
class PlacedLine:
    text: str
    words: tuple[PlacedWord, ...]

    @property
    def start_s(self) -> float:
        return self.words[0].start_s

    @property
    def end_s(self) -> float:
        return max(word.end_s for word in self.words)

    @property
    def confidence(self) -> float:
        return sum(word.confidence for word in self.words) / len(self.words)


@dataclass(frozen=True, slots=True)
class Passage:
    """Lines that are all sung between two times."""

    start_s: float
    end_s: float
    lines: tuple[SungLine, ...]


@dataclass(frozen=True, slots=True)
class Posteriors:
    """What an acoustic model heard in a whole track.

    `late_s` is how late it hears words begin, by their first letter or two; under the empty name, all others.
    """

    log_probs: np.ndarray  # float32 [frames, symbols]
    symbols: tuple[str, ...]
    frame_s: float
    late_s: Mapping[str, float] = field(default_factory=dict)

    def late(self, letters: Sequence[int]) -> float:
        """How late a word is heard that is spelled so, seconds."""
        start = "".join(self.symbols[letter] for letter in letters[:2])
        return self.late_s.get(start, self.late_s.get(start[:1], self.late_s.get("", 0.0)))

    @property
    def duration_s(self) -> float:
        return len(self.log_probs) * self.frame_s

    @property
    def unspaced(self) -> np.ndarray:
        """The same with the space between words counted to the blank: between two words either may be heard."""
        if " " not in self.symbols:
            return self.log_probs
        joined = self.log_probs.copy()
        joined[:, 0] = np.logaddexp(joined[:, 0], joined[:, self.symbols.index(" ")])
        return joined


def passages_by_anchor(lines: Sequence[SungLine], duration_s: float, slack_s: float) -> list[Passage]:
    """Lines from one anchor to the next, in the time that the anchors, true within `slack_s`, leave to them.

    Lines without any anchor are one passage, the whole track.

    Raises:
        ValueError: anchors out of order, or outside the track.
    """
    anchors = [line.anchor_s for line in lines if line.anchor_s is not None]
    if any(b < a for a, b in pairwise(anchors)) or (anchors and not 0 <= anchors[-1] <= duration_s + slack_s):
        raise ValueError("line times are out of order, or outside the track")
    firsts = [i for i, line in enumerate(lines) if line.anchor_s is not None]
    edges = sorted({0, *firsts, len(lines)})
    passages = []
    for first, after in pairwise(edges):
        start_s = lines[first].anchor_s
        end_s = lines[after].anchor_s if after < len(lines) else None
        passages.append(
            Passage(
                0.0 if start_s is None else max(0.0, start_s - slack_s),
                duration_s if end_s is None else min(duration_s, end_s + slack_s),
                tuple(lines[first:after]),
            )
        )
    return passages


def align(
    passages: Sequence[Passage], heard: Posteriors, singing: Sequence[Span], duration_s: float, language: str = "en"
) -> list[PlacedLine]:
    """The lines of all passages with every word placed; words and lines in order, inside the track.

    A word ends where the next one starts, or where the singing stops. A word none of whose letters the model knows
    is put between its neighbours with confidence 0.

    Raises:
        TextTooLong: a passage has more letters than its time has frames.
    """
    words = [word for passage in passages for line in passage.lines for word in line.words]
    starts, lasts, confidences = _placed(passages, heard, language)
    starts = _ordered(_filled(starts, duration_s), duration_s)
    ends = _ends(starts, lasts, singing, duration_s)
    placed = [
        PlacedWord(text, float(start_s), float(end_s), float(confidence))
        for text, start_s, end_s, confidence in zip(words, starts, ends, confidences, strict=True)
    ]
    lines, position = [], 0
    for line in (line for passage in passages for line in passage.lines):
        lines.append(PlacedLine(line.text, tuple(placed[position : position + len(line.words)])))
        position += len(line.words)
    return lines


def blended(mix: np.ndarray, vocals: np.ndarray) -> np.ndarray:
    """The mean of two posteriors: what either hears clearly counts, and neither alone can lose a song."""
    frames = min(len(mix), len(vocals))
    return np.asarray(np.logaddexp(mix[:frames], vocals[:frames]) - np.float32(np.log(2)))


def hushed(log_probs: np.ndarray, frame_s: float, singing: Sequence[Span], margin_s: float, nats: float) -> np.ndarray:
    """Posteriors in which letters cost `nats` more where nobody sings, so that a solo draws no words.

    Damped and not cut away: where the vocal segments are wrong, a word can still be heard.
    """
    times_s = (np.arange(len(log_probs)) + 0.5) * frame_s
    sung = np.zeros(len(log_probs), dtype=bool)
    for start_s, end_s in singing:
        sung |= (times_s >= start_s - margin_s) & (times_s <= end_s + margin_s)
    damped = log_probs.copy()
    damped[~sung, 1:] -= nats
    return np.asarray(damped - np.logaddexp.reduce(damped, axis=1, keepdims=True))


def _placed(passages: Sequence[Passage], heard: Posteriors, language: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Per word the start of its first letter, the start of its last one (NaN: unknown letters), and its confidence."""
    log_probs = heard.unspaced
    starts: list[float] = []
    lasts: list[float] = []
    confidences: list[float] = []
    for i, passage in enumerate(passages):
        # Singing that no word explains draws the letters next to it, so touching passages are heard together.
        before = i - 1 if i and passages[i - 1].end_s > passage.start_s else i
        after = i + 1 if i + 1 < len(passages) and passages[i + 1].start_s < passage.end_s else i
        spelled = [
            [spell(word, heard.symbols, language) for line in each.lines for word in line.words]
            for each in passages[before : after + 1]
        ]
        first = int(passages[before].start_s / heard.frame_s)
        last = min(len(log_probs), int(np.ceil(passages[after].end_s / heard.frame_s)))
        try:
            placed = segment(log_probs[first:last], [letters for words in spelled for letters in words])
        except TextTooLong as error:
            error.passage = passage
            raise
        skipped = len(spelled[0]) if before < i else 0
        own = slice(skipped, skipped + len(spelled[i - before]))
        for letters, found in zip(spelled[i - before], placed[own], strict=True):
            frames, confidence = found or ((np.nan,), 0.0)
            starts.append((first + frames[0]) * heard.frame_s - heard.late(letters))
            lasts.append((first + frames[-1]) * heard.frame_s)
            confidences.append(confidence)
    return np.array(starts), np.array(lasts), np.array(confidences)


def segment(log_probs: np.ndarray, spelled: Sequence[tuple[int, ...]]) -> list[tuple[tuple[int, ...], float] | None]:
    """For each word the frames at which its letters begin and its confidence; None for a word without letters.

    Raises:
        TextTooLong: more letters than frames.
    """
    from ctc_segmentation import CtcSegmentationParameters, ctc_segmentation, prepare_token_list

    known = [np.array(letters) for letters in spelled if letters]
    if not known:
        return [None] * len(spelled)
    config = CtcSegmentationParameters(index_duration=1.0, char_list=[str(i) for i in range(log_probs.shape[1])])
    truth, begins = prepare_token_list(config, known)
    if len(truth) > len(log_probs):
        raise TextTooLong(f"{len(truth)} letters and gaps in {len(log_probs)} frames")
    config.min_window_size = max(config.min_window_size, min(len(log_probs), TABLE_CELLS // len(truth)))
    config.max_window_size = max(config.max_window_size, 2 * len(log_probs))
    # Against the blank, every frame without a letter costs nothing; else the search, whose end is free, would rather
    # misplace the last words than pay for the blanks of a pause before them.
    gain = log_probs - log_probs[:, :1]
    timings, _, _ = ctc_segmentation(config, gain, truth)
    placed = []
    for begin, letters in zip(begins, known, strict=False):
        frames = timings[begin + 1 : begin + 2 + len(letters)].astype(int)  # and where the gap after the word begins
        frames[0] = _onset(gain[frames[0] : frames[1], letters[0]]) + frames[0]
        placed.append((tuple(frames[:-1].tolist()), float(np.exp(log_probs[frames[:-1], letters].mean()))))
    words = iter(placed)
    return [next(words) if letters else None for letters in spelled]


def _onset(gain: np.ndarray) -> int:
    """Where a word's first letter begins in the frames up to its second one, [frames] of log odds against the blank.

    The segmentation lets a letter sound, fall silent and sound again, so that a stray sound in the pause before a word
    may be taken for its beginning: it is the last time the letter is heard that leads into the word.
    """
    clear = gain > min(0.0, float(gain.max()) - 1.0)
    last = int(np.flatnonzero(clear)[-1])
    quiet = np.flatnonzero(~clear[:last])
    return int(quiet[-1]) + 1 if len(quiet) else 0


def _filled(starts: np.ndarray, duration_s: float) -> np.ndarray:
    """Starts with the unknown ones spread between their neighbours."""
    known = np.flatnonzero(~np.isnan(starts))
    if not len(known):
        return np.linspace(0.0, duration_s, len(starts), endpoint=False)
    ahead, behind = int(known[0]), len(starts) - 1 - int(known[-1])
    at = np.concatenate([[-1], known, [len(starts)]])
    times_s = np.concatenate(
        [
            [max(0.0, starts[known[0]] - (ahead + 1) * UNKNOWN_S)],
            starts[known],
            [min(duration_s, starts[known[-1]] + (behind + 1) * UNKNOWN_S)],
        ]
    )
    return np.asarray(np.interp(np.arange(len(starts)), at, times_s))


def _ordered(starts: np.ndarray, duration_s: float) -> np.ndarray:
    """Starts inside the track, each after the one before."""
    steps = CLOSEST_S * np.arange(len(starts))
    ordered = np.maximum.accumulate(np.maximum(starts, 0.0) - steps) + steps
    return np.asarray(np.minimum(ordered, duration_s - steps[::-1] - CLOSEST_S))


def _ends(starts: np.ndarray, lasts: np.ndarray, singing: Sequence[Span], duration_s: float) -> np.ndarray:
    """A word ends with the segment in which its last letter is sung, or where the next word starts."""
    begins = [start_s for start_s, _ in singing]
    ends = np.append(starts[1:], duration_s)
    for i, last_s in enumerate(np.fmax(lasts, starts)):
        inside = bisect_right(begins, last_s) - 1
        stops_s = singing[inside][1] if inside >= 0 and singing[inside][1] > last_s else last_s + UNKNOWN_S
        ends[i] = min(ends[i], max(stops_s, starts[i] + CLOSEST_S))
    return ends
