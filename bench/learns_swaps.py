"""What a song becomes when one thing is told otherwise, and the noise is the same: the measures of bench/learns.py.

Each row says what the change does, beside what there would be if the model did not listen, and what there is in truth.

Letters: n latent frame, c latent channel, m frame of a part.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.codec import Codec
from training.data.corpus import Sample
from training.data.draws import lines_between
from training.generate import Singer
from training.guidance import Guidance
from training.request import AskedLine, Request, Track

SONG_S = 5.0
STARTS_S = (0.3, 1.0, 1.7)  # of a line that is asked for at several times
LINE_S = 3.2  # the longest that fits behind all of these
LENGTHS_S = (3.0, 4.0, 5.0)
SEEDS = (0, 1)
SILENT_DB = 25.0  # below the loudest frame of a voice
ONSET_DB = 6.0  # by which the level rises, from the third of a second before to the sixth of a second after
NEAR_S, SAME_S = 0.15, 0.1


@dataclass(frozen=True, slots=True)
class Asker:
    """A model, and the samples that it learnt from."""

    singer: Singer
    samples: Sequence[Sample]
    guidance: Guidance
    codec: Codec

    def songs(self, requests: Sequence[Request], seed: int) -> list[Tensor]:
        """Latents n c, all from the same noise."""
        return self.singer.latents(requests, self.guidance, self.singer.noise(requests, seed))

    @property
    def frame_s(self) -> float:
        return self.codec.frame_s


@dataclass(frozen=True, slots=True)
class Placed:
    """Songs of one line from one noise, and when each should begin it."""

    line: AskedLine
    songs: Sequence[Tensor]


def placed(asker: Asker) -> Iterator[Placed]:
    for sample in asker.samples:
        for line in short_lines(sample):
            lines = [replace(line, start_s=start_s, end_s=start_s + length_s(line)) for start_s in STARTS_S]
            requests = [Request(SONG_S, sample.short_prompt, (each,), sample.language, Track.VOCALS) for each in lines]
            for seed in SEEDS:
                yield Placed(line, asker.songs(requests, seed))


def times_rows(asker: Asker) -> list[str]:
    found = list(placed(asker))
    by_s = [start_s - STARTS_S[0] for start_s in STARTS_S[1:]]
    spectra, levels = ([lags_s(each, asker.frame_s, of) for each in found] for of in (lambda x: x, level_of))
    near = [
        near_onset(song, start_s, asker.frame_s)
        for each in found
        for start_s, song in zip(STARTS_S, each.songs, strict=True)
    ]
    unasked = [
        near_onset(song, other_s, asker.frame_s)
        for each in found
        for start_s, song in zip(STARTS_S, each.songs, strict=True)
        for other_s in STARTS_S
        if other_s != start_s
    ]
    true = [
        near_onset(sample.latents[Track.VOCALS], line.start_s, asker.frame_s)
        for sample in asker.samples
        for line in lines_between(sample.lines, 0.0, sample.duration_s)
    ]
    rows = [
        f"{what} of a line is found {by_s[0]:.1f} or {by_s[1]:.1f} s later, as it was asked for, to {SAME_S:g} s: "
        f"{share([abs(lag_s - want_s) < SAME_S for lags in each for lag_s, want_s in zip(lags, by_s, strict=True)])}; "
        f"where it was: {share([abs(lag_s) < SAME_S for lags in each for lag_s in lags])}"
        for what, each in (("the spectrum", spectra), ("the level", levels))
    ]
    return [
        *rows,
        f"the voice rises by {ONSET_DB:g} dB within {NEAR_S:g} s of where the line is to begin: {share(near)}; of "
        f"where it began in the other songs: {share(unasked)}; true voices where their lines begin: {share(true)}",
        f"({len(found) // len(SEEDS)} lines, {len(SEEDS)} noises, {len(STARTS_S)} times each)",
    ]


def lags_s(each: Placed, frame_s: float, of: Callable[[Tensor], Tensor]) -> list[float]:
    """By how much later the other songs have what the first one has in its line, wherever in the song that is."""
    start, end = round(STARTS_S[0] / frame_s), round((STARTS_S[0] + length_s(each.line)) / frame_s)
    part = of(each.songs[0])[start:end]  # m c
    places = [of(song).unfold(0, len(part), 1) for song in each.songs[1:]]  # n-m+1 c m
    return [(int((place - part.T).abs().mean(dim=(1, 2)).argmin()) - start) * frame_s for place in places]


def near_onset(voice: Tensor, start_s: float | None, frame_s: float) -> bool:
    assert start_s is not None
    return any(abs(frame * frame_s - start_s) < NEAR_S for frame in onsets(voice))


def onsets(voice: Tensor) -> list[int]:
    """Frames at which the level rises most around, and by enough."""
    level = level_db(voice)
    before = np.array([level[max(0, i - 7) : i].mean() if i else level.min() for i in range(len(level) - 3)])
    rise = np.array([level[i : i + 4].mean() for i in range(len(level) - 3)]) - before
    return [i for i, each in enumerate(rise) if each >= ONSET_DB and each == rise[max(0, i - 4) : i + 5].max()]


def share(found: Sequence[bool]) -> str:
    return f"{np.mean(found):.0%}"


def prompts_row(asker: Asker) -> str:
    """Accompaniments of one noise under each song's prompt: is the song of that prompt the nearest in sound?"""
    truths = torch.stack([sample.latents[Track.ACCOMPANIMENT].mean(dim=0) for sample in asker.samples])
    nearest = []
    for seed in SEEDS:
        requests = [Request(SONG_S, sample.short_prompt, (), None, Track.ACCOMPANIMENT) for sample in asker.samples]
        for i, song in enumerate(asker.songs(requests, seed)):
            distances = (truths - song.mean(dim=0)).abs().mean(dim=1)
            nearest.append(int(distances.argmin()) == i)
    return (
        f"of {len(asker.samples)} songs, the one whose prompt was told is the nearest in mean spectrum: "
        f"{np.mean(nearest):.0%} (by chance {1 / len(asker.samples):.0%}; {len(SEEDS)} noises)"
    )


def length_row(asker: Asker) -> str:
    codec = asker.codec
    wrong, ends = [], []
    for sample in asker.samples:
        requests = [Request(each, sample.short_prompt, (), None, Track.ACCOMPANIMENT) for each in LENGTHS_S]
        for song, wanted_s in zip(asker.songs(requests, SEEDS[0]), LENGTHS_S, strict=True):
            sound = codec.decode(song[None])[0]
            wrong.append(abs(len(sound) / codec.rate_hz - wanted_s))
            level = level_db(song)
            ends.append(level[-round(0.5 / codec.frame_s) :].mean() - level.mean())
    return (
        f"length asked for and length made, farthest apart: {1000 * max(wrong):.0f} ms (a frame is "
        f"{1000 * codec.frame_s:.0f} ms); level of the last half second beside the whole: {np.median(ends):+.1f} dB"
    )


def words_row(asker: Asker) -> str:
    """Lines whose words are those of another song, each beside the same line from another noise."""
    changed, floor = [], []
    for i, sample in enumerate(asker.samples):
        lines = tuple(lines_between(sample.lines, 0.0, SONG_S))
        other = " ".join(line.text for line in asker.samples[(i + 1) % len(asker.samples)].lines).split()
        if not lines or not other:
            continue
        request = Request(SONG_S, sample.short_prompt, lines, sample.language, Track.VOCALS)
        one, swapped = asker.songs([request, replace(request, lines=reworded(lines, other))], SEEDS[0])
        (again,) = asker.songs([request], SEEDS[1])
        heard = sung(sample.latents[Track.VOCALS][: len(one)])
        changed.append(float((one - swapped)[heard].abs().mean()))
        floor.append(float((one - again)[heard].abs().mean()))
    more = np.mean(np.array(changed) > np.array(floor))
    return (
        f"sung frames change with other words by {np.mean(changed):.2f}, with another noise by {np.mean(floor):.2f} "
        f"(log magnitude): by more in {more:.0%} of {len(changed)} songs"
    )


def reworded(lines: Sequence[AskedLine], words: Sequence[str]) -> tuple[AskedLine, ...]:
    """As many words a line as before."""
    told, taken = [], 0
    for line in lines:
        count = len(line.text.split())
        told.append(replace(line, text=" ".join(words[(taken + k) % len(words)] for k in range(count))))
        taken += count
    return tuple(told)


def short_lines(sample: Sample) -> list[AskedLine]:
    """The lines of a sample that have room behind all `STARTS_S`."""
    return [line for line in lines_between(sample.lines, 0.0, sample.duration_s) if length_s(line) <= LINE_S]


def length_s(line: AskedLine) -> float:
    assert line.start_s is not None
    assert line.end_s is not None
    return line.end_s - line.start_s


def level_db(latents: Tensor) -> NDArray[np.float64]:
    """[n] level of each frame of log magnitudes n c."""
    return 10 * np.log10(np.exp(2 * latents.double().numpy()).sum(axis=1))


def level_of(latents: Tensor) -> Tensor:
    """n 1"""
    return torch.from_numpy(level_db(latents))[:, None]


def sung(latents: Tensor) -> NDArray[np.bool_]:
    """[n] frames of a true voice in which it is heard."""
    level = level_db(latents)
    return level > level.max() - SILENT_DB
