"""What people thought, with how sure that is."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from assets.ratings.database import Rating
from assets.scores.bootstrap import Estimate, mean_of

FEWEST = 5  # ratings; of fewer no mean is given


@dataclass(frozen=True, slots=True)
class Preference:
    """Share of the pairs in which `system` was preferred to `other`; those without a preference count half."""

    system: str
    other: str
    share: Estimate


def opinions(ratings: Sequence[Rating]) -> dict[str, Estimate]:
    """The mean rating of each system that has at least `FEWEST`; the interval is over people, who differ most."""
    by_system: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for rating in ratings:
        if rating.kind == "mos":
            by_system[rating.system][rating.rater].append(float(rating.value))
    means = {system: mean_of(raters) for system, raters in sorted(by_system.items())}
    return {system: mean for system, mean in means.items() if mean and mean.count >= FEWEST}


def preferences(ratings: Sequence[Rating]) -> list[Preference]:
    """Of each two systems that have at least `FEWEST` answers, in the order of their names."""
    by_pair: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for rating in ratings:
        if rating.kind == "ab" and rating.other is not None:
            first, second = sorted((rating.system, rating.other))
            towards_second = rating.value if rating.system == first else -rating.value
            by_pair[first, second][rating.rater].append(0.5 - towards_second / 2)
    shares = {pair: mean_of(raters) for pair, raters in sorted(by_pair.items())}
    return [Preference(*pair, share) for pair, share in shares.items() if share and share.count >= FEWEST]
