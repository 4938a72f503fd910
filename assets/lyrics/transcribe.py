"""The words of a track that came without lyrics: what a transcriber hears, less what it invents."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from assets.lyrics.align import Passage
from assets.lyrics.cuts import Span
from assets.lyrics.settings import LyricsSettings
from assets.lyrics.text import SungLine, plain, sung_lines
from resources.transcribers import Listener, Segment, Transcriber

STOCK = re.compile(
    r"(thank(s| you)( so much| very much)? (for|to) (watching|listening|viewing|your)|please (like|subscribe)|"
    r"(like and )?subscribe( to| for|$)|subtitles? (by|made)|captions? by|transcri(bed|ption) by|amara\.org|"
    r"see you (in the )?next (video|time)|all rights reserved|copyright|www\.|\.com\b|"
    r"sous-?titr|untertitel|subtítulos|legendas|sottotitoli|субтитры|字幕|ご視聴|시청해)",
    re.IGNORECASE,
)
SOUND = re.compile(
    r"[(\[*♪♫][^)\]*]*(music|applause|instrumental|laugh|cheer|silence|beat|playing)[^)\]*]*[)\]*♪♫]?", re.IGNORECASE
)
FILLERS = frozenset({"you", "thank you", "thanks", "bye", "bye bye", "okay", "so", "the end", "music", "the"})
LOOP = 5  # the same few words so often in a row are a loop of the decoder's


@dataclass(frozen=True, slots=True)
class Heard:
    """What was kept of a transcript; each passage is one cut. `dropped` counts segments by why they were not kept."""

    language: str
    language_probability: float
    passages: tuple[Passage, ...]
    dropped: dict[str, int]
    log_probability: float | None  # mean over the kept segments; None where none was

    @property
    def lines(self) -> list[SungLine]:
        return [line for passage in self.passages for line in passage.lines]


def hear(
    transcriber: Transcriber,
    audio: np.ndarray,
    cuts: Sequence[Span],
    singing: Sequence[Span],
    settings: LyricsSettings,
    language: str | None = None,
    overhear: Listener | None = None,
) -> Heard:
    """Transcribes the cuts of a track, float32 [samples] at 16 kHz, and keeps what can have been sung.

    With its instruments, since separated vocals are understood worse; but only what falls into `singing` can be words.
    """
    transcript = transcriber.transcribe(audio, cuts, language or settings.language, overhear)
    kept: list[tuple[Span, Segment]] = []
    dropped: Counter[str] = Counter()
    for segment in transcript.segments:
        why = invented(segment, singing, settings)
        if why is None:
            kept.append((_cut_of(segment, cuts), segment))
        else:
            dropped[why] += 1
    passages = [
        Passage(cut[0], cut[1], tuple(lines))
        for cut, segments in groupby(kept, key=lambda pair: pair[0])
        if (lines := _lines(segment for _, segment in segments))
    ]
    return Heard(
        transcript.language,
        transcript.language_probability,
        tuple(passages),
        dict(dropped),
        float(np.mean([segment.mean_log_probability for _, segment in kept])) if kept else None,
    )


def invented(segment: Segment, singing: Sequence[Span], settings: LyricsSettings) -> str | None:
    """Why a segment cannot be sung words: the first test that it fails; None where it can."""
    words = [spelled for word in segment.text.split() if (spelled := plain(word))]
    sung_s = overlap_s((segment.start_s, segment.end_s), singing)
    phrase = " ".join(words)
    tests = {
        "no_words": not words or bool(SOUND.fullmatch(segment.text)),
        "no_singing": sung_s == 0.0,
        "stock_phrase": bool(STOCK.search(segment.text)) or (phrase in FILLERS and segment.no_speech_probability > 0.5),
        "loop": _loops(words) or segment.compression_ratio > settings.max_compression_ratio,
        "too_fast": len(words) > max(3.0, settings.max_words_per_s * (segment.end_s - segment.start_s)),
        "unlikely": segment.mean_log_probability < settings.min_log_probability,
    }
    return next((why for why, failed in tests.items() if failed), None)


def overlap_s(span: Span, singing: Sequence[Span]) -> float:
    """Seconds of a span that lie in any of the vocal segments."""
    return sum(max(0.0, min(span[1], end_s) - max(span[0], start_s)) for start_s, end_s in singing)


def most_sung(cuts: Sequence[Span], singing: Sequence[Span], count: int) -> list[Span]:
    """The cuts with the most singing in them, at most `count`, in order; the first of equals."""
    chosen = sorted(cuts, key=lambda cut: -overlap_s(cut, singing))[:count]
    return sorted(chosen)


def _loops(words: Sequence[str]) -> bool:
    """The same one to four words `LOOP` times in a row, and longer than a singer's la la la."""
    for size in range(1, 5):
        run = 0
        for i in range(size, len(words)):
            run = run + 1 if words[i] == words[i - size] else 0
            if run >= max((LOOP - 1) * size, 12):
                return True
    return False


def _cut_of(segment: Segment, cuts: Sequence[Span]) -> Span:
    return max((cut for cut in cuts if cut[0] <= segment.start_s), default=cuts[0])


def _lines(segments: Iterable[Segment]) -> list[SungLine]:
    return sung_lines((segment.text, None) for segment in segments)
