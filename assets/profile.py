"""The profile: one file that says with which settings and models everything is made.

What counts, from the least to the most: the defaults of each room's settings; `production.toml` beside this file, where
`profile` is production; the profile's own lines; the environment, as MELISMA_STEMS__SEPARATOR__DEVICE=cuda; and, for
the assets of one run, Dagster's launchpad.
"""

import os
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assets.captions.settings import CaptionSettings
from assets.catalogue.settings import CatalogueSettings
from assets.lyrics.settings import LyricsSettings
from assets.manifest.settings import ManifestSettings
from assets.models.settings import ModelsSettings
from assets.pages.settings import PageSettings
from assets.scores.settings import SampleSettings, ScoreSettings
from assets.shards.settings import ShardSettings
from assets.stems.settings import StemSettings
from assets.tracks.settings import TrackSettings
from assets.windows.settings import WindowSettings

HOUSE = Path(__file__).resolve().parents[1]
VARIABLE = "MELISMA_PROFILE"
PREFIX, INSIDE = "MELISMA_", "__"
OF_WEIGHTS = ("revision", "sha256", "language", "engine")  # what is true of one model's weights alone
PRESETS = {"embedded": None, "production": Path(__file__).parent / "production.toml"}


class ProfileError(ValueError):
    """The profile cannot be read; the message says where it is wrong."""


class Profile(BaseModel):
    """Settings of every room; what a section leaves out has its default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    profile: Literal["embedded", "production"] = Field("embedded", description="which models are used")
    store: str = Field(default="data", description="a folder, or s3://bucket/prefix")
    workers: int = Field(default=0, ge=0, description="worker processes; 0 for one a core")
    threads: int = Field(default=1, ge=1, description="threads of each worker")
    nightly_cron: str = Field(default="0 2 * * *", description="when the nightly schedule tops up")
    nightly_batches: int = Field(default=64, ge=1, description="batches that the nightly schedule tops up at most")
    truth: str = Field(default="demo", description="a folder of songs with known truth, which the data gate looks for")
    ratings: str = Field(default="data/ratings.sqlite", description="the file of what people thought of songs")
    manifest: ManifestSettings = ManifestSettings()
    tracks: TrackSettings = TrackSettings()
    catalogue: CatalogueSettings = CatalogueSettings()
    stems: StemSettings = StemSettings()
    lyrics: LyricsSettings = LyricsSettings()
    captions: CaptionSettings = CaptionSettings()
    windows: WindowSettings = WindowSettings()
    shards: ShardSettings = ShardSettings()
    pages: PageSettings = PageSettings()
    models: ModelsSettings = ModelsSettings()
    samples: SampleSettings = SampleSettings()
    scores: ScoreSettings = ScoreSettings()

    @property
    def store_root(self) -> str:
        """The store; a relative folder counts from the project."""
        return self.store if "://" in self.store else str(HOUSE / Path(self.store).expanduser())

    @property
    def runs_folder(self) -> Path:
        """Where training runs are; a relative folder counts from the project."""
        return HOUSE / Path(self.models.runs).expanduser()

    @property
    def ratings_file(self) -> Path:
        """Where ratings are; a relative file counts from the project."""
        return HOUSE / Path(self.ratings).expanduser()

    @property
    def worker_count(self) -> int:
        return self.workers or max(1, (os.cpu_count() or 1) // self.threads)


@cache
def profile() -> Profile:
    """The profile as the environment has it. MELISMA_PROFILE is a file, or the name of a preset for `melisma.toml`.

    Raises:
        ProfileError: it cannot be read.
    """
    named = os.environ.get(VARIABLE, "")
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
    if named in PRESETS:
        environment[f"{PREFIX}PROFILE"] = named
    path = Path(named) if named and named not in PRESETS else HOUSE / "melisma.toml"
    return read_profile(path, environment)


def read_profile(path: Path, environment: Mapping[str, str] | None = None) -> Profile:
    """The profile in a file (.toml, .yaml), with what the environment says otherwise. Raises ProfileError, in words."""
    said = _said_in(environment or {})
    try:
        own = _merged(_parsed(path), said)
        preset = PRESETS.get(str(own.get("profile", "embedded")))
        return Profile.model_validate(_merged(_without_strangers(_parsed(preset), own), own) if preset else own)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise ProfileError(f"{path}{f', or {PREFIX}…' if said else ''}: {faults}") from None


def _parsed(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        parsed = yaml.safe_load(text) if path.suffix in (".yaml", ".yml") else tomllib.loads(text)
    except FileNotFoundError:
        presets = " or ".join(PRESETS)
        raise ProfileError(f"there is no profile {path}; set {VARIABLE} to a file, {presets}, or unset it") from None
    except (tomllib.TOMLDecodeError, yaml.YAMLError) as error:
        kind = "YAML" if path.suffix in (".yaml", ".yml") else "TOML"
        raise ProfileError(f"{path} is not {kind}: {error}") from None
    if not isinstance(parsed or {}, dict):
        raise ProfileError(f"{path} holds no settings: it should have lines such as store: data")
    return parsed or {}


def _without_strangers(preset: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """The preset without what it says of a model's weights where `own` names another model, or weights of its own."""
    kept = dict(preset)
    for name, value in own.items():
        under = kept.get(name)
        if isinstance(value, Mapping) and isinstance(under, Mapping):
            inner = _without_strangers(under, value)
            other = value.get("model", under.get("model")) != under.get("model") or value.get("weights")
            kept[name] = {k: v for k, v in inner.items() if k not in OF_WEIGHTS} if other else inner
    return kept


def _said_in(environment: Mapping[str, str]) -> dict[str, Any]:
    """Settings in environment variables, nested. A value is read as in TOML, and as a text where it is none."""
    said: dict[str, Any] = {}
    for variable, text in environment.items():
        if variable.startswith(PREFIX):
            *rooms, name = variable.removeprefix(PREFIX).lower().split(INSIDE)
            inner = said
            for room in rooms:
                inner = inner.setdefault(room, {})
                if not isinstance(inner, dict):
                    raise ProfileError(
                        f"{variable}: {room} is set as a whole by another variable: unset one of the two"
                    )
            inner[name] = _value_of(text)
    return said


def _value_of(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Both, section by section; where both say something, `over` counts."""
    merged = dict(under)
    for name, value in over.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(name), Mapping)
        merged[name] = _merged(merged[name], value) if both else value
    return merged
