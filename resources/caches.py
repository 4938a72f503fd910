"""Where what can be made or fetched again is kept on this machine."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """$XDG_CACHE_HOME/melisma, else ~/.cache/melisma."""
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "melisma"
