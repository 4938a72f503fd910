"""How ranks share a model: each has all of it (DDP), or each a part of every weight (FSDP2)."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.nn.parallel import DistributedDataParallel

from training.model import SongModel
from training.run.ranks import Ranks
from training.run.settings import RunSettings


def shared(model: SongModel, settings: RunSettings, ranks: Ranks) -> nn.Module:
    """The model as its ranks train it. All must come with the same weights.

    Raises:
        ValueError: there are several ranks, and they are not to share the model.
    """
    model.to(ranks.device)
    if settings.compile:
        model.dit.compile()
    if not ranks.together:
        return model
    if settings.parallel == "fsdp":
        return _sharded(model, settings, ranks)
    if settings.parallel == "ddp":
        return DistributedDataParallel(model)
    raise ValueError(f"{ranks.world} ranks that do not share the model: set `parallel` to ddp or fsdp")


def computing(settings: RunSettings, ranks: Ranks) -> AbstractContextManager[object]:
    """The precision that a forward pass is in. FSDP casts by itself."""
    if settings.precision == "float32" or (ranks.together and settings.parallel == "fsdp"):
        return nullcontext()
    return torch.autocast(torch.device(ranks.device).type, torch.bfloat16)


@contextmanager
def syncing(model: nn.Module, now: bool) -> Iterator[None]:
    """Whether the gradients of a backward pass are summed over ranks at once, or wait for a later pass."""
    if isinstance(model, FSDPModule):
        model.set_requires_gradient_sync(now)
        yield
    elif isinstance(model, DistributedDataParallel) and not now:
        with model.no_sync():
            yield
    else:
        yield


def bare(model: nn.Module) -> SongModel:
    """The song model itself, with its own names of weights."""
    inner = model.module if isinstance(model, DistributedDataParallel) else model
    assert isinstance(inner, SongModel)
    return inner


def _sharded(model: SongModel, settings: RunSettings, ranks: Ranks) -> nn.Module:
    mesh = init_device_mesh(torch.device(ranks.device).type, (ranks.world,))
    half = torch.bfloat16 if settings.precision == "bfloat16" else None
    # Inputs stay as they are: a noise level in half precision would be another one.
    policy = MixedPrecisionPolicy(param_dtype=half, reduce_dtype=torch.float32, cast_forward_inputs=False)
    for block in model.dit.blocks:
        fully_shard(block, mesh=mesh, mp_policy=policy)
    fully_shard(model, mesh=mesh, mp_policy=policy)
    return model
