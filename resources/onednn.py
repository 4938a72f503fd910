"""Matrix products by oneDNN, where torch on a CPU would ask MKL for them: on AMD's processors that is half as fast.

Within `torch.inference_mode()`, in float32. The products are the same but for the order in which terms are added.
Needs torch.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

aten = torch.ops.aten
ROWS = 384  # of the scores of attention that are held at a time: a few megabytes, as fit into a cache


def is_available() -> bool:
    return torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")


class OneDnn(TorchDispatchMode):
    """While it is entered, what this thread computes on the host goes to oneDNN where that is faster."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        other = OTHERS.get(func)
        done = other(*args, **(kwargs or {})) if other else None
        return func(*args, **(kwargs or {})) if done is None else done


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor | None:
    """x weightᵀ + bias: … c, m c -> … m."""
    return _product(x, weight, bias) if _fits(x, weight) else None


def attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    **_: Any,
) -> Tensor | None:
    """b h n d, head by head, some rows at a time. No masks."""
    if dropout_p or is_causal or attn_mask is not None or query.dim() != 4 or not _fits(query, key, value):
        return None
    query = query * (query.shape[-1] ** -0.5 if scale is None else scale)
    out = torch.empty_like(query)
    for b in range(query.shape[0]):
        for h in range(query.shape[1]):
            keys, values = key[b, h].contiguous(), value[b, h].t().contiguous()
            for rows, made in zip(query[b, h].split(ROWS), out[b, h].split(ROWS), strict=True):
                made.copy_(_product(_product(rows.contiguous(), keys).softmax(-1), values))
    return out


def _product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")


def _fits(*tensors: Tensor) -> bool:
    return all(tensor.dtype == torch.float32 and tensor.device.type == "cpu" for tensor in tensors)


OTHERS: dict[Any, Callable[..., Any]] = {
    aten.linear.default: linear,
    aten.scaled_dot_product_attention.default: attention,
}
