"""How well duplicates were found: pairs that are true, found, or both."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Generic, TypeVar

Item = TypeVar("Item", bound=Hashable)
Pair = frozenset


@dataclass(frozen=True, slots=True)
class PairScore(Generic[Item]):
    true: int
    found: int
    wrong: frozenset[Pair[Item]]  # found, and not true
    missed: frozenset[Pair[Item]]  # true, and not found

    @property
    def precision(self) -> float:
        """Of what was found, the share that is true; 1 where nothing was found."""
        return 1 - len(self.wrong) / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """Of what is true, the share that was found; 1 where nothing is true."""
        return 1 - len(self.missed) / self.true if self.true else 1.0


def score_pairs(true: Iterable[Iterable[Item]], found: Iterable[Iterable[Item]]) -> PairScore[Item]:
    """Compares groups of equals over the unordered pairs that follow from them: a ~ b and b ~ c give a ~ c."""
    truth, finding = closed_pairs(true), closed_pairs(found)
    return PairScore(len(truth), len(finding), frozenset(finding - truth), frozenset(truth - finding))


def closed_pairs(groups: Iterable[Iterable[Item]]) -> set[Pair[Item]]:
    """All pairs within groups, once groups that share a member are one."""
    group_of: dict[Item, set[Item]] = {}
    for members in groups:
        whole = set(members)
        for member in list(whole):
            whole |= group_of.get(member, set())
        for member in whole:
            group_of[member] = whole
    distinct = {id(group): group for group in group_of.values()}
    return {frozenset(pair) for group in distinct.values() for pair in combinations(group, 2)}
