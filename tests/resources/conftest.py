"""Small Demucs networks with random weights, and how they are saved."""

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

SOURCES = ["drums", "bass", "other", "vocals"]


@pytest.fixture(scope="session")
def demucs_network() -> Callable[..., Any]:
    """Makes a network of the real class, small and random: demucs_network("HTDemucs", seed=0, segment=…, …)."""

    def make(kind: str = "HTDemucs", seed: int = 0, **changes: Any) -> Any:
        import torch
        from demucs.hdemucs import HDemucs
        from demucs.htdemucs import HTDemucs

        small: dict[str, Any] = {"channels": 4, "segment": Fraction(1, 2), "dconv_comp": 2}
        if kind == "HTDemucs":
            small |= {"bottom_channels": 16, "t_layers": 1, "t_heads": 2}
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return {"HTDemucs": HTDemucs, "HDemucs": HDemucs}[kind](SOURCES, **(small | changes)).eval()

    return make


@pytest.fixture(scope="session")
def save_th() -> Callable[..., Path]:
    """Saves a network as `demucs.states` does, checksum in its name: save_th(network, folder, "sig", half=False)."""

    def save(network: Any, folder: Path, signature: str, *, half: bool = False, **more: Any) -> Path:
        from demucs.states import get_state, save_with_checksum

        args, kwargs = network._init_args_kwargs
        training = {"optim": {"lr": 3e-4, "betas": [0.9, 0.999]}, "seed": 42, "dummy": None}  # as OmegaConf gives it
        state = get_state(network, None, half=half)
        package = {"klass": type(network), "args": args, "kwargs": kwargs, "state": state, "training_args": training}
        save_with_checksum(package | more, folder / f"{signature}.th")
        return next(folder.glob(f"{signature}-*.th"))

    return save


@pytest.fixture(scope="session")
def save_safetensors() -> Callable[..., Path]:
    """Saves a network as the hub has it: save_safetensors(network, folder, "sig", **metadata)."""

    def save(network: Any, folder: Path, signature: str, **metadata: str) -> Path:
        from safetensors.torch import save_file

        def encoded(value: Any) -> Any:
            if isinstance(value, Fraction):
                return {"_type": "fraction", "numerator": value.numerator, "denominator": value.denominator}
            return value

        args, kwargs = network._init_args_kwargs
        facts = {
            "klass": f"{type(network).__module__}.{type(network).__name__}",
            "args": json.dumps([encoded(value) for value in args]),
            "kwargs": json.dumps({name: encoded(value) for name, value in kwargs.items()}),
        }
        path = folder / f"{signature}.safetensors"
        save_file({name: value.contiguous() for name, value in network.state_dict().items()}, path, facts | metadata)
        return path

    return save
