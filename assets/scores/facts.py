"""How far a measured tempo or key agrees with the true one."""

import re

TOLERANCE = 0.04
COUNTED = (1.0, 2.0, 1 / 2, 3.0, 1 / 3)  # the same beat, counted twice or three times as fast or slow
NOTES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
KEY = re.compile(r"\s*([A-G])([#b♯♭]?)\s*(major|minor)\s*")


def tempo_agrees(true_bpm: float, found_bpm: float | None) -> bool:
    """Whether a tempo is the true one, within 4 %."""
    return found_bpm is not None and abs(found_bpm - true_bpm) <= TOLERANCE * true_bpm


def beat_agrees(true_bpm: float, found_bpm: float | None) -> bool:
    """Whether a tempo is the true one or a multiple of it, within 4 %: twice, half, three times or a third."""
    return any(tempo_agrees(times * true_bpm, found_bpm) for times in COUNTED)


def key_agreement(true: str, found: str | None) -> float:
    """0 to 1, weighted as MIREX does: the key 1, its fifth 0.5, the relative key 0.3, the parallel one 0.2.

    Keys are written like "Bb minor"; None where none was found.

    Raises:
        ValueError: what was given is no key.
    """
    if found is None:
        return 0.0
    (true_tonic, true_mode), (tonic, mode) = _parts(true), _parts(found)
    up = (tonic - true_tonic) % 12
    if mode == true_mode:
        return {0: 1.0, 7: 0.5}.get(up, 0.0)
    relative = 9 if mode == "minor" else 3
    return {relative: 0.3, 0: 0.2}.get(up, 0.0)


def _parts(key: str) -> tuple[int, str]:
    if not (found := KEY.fullmatch(key)):
        raise ValueError(f"no key is called {key!r}: write it like 'Bb minor'")
    note, accidental, mode = found.groups()
    return NOTES[note] + {"": 0, "#": 1, "♯": 1}.get(accidental, -1), mode
