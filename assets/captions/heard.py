"""A caption by a listener: asked about several stretches of a track, and believed only as far as can be checked."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assets.captions.answer import Answer
from assets.captions.believe import Tally, believed
from assets.captions.faults import Fault, judged
from assets.captions.merge import merged
from resources.captioners import Caption, Facts, Listener

PROMPT = Path(__file__).parent / "prompt.txt"
SECOND_TRY = 1  # the seed; the first answer is the likeliest one, and would only come again


@dataclass(frozen=True, slots=True)
class Heard:
    """The caption, None where nothing usable was answered, and what it rests on."""

    caption: Caption | None
    evidence: dict[str, Any]


@cache
def prompt() -> str:
    """What a listener is asked."""
    return PROMPT.read_text(encoding="utf-8").strip()


def hear(listener: Listener, windows: Sequence[NDArray[np.float32]], facts: Facts, artist: str | None) -> Heard:
    """Asks about every window (mono, 16 kHz), and once more, with a seed, where an answer is faulty."""
    first = [judged(text) for text in listener.listen(windows, prompt())]
    again = [window for window, answer in zip(windows, first, strict=True) if isinstance(answer, Fault)]
    second = [judged(text) for text in listener.listen(again, prompt(), SECOND_TRY)] if again else []
    faults = Counter(answer.value for answer in (*first, *second) if isinstance(answer, Fault))
    tally = Tally()
    answers = [believed(each, facts, artist, tally) for each in (*first, *second) if isinstance(each, Answer)]
    evidence = {
        "answers": len(answers),
        "retried": len(again),
        "faults": dict(sorted(faults.items())),
        "corrected": tally.corrected,
        "dropped": dict(sorted(tally.dropped.items())),
    }
    return Heard(merged(answers, facts), evidence)
