"""A store with a batch of shards and their latents, and a profile's section that knows their codec."""

from pathlib import Path
from typing import Any

import pytest

from assets.models.settings import LaunchSettings, ModelsSettings
from resources.ledger import Ledger
from resources.stores import FolderStore
from training.stages import STAGES


@pytest.fixture
def models(small_codec: Any) -> ModelsSettings:
    return ModelsSettings(codecs={"small": small_codec, "mel": small_codec.model_copy(update={"bands": 48})})


@pytest.fixture
def corpus(latents: tuple[FolderStore, str]) -> Ledger:
    return Ledger(latents[0])


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def launch() -> Any:
    """What a launch of a stage says: launch("music", steps=4, …)."""
    return lambda stage, **said: LaunchSettings(stage=STAGES[stage], size="demo", codec="small", **said)
