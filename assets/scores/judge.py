"""What can be said of a single clip: its words, when its lines begin, its length, tempo and level."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

from assets.captions.spectra import RATE_HZ as TEMPO_RATE_HZ
from assets.captions.tempo import tempo_of
from assets.lyrics.align import Passage, Posteriors, TextTooLong, align, blended
from assets.lyrics.cuts import Span, cut_at_silences
from assets.lyrics.settings import LyricsSettings
from assets.lyrics.text import sung_lines
from assets.lyrics.transcribe import hear
from assets.scores.clips import Clip, Sound
from assets.scores.facts import beat_agrees
from assets.scores.judges import RATE_HZ, Judges, resampled
from assets.scores.words import TimedWord, score_words
from assets.tables import Row
from assets.tracks.measure import measure
from assets.tracks.settings import TrackSettings
from resources.child import LIMITS
from resources.ffmpeg import encode
from resources.transcribers import LONGEST_CUT_S

NEAR_S = 0.3  # of where a line is to begin
PAUSE_S = 4.0  # of a voice, at which what is heard of it is cut
AROUND_S = 2.0  # singing, at most half of such a pause
ANYTHING = TrackSettings(min_duration_s=0.4, min_level_db=-1000.0)


def judge(clip: Clip, judges: Judges) -> Row:
    """A row of the table `heard`. What cannot be judged is null: the words of what has none, the tempo of no pulse."""
    level = _level(clip)
    voice, singing = judges.voice(clip.sound, clip.rate_hz, level["lufs"])
    mix = resampled(clip.sound, clip.rate_hz, RATE_HZ)
    tempo = tempo_of(resampled(clip.sound, clip.rate_hz, TEMPO_RATE_HZ))
    found_bpm = tempo.bpm if tempo else None
    return {
        "system": str(clip.system),
        "item": clip.item,
        "seed": clip.seed,
        "length_error_s": clip.duration_s - clip.request.duration_s,
        "tempo_bpm": found_bpm,
        "tempo_agrees": beat_agrees(clip.tempo_bpm, found_bpm) if clip.tempo_bpm else None,
        **level,
        **words_heard(clip, voice, singing, judges),
        **lines_begun(clip, mix, voice, judges),
    }


def words_heard(clip: Clip, voice: Sound, singing: Sequence[Span], judges: Judges) -> Row:
    """What Whisper reads in the separated voice, against the lyrics that were asked for.

    As in the stage `lyrics`, what it says where nobody sings, loops and stock phrases are no words.
    """
    heard = [TimedWord(word, 0.0, 0.0) for word in _read(clip, voice, singing, judges)]
    asked = [TimedWord(word, 0.0, 0.0) for line in clip.request.lines for word in line.text.split()]
    score = score_words(asked, heard)
    return {
        "words": score.words,
        "words_heard": len(heard),
        "word_error": score.error_rate if score.words else None,
    }


def _read(clip: Clip, voice: Sound, singing: Sequence[Span], judges: Judges) -> Iterator[str]:
    duration_s = len(voice) / RATE_HZ
    spans = [(start_s, min(end_s, duration_s)) for start_s, end_s in singing if start_s < duration_s]
    if cuts := sung_parts(spans, duration_s):
        said = hear(judges.transcriber, voice, cuts, spans, LyricsSettings(), clip.request.language or "en")
        yield from (word for line in said.lines for word in line.words)


def sung_parts(singing: Sequence[Span], duration_s: float) -> list[Span]:
    """What a transcriber is to hear of a separated voice, at most 30 s at once, without the pauses before and between.

    In a voice that is silent for five seconds before it sings, Whisper base hears loops and stock phrases and no words.
    """
    parts: list[Span] = []
    for cut_start_s, cut_end_s in cut_at_silences(singing, duration_s, LONGEST_CUT_S):
        inside = [(max(a, cut_start_s), min(b, cut_end_s)) for a, b in singing if a < cut_end_s and b > cut_start_s]
        groups = [[inside[0]]]
        for before, after in pairwise(inside):
            if after[0] - before[1] > PAUSE_S:
                groups.append([])
            groups[-1].append(after)
        parts += [
            (max(cut_start_s, group[0][0] - AROUND_S), min(cut_end_s, group[-1][1] + AROUND_S)) for group in groups
        ]
    return parts


def lines_begun(clip: Clip, mix: Sound, voice: Sound, judges: Judges) -> Row:
    """When the lines that were asked for begin, by the aligner, which is told their words and none of their times.

    Beside it, how many would begin near where they should if they were spread evenly over the clip, unheard.
    """
    nothing: Row = {"line_error_s": None, "lines_near": None, "lines_near_unheard": None}
    timed = [line for line in clip.request.lines if line.start_s is not None]
    sung = sung_lines((line.text, None) for line in timed)
    if not timed or len(sung) != len(timed):
        return nothing
    heard = blended(judges.acoustics.log_probs(mix), judges.acoustics.log_probs(voice))
    posteriors = Posteriors(heard, tuple(judges.acoustics.symbols), judges.acoustics.frame_s)
    passage = Passage(0.0, clip.duration_s, tuple(sung))
    try:
        placed = align([passage], posteriors, [(0.0, clip.duration_s)], clip.duration_s, clip.request.language or "en")
    except TextTooLong:
        return nothing
    asked_s = np.array([line.start_s for line in timed], float)
    errors_s = np.abs(np.array([line.start_s for line in placed]) - asked_s)
    unheard_s = np.abs(np.arange(len(timed)) * clip.duration_s / len(timed) - asked_s)
    return {
        "line_error_s": median(errors_s.tolist()),
        "lines_near": float((errors_s <= NEAR_S).mean()),
        "lines_near_unheard": float((unheard_s <= NEAR_S).mean()),
    }


def _level(clip: Clip) -> Row:
    """By the meter that tracks are measured with, which here turns nothing away. Of silence R128 says -70 LUFS."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "clip.flac"
        encode(file, [clip.sound[:, None]], clip.rate_hz)
        measured = measure(file, clip.rate_hz, ANYTHING, LIMITS)
    return {
        "lufs": max(-70.0, measured.integrated_lufs),
        "true_peak_dbtp": measured.true_peak_dbtp,
        "clipped_ratio": measured.clipped_ratio,
        "silent_ratio": measured.silent_ratio,
    }
