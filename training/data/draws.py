"""How a sample is taken this time: what of it is told, which track is to be made, and what of the music is given.

All of it is drawn from one generator, so that a sample is taken in the same way whichever rank or worker takes it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from training.guidance import State
from training.request import AskedLine, SungLine, Track
from training.stages import StageSettings


class Given(StrEnum):
    """What of the music is given beforehand, in the context channel."""

    NOTHING = "nothing"
    BEGINNING = "beginning"
    SURROUNDINGS = "surroundings"
    VOCALS = "vocals"
    ACCOMPANIMENT = "accompaniment"


TOLD = {"both": State.BOTH, "prompt": State.INSTRUMENTS, "lyrics": State.VOCALS, "nothing": State.NOTHING}
OTHER = {Given.VOCALS: Track.VOCALS, Given.ACCOMPANIMENT: Track.ACCOMPANIMENT}
LEAST_GIVEN, MOST_GIVEN = 0.1, 0.7  # of a song, where its own beginning or surroundings are


@dataclass(frozen=True, slots=True)
class Draw:
    state: State
    track: Track
    given: Given
    timed: bool
    short_prompt: bool

    @property
    def given_track(self) -> Track | None:
        """The track that something is given of."""
        return None if self.given is Given.NOTHING else OTHER.get(self.given, self.track)

    @property
    def tracks(self) -> tuple[Track, ...]:
        """The tracks that have to be read."""
        given = self.given_track
        return (self.track,) if given in (None, self.track) else (self.track, given)


def random_of(seed: int, epoch: int, index: int) -> np.random.Generator:
    """The generator of all that is drawn for a sample in an epoch."""
    return np.random.default_rng((seed, epoch, index))


def draw_of(stage: StageSettings, random: np.random.Generator) -> Draw:
    """A track that is to be made is never given as well: then nothing is."""
    state = TOLD[_one(stage.told.each(), random)]
    track = Track(_one(stage.tracks.each(), random))
    given = Given(_one(stage.given.each(), random))
    timed = bool(random.random() >= stage.untimed)
    short_prompt = bool(random.random() < stage.short_prompts)
    return Draw(state, track, Given.NOTHING if OTHER.get(given) is track else given, timed, short_prompt)


def states_of(stage: StageSettings) -> frozenset[State]:
    """The states that a stage trains, which are those that guidance may ask for."""
    return frozenset(TOLD[name] for name, share in stage.told.each().items() if share > 0)


def mask_of(given: Given, frames: int, random: np.random.Generator) -> np.ndarray:
    """[frames] bool: where the context holds music."""
    mask = np.zeros(frames, dtype=bool)
    kept = int(frames * random.uniform(LEAST_GIVEN, MOST_GIVEN))
    if given is Given.BEGINNING:
        mask[:kept] = True
    elif given is Given.SURROUNDINGS:
        gap = frames - kept
        start = int(random.integers(0, kept + 1))
        mask[:] = True
        mask[start : start + gap] = False
    elif given in OTHER:
        mask[:] = True
    return mask


def lines_between(lines: Iterable[SungLine], start_s: float, end_s: float) -> list[AskedLine]:
    """The lines as a part of a window holds them: its whole words only, with times from its start."""
    held = []
    for line in lines:
        words = [word for word in line.words if start_s <= word.start_s and word.end_s <= end_s]
        if words:
            text = line.text if len(words) == len(line.words) else " ".join(word.text for word in words)
            held.append(AskedLine(text, words[0].start_s - start_s, words[-1].end_s - start_s, line.section))
    return held


def jittered(
    lines: Sequence[AskedLine], jitter: float, duration_s: float, random: np.random.Generator
) -> list[AskedLine]:
    """Lines whose edges are each moved by up to `jitter` of their length, inside the song."""
    moved = []
    for line in lines:
        if line.start_s is None or line.end_s is None:
            moved.append(line)
            continue
        before, after = random.uniform(-jitter, jitter, 2) * (line.end_s - line.start_s)
        start_s, end_s = max(0.0, line.start_s + before), min(duration_s, line.end_s + after)
        moved.append(AskedLine(line.text, float(start_s), float(max(start_s, end_s)), line.section))
    return moved


def untimed(lines: Iterable[AskedLine]) -> list[AskedLine]:
    return [AskedLine(line.text, section=line.section) for line in lines]


def _one(shares: Mapping[str, float], random: np.random.Generator) -> str:
    names = list(shares)
    return names[int(random.choice(len(names), p=np.array([shares[name] for name in names]) / sum(shares.values())))]
