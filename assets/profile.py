"""The profile: one file that says with which settings and models everything is made."""

import os
import tomllib
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assets.captions.settings import CaptionSettings
from assets.catalogue.settings import CatalogueSettings
from assets.lyrics.settings import LyricsSettings
from assets.manifest.settings import ManifestSettings
from assets.pages.settings import PageSettings
from assets.shards.settings import ShardSettings
from assets.stems.settings import StemSettings
from assets.tracks.settings import TrackSettings
from assets.windows.settings import WindowSettings

HOUSE = Path(__file__).resolve().parents[1]
VARIABLE = "MELISMA_PROFILE"


class ProfileError(ValueError):
    """The profile cannot be read; the message says where it is wrong."""


class Profile(BaseModel):
    """Settings of every room; what a section leaves out has its default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    store: str = Field(default="data", description="a folder, or s3://bucket/prefix")
    workers: int = Field(default=0, ge=0, description="worker processes; 0 for one a core")
    threads: int = Field(default=1, ge=1, description="threads of each worker")
    nightly_cron: str = Field(default="0 2 * * *", description="when the nightly schedule tops up")
    nightly_batches: int = Field(default=64, ge=1, description="batches that the nightly schedule tops up at most")
    truth: str = Field(default="demo", description="a folder of songs with known truth, which the data gate looks for")
    manifest: ManifestSettings = ManifestSettings()
    tracks: TrackSettings = TrackSettings()
    catalogue: CatalogueSettings = CatalogueSettings()
    stems: StemSettings = StemSettings()
    lyrics: LyricsSettings = LyricsSettings()
    captions: CaptionSettings = CaptionSettings()
    windows: WindowSettings = WindowSettings()
    shards: ShardSettings = ShardSettings()
    pages: PageSettings = PageSettings()

    @property
    def store_root(self) -> str:
        """The store; a relative folder counts from the project."""
        return self.store if "://" in self.store else str(HOUSE / Path(self.store).expanduser())

    @property
    def worker_count(self) -> int:
        return self.workers or max(1, (os.cpu_count() or 1) // self.threads)


@cache
def profile() -> Profile:
    """The profile that MELISMA_PROFILE names, or the project's `melisma.toml`. Raises ProfileError."""
    return read_profile(Path(os.environ.get(VARIABLE) or HOUSE / "melisma.toml"))


def read_profile(path: Path) -> Profile:
    """Raises ProfileError, in words."""
    try:
        return Profile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ProfileError(f"there is no profile {path}; set {VARIABLE} to a file, or unset it") from None
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"{path} is not TOML: {error}") from None
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise ProfileError(f"{path}: {faults}") from None
