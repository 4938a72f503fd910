"""Twelve clips: three systems that answer four requests, each a tone of its own."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from assets.ratings.clips import RatedClip
from resources.ffmpeg import encode

SYSTEMS, ITEMS = ("run-secret-one", "run-secret-two", "real"), ("item-p", "item-q", "item-r", "item-s")


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[RatedClip]:
    folder = tmp_path_factory.mktemp("clips")
    made = []
    for number, (system, item) in enumerate((system, item) for system in SYSTEMS for item in ITEMS):
        time_s = np.arange(22_050) / 22_050
        sound = (0.02 + 0.05 * number) * np.sin(2 * np.pi * (200 + 40 * number) * time_s)
        encode(folder / f"{system}-{item}.flac", [sound[:, None].astype(np.float32)], 22_050)
        prompt = f"{item} <b>&</b>"
        made.append(RatedClip(system, item, prompt, "la la\nla", folder / f"{system}-{item}.flac"))
    return made


@pytest.fixture(scope="session")
def rater() -> Callable[[int], str]:
    return lambda number: f"{number:016x}"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ratings.sqlite"
