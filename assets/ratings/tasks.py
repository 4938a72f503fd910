"""What one person is asked, in an order of their own."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from random import Random
from typing import Literal

from assets.ratings.clips import RatedClip
from resources.ledger import digest

Kind = Literal["mos", "ab"]
VALUES: dict[Kind, tuple[int, ...]] = {
    "mos": (1, 2, 3, 4, 5),
    "ab": (-1, 0, 1),
}  # of ab: the first, neither, the second


@dataclass(frozen=True, slots=True)
class Task:
    """A clip to rate from 1 to 5, or two of one request to choose from."""

    kind: Kind
    clips: tuple[RatedClip, ...]

    @property
    def key(self) -> str:
        """The same for a pair in either order: nobody is asked twice."""
        return digest([self.kind, *sorted(clip.key for clip in self.clips)])


def tasks_for(rater: str, clips: Sequence[RatedClip], most: int) -> list[Task]:
    """At most so many, shuffled by the rater's name; first those with one clip, then the pairs, each in a drawn order.

    Where there are too many of both, half of them are pairs.
    """
    random = Random(rater)
    single = [Task("mos", (clip,)) for clip in clips]
    pairs = []
    for one, other in combinations(clips, 2):
        if one.item == other.item and one.system != other.system:
            pairs.append(Task("ab", (one, other) if random.random() < 0.5 else (other, one)))
    random.shuffle(single)
    random.shuffle(pairs)
    share = min(len(pairs), max(most - len(single), most // 2))
    return single[: most - share] + pairs[:share]
