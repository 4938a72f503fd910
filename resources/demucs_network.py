"""Demucs's networks, loaded without trusting the files, and cut down to the vocals. Needs torch and demucs.

Of the package `demucs` only the two classes are used, as they are. Letters: b batch, c stereo channel, n samples,
s sources.
"""

import inspect
import json
import pickle
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import torch
from demucs.hdemucs import HDemucs, MultiWrap
from demucs.htdemucs import HTDemucs
from torch import Tensor, nn

from resources.demucs_files import VOCALS, DemucsFiles
from resources.weights import WeightsError

CLASSES: dict[str, type[HTDemucs] | type[HDemucs]] = {
    "demucs.htdemucs.HTDemucs": HTDemucs,
    "demucs.hdemucs.HDemucs": HDemucs,
}
DEFAULTS = (("args", "[]"), ("kwargs", "{}"))
RATE_HZ = 44_100
Network = HTDemucs | HDemucs
N = TypeVar("N", bound=HTDemucs | HDemucs)


class Vocals(nn.Module):
    """The vocals of stereo segments, as the weighted mean of what each network finds: b c n -> b c n."""

    def __init__(self, networks: Sequence[Network], weights: Sequence[float]) -> None:
        """Changes the networks: what they have for other sources is taken out, where that can be done.

        Raises:
            WeightsError: they hear segments of different lengths.
        """
        super().__init__()
        forms = {(segment_length(network), pads(network)) for network in networks}
        if len(forms) > 1:
            raise WeightsError("the networks of this bag hear segments of different lengths: choose one of them")
        ((self.length, self.pads),) = forms
        cut = [only_vocals(network) for network in networks]
        self.networks = nn.ModuleList(cut)
        self.places = [network.sources.index("vocals") for network in cut]
        self.weights = [float(weight) for weight in weights]

    def forward(self, mix: Tensor) -> Tensor:
        found = [
            network(mix)[:, place] * weight  # b s c n -> b c n
            for network, place, weight in zip(self.networks, self.places, self.weights, strict=True)
        ]
        return sum(found[1:], found[0]) / sum(self.weights)


def segment_length(network: Network) -> int:
    return int(network.samplerate * network.segment)


def pads(network: Network) -> bool:
    """Whether it wants even the last segment of a track at full length."""
    return isinstance(network, HTDemucs) and bool(network.use_train_segment)


def load_vocals(files: DemucsFiles) -> Vocals:
    """The networks that `files` names, ready to run, in float32 on the host.

    Raises:
        WeightsError: a file holds something else than a Demucs network of 44.1 kHz stereo that knows vocals.
    """
    # Torch's fast path for attention writes the whole matrix of scores; without it the same attention runs in tiles,
    # and a segment of htdemucs takes a seventh less time on a CPU.
    torch.backends.mha.set_fastpath_enabled(False)
    networks = [load_network(member.path) for member in files.members]
    if files.segment_s is not None:
        for network in networks:
            # As `demucs.apply.BagOfModels` has it: a transformer is never given more than it was trained on.
            if not isinstance(network, HTDemucs) or files.segment_s <= network.segment:
                network.segment = files.segment_s
    return Vocals(networks, [member.weight for member in files.members]).eval().requires_grad_(False)


def load_network(path: Path) -> Network:
    """The network in a .th or .safetensors checkpoint, all its sources.

    Raises:
        WeightsError: see `load_vocals`.
    """
    package = _read_safetensors(path) if path.suffix == ".safetensors" else _read_pickle(path)
    kind, args, kwargs, state = (package.get(key) for key in ("klass", "args", "kwargs", "state"))
    if kind is None or kind not in CLASSES.values() or not isinstance(state, Mapping):
        raise WeightsError(f"{path} holds no HTDemucs or HDemucs")
    if "__quantized" in state:
        raise WeightsError(f"{path} is quantised with diffq, which needs code from outside: take an unquantised model")
    known = inspect.signature(kind).parameters  # settings of training that newer versions dropped come along
    try:
        kept = {name: value for name, value in (kwargs or {}).items() if name in known}
        network: Network = kind(*(args or ()), **kept)
        network.load_state_dict(state)  # halves become float32 here
    except (TypeError, ValueError, AttributeError, AssertionError, RuntimeError) as error:
        raise WeightsError(f"{path} does not fit its own {kind.__name__}: {_cause(error)}") from None
    if (network.samplerate, network.audio_channels) != (RATE_HZ, 2):
        raise WeightsError(f"{path} hears {network.audio_channels} channels at {network.samplerate} Hz, not 2 at 44100")
    if "vocals" not in network.sources or network.sources.index("vocals") != VOCALS:
        raise WeightsError(f"{path} separates {', '.join(network.sources)}: vocals should be the fourth")
    return network


def _read_pickle(path: Path) -> Mapping[str, Any]:
    """A checkpoint as `demucs.states.serialize_model` makes it; nothing in it is run but what is listed here."""
    try:
        with torch.serialization.safe_globals([*CLASSES.values(), Fraction]):
            package = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
        raise WeightsError(f"{path} is damaged, or holds more than a Demucs network: {_cause(error)}") from None
    return package if isinstance(package, Mapping) else {}


def _read_safetensors(path: Path) -> Mapping[str, Any]:
    """A checkpoint as the hub has it: the class and its arguments are JSON in the metadata."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="pt") as file:
            facts = file.metadata() or {}
            state: dict[str, Any] = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 -- no mapping
        args, kwargs = (_decoded(json.loads(facts.get(key) or empty)) for key, empty in DEFAULTS)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, ZeroDivisionError) as error:
        raise WeightsError(f"{path} is damaged: {_cause(error)}") from None
    if "structure" in facts:  # of nested states, which only quantisation has
        state["__quantized"] = True
    return {"klass": CLASSES.get(facts.get("klass", "")), "args": args, "kwargs": kwargs, "state": state}


def _decoded(value: Any) -> Any:
    """JSON to what a network is made with: fractions are objects there."""
    if isinstance(value, dict):
        if value.get("_type") == "fraction":
            return Fraction(value["numerator"], value["denominator"])
        return {key: _decoded(item) for key, item in value.items()}
    return [_decoded(item) for item in value] if isinstance(value, list) else value


def _cause(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def only_vocals(network: N) -> N:
    """The same network without the last layers' channels for other sources: the same vocals for less work.

    Wiener filtering and a norm over all channels mix the sources once more; such a network stays as it is.
    """
    last = [network.decoder[-1]]
    if isinstance(network, HTDemucs) or network.hybrid:
        last.append(network.tdecoder[-1])
    layers = [layer for one in last for layer in (one.layers if isinstance(one, MultiWrap) else [one])]
    if not network.cac or any(not isinstance(layer.norm2, nn.Identity) for layer in layers):
        return network
    place, sources = network.sources.index("vocals"), len(network.sources)
    for layer in layers:
        made: Any = layer.conv_tr
        channels = made.out_channels // sources
        kept = slice(place * channels, (place + 1) * channels)
        made.weight = nn.Parameter(made.weight[:, kept].detach().clone())  # in, out, …
        made.bias = nn.Parameter(made.bias[kept].detach().clone())
        made.out_channels = channels
    network.sources = ["vocals"]
    return network
