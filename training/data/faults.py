"""Samples that cannot be used: what is wrong with them, and what is done about it, as a value one passes in."""

from collections import Counter
from collections.abc import Callable
from enum import StrEnum

FEW = 1000  # samples: what a share of faulty ones is taken of, where fewer have been read


class Fault(StrEnum):
    """What is wrong with a sample."""

    GONE = "gone"  # its shard is not in the store
    TRUNCATED = "truncated"
    CHANGED = "changed"  # the shard is not the one that its name or the index says
    NOT_AUDIO = "not_audio"
    NOT_JSON = "not_json"
    NOT_LATENTS = "not_latents"  # a member is no array of the codec's shape
    NOT_FINITE = "not_finite"  # latents that float16 cannot hold
    MISSING_FIELD = "missing_field"
    WRONG_FIELD = "wrong_field"  # of the JSON: another type, or no number that it could be


class SampleFault(Exception):
    """`where` is the shard, and the sample where one is meant; `detail` is for a person."""

    def __init__(self, reason: Fault, where: str, detail: str) -> None:
        super().__init__(reason, where, detail)
        self.reason, self.where, self.detail = reason, where, detail

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}: {self.detail}"


class TooManyFaults(Exception):
    """More samples are faulty than a run may pass over."""


OnFault = Callable[[SampleFault, int], None]  # a fault, and how many samples have been read up to it


def stop(fault: SampleFault, read: int) -> None:
    """The policy that passes over nothing."""
    raise fault


class Skipping:
    """The policy that passes over faulty samples and counts them, as long as they are not more than a share.

    Of fewer than 1,000 samples so many may be faulty as of 1,000, so that one early fault does not end a run.
    """

    def __init__(self, most: float) -> None:
        self.most = most
        self.counts: Counter[Fault] = Counter()

    def __call__(self, fault: SampleFault, read: int) -> None:
        """Raises TooManyFaults."""
        self.counts[fault.reason] += 1
        if self.counts.total() > self.most * max(read, FEW):
            counts = ", ".join(f"{count} {reason}" for reason, count in self.counts.most_common())
            raise TooManyFaults(
                f"of {read} samples {self.counts.total()} are faulty ({counts}), and no more than "
                f"{self.most:.2%} may be; the last one is {fault}"
            ) from fault
