"""Which steps are not to be taken: those whose loss or gradient is no number, or whose loss jumps."""

from collections import deque
from enum import StrEnum
from math import isfinite
from statistics import median

from training.run.settings import GuardSettings


class Trouble(StrEnum):
    NOT_FINITE = "not_finite"
    SPIKE = "spike"


class TooMuchTrouble(Exception):
    """So many steps in a row could not be taken that going on makes no sense."""


class Guard:
    """Every rank has the same losses, and so comes to the same verdict."""

    def __init__(self, settings: GuardSettings) -> None:
        self.settings = settings
        self.losses: deque[float] = deque(maxlen=settings.remembered)
        self.skipped: dict[str, int] = {trouble.value: 0 for trouble in Trouble}
        self.in_a_row = 0

    def judge(self, loss: float, gradient: float) -> Trouble | None:
        """What is wrong with a step, if anything."""
        trouble = self._trouble(loss, gradient)
        if trouble is None:
            self.losses.append(loss)
            self.in_a_row = 0
            return None
        self.skipped[trouble] += 1
        self.in_a_row += 1
        return trouble

    def check(self, where: str) -> None:
        """Raises TooMuchTrouble: as many steps in a row as may be were skipped, up to somewhere in the data."""
        if self.in_a_row >= self.settings.in_a_row:
            raise TooMuchTrouble(
                f"{self.in_a_row} steps in a row were skipped, up to {where}: lower the learning rate, or look at the "
                "data there; what was saved before is whole"
            )

    def state(self) -> dict[str, object]:
        return {"losses": list(self.losses), "skipped": dict(self.skipped), "in_a_row": self.in_a_row}

    def load(self, state: dict[str, object]) -> None:
        losses, skipped, in_a_row = state["losses"], state["skipped"], state["in_a_row"]
        assert isinstance(losses, list) and isinstance(skipped, dict) and isinstance(in_a_row, int)
        self.losses = deque(losses, maxlen=self.settings.remembered)
        self.skipped, self.in_a_row = skipped, in_a_row

    def _trouble(self, loss: float, gradient: float) -> Trouble | None:
        if not (isfinite(loss) and isfinite(gradient)):
            return Trouble.NOT_FINITE
        full = len(self.losses) == self.settings.remembered
        if full and loss > self.settings.spike * median(self.losses):
            return Trouble.SPIKE
        return None
