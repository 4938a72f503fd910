"""What a model is, as far as versions are concerned: importing this costs nothing."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """Names one set of weights and how it is run. Whatever changes its results is in here."""

    name: str
    package: str
    weights_sha256: str
    parameters: tuple[tuple[str, str | int | float | bool], ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "parameters": dict(self.parameters)}
