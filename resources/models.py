"""What a model is, as far as versions are concerned, and how one is chosen: importing this loads no model."""

from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, field_validator

Precision = Literal["float32", "float16", "bfloat16", "int8"]
Parameters = tuple[tuple[str, str | int | float | bool], ...]


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """Names one set of weights and how it is run. Whatever changes its results is in here."""

    name: str
    package: str  # where the weights come from: a pip package, a repository of the hub, a file
    weights_sha256: str
    parameters: Parameters = ()
    revision: str = ""  # the commit of a repository of the hub

    def as_json(self) -> dict[str, Any]:
        """What results depend on: not on where the weights lie, which is another place on another machine."""
        named = {name: value for name, value in asdict(self).items() if name != "package"}
        return {**named, "parameters": dict(self.parameters)}

    def as_row(self, role: str) -> dict[str, str]:
        """What a table's row says of a model that had a part in it."""
        return {
            "role": role,
            "name": self.name,
            "package": self.package,
            "revision": self.revision,
            "sha256": self.weights_sha256,
        }


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model as this machine has it: what it is, where its weights lie, and on what it is to run.

    Device and batch are no part of what it is: they change nothing but how its results are rounded.
    """

    spec: ModelSpec
    path: Path | None = None  # None where the weights come with a package, or are not here yet
    device: str = "cpu"
    batch: int = 1
    tracks_at_once: int = 1


class ModelUnavailable(Exception):
    """A model cannot be used here: one sentence that says why, and what to do."""


def here(model: LocalModel) -> Path:
    """Where its weights lie. Raises ModelUnavailable: they have not been fetched."""
    if model.path is None:
        raise ModelUnavailable(f"the weights of {model.spec.name} are not on this machine: fetch them first")
    return model.path


def check_installed(*packages: str, extra: str = "production") -> None:
    """Raises ModelUnavailable where a package is not there that comes with an extra."""
    for package in packages:
        if find_spec(package) is None:
            raise ModelUnavailable(f"{package} is not installed here: pip install -e '.[{extra}]'")


class ModelChoice(BaseModel):
    """Which model fills a role, where its weights are, and on what it runs."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)  # a hash may be all digits

    model: str = Field(description="Its name.")
    weights: str = Field("", description="A folder or a file with its weights; empty: its pip package, or the hub.")
    revision: str = Field(
        "", description="Commit on the hub; empty: what is in the hub's cache here, or else the newest."
    )
    sha256: str = Field("", description="What the weights must hash to; empty: what is published, where that is known.")
    device: str = Field("cpu", description="cpu, cuda (a worker for each GPU) or cuda:0.")
    precision: Precision = Field("float32", description="Of the numbers it computes with.")
    batch: PositiveInt = Field(1, description="How much is computed at once, where the model can.")
    tracks_at_once: PositiveInt = Field(
        1,
        description="Tracks that a worker has under way: they share batches, and files are read meanwhile.",
    )

    def only_on_the_cpu(self) -> None:
        """Raises ValueError where a model that runs on nothing else is to run elsewhere."""
        if self.device != "cpu" or self.precision != "float32":
            raise ValueError(f"{self.model} runs on the cpu in float32, not on {self.device} in {self.precision}")

    @field_validator("device")
    @classmethod
    def _known_device(cls, device: str) -> str:
        kind, _, number = device.partition(":")
        if kind not in ("cpu", "cuda") or (number and (kind == "cpu" or not number.isdigit())):
            raise ValueError(f"{device!r} is no device; there is cpu, cuda and cuda:0, cuda:1, …")
        return device

    def local(self, spec: ModelSpec, path: Path | None = None) -> LocalModel:
        """The model that was chosen, once it is known what it is and where it lies."""
        return LocalModel(spec, path, self.device, self.batch, self.tracks_at_once)
