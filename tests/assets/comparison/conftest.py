"""A store with shards and their latents."""

import pytest

from resources.ledger import Ledger
from resources.stores import FolderStore


@pytest.fixture
def corpus(latents: tuple[FolderStore, str]) -> Ledger:
    return Ledger(latents[0])
