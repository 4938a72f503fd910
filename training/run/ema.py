"""The moving average of a model's weights, which samples better than the weights themselves.

Weights may be whole or sharded over ranks: an average of shards is the shard of the average.
"""

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor


class Ema:
    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights: dict[str, Tensor] = {name: weight.detach().clone() for name, weight in model.named_parameters()}

    @torch.no_grad()
    def follow(self, model: nn.Module, step: int) -> None:
        """After step number `step`, from 1. In the first steps the average follows faster, or it would stay where the
        weights began."""
        decay = min(self.decay, step / (step + 9))
        for name, weight in model.named_parameters():
            _local(self.weights[name]).lerp_(_local(weight), 1 - decay)

    def whole(self, keep: bool = True) -> dict[str, Tensor]:
        """All weights, on the CPU. All ranks have to ask where they are sharded, and those get none that keep none."""
        gathered = ((name, _whole(weight)) for name, weight in self.weights.items())
        return {name: weight.cpu() for name, weight in gathered if keep}


def _local(weight: Tensor) -> Tensor:
    return weight.to_local() if isinstance(weight, DTensor) else weight


def _whole(weight: Tensor) -> Tensor:
    return weight.full_tensor() if isinstance(weight, DTensor) else weight
