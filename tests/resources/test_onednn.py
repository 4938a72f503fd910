"""Products by oneDNN: what torch makes of them itself."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from resources.onednn import ROWS, OneDnn, is_available


def random(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(len(shape)))


def both(work):
    """What torch makes of it, and what comes out within `OneDnn`."""
    with torch.inference_mode():
        plain = work()
        with OneDnn():
            return plain, work()


def test_torch_has_what_it_takes():
    assert is_available()


@pytest.mark.parametrize("shape", [(7,), (3, 7), (2, 3, 7), (0, 7)])
@pytest.mark.parametrize("bias", [random(5), None])
def test_a_linear_layer_is_the_same(shape, bias):
    torch.testing.assert_close(*both(lambda: F.linear(random(*shape), random(5, 7), bias)))


def test_a_linear_layer_over_what_does_not_lie_in_order_is_the_same():
    torch.testing.assert_close(*both(lambda: F.linear(random(4, 7, 3).mT, random(9, 5, 7)[4], random(5))))


@pytest.mark.parametrize(("heard", "asked"), [(5, 5), (5, ROWS - 1), (2 * ROWS + 3, 9), (40, ROWS + 1)])
def test_attention_is_the_same(heard, asked):
    query, key, value = random(2, 3, asked, 8), random(2, 3, heard, 8), random(2, 3, heard, 8) + 1
    torch.testing.assert_close(*both(lambda: F.scaled_dot_product_attention(query, key, value)))
    torch.testing.assert_close(*both(lambda: F.scaled_dot_product_attention(query, key, value, scale=0.5)))


@pytest.mark.parametrize("options", [{"is_causal": True}, {"attn_mask": torch.tril(torch.ones(6, 6)).bool()}])
def test_masked_attention_is_left_to_torch(options):
    query, key, value = random(1, 2, 6, 8), random(1, 2, 6, 8), random(1, 2, 6, 8) + 1
    plain, other = both(lambda: F.scaled_dot_product_attention(query, key, value, **options))
    assert torch.equal(plain, other)


def test_other_numbers_than_float32_are_left_to_torch():
    plain, other = both(lambda: F.linear(random(3, 7).double(), random(5, 7).double()))
    assert torch.equal(plain, other)


def test_a_transformer_is_the_same():
    layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True).eval()
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        torch.testing.assert_close(*both(lambda: layer(random(2, 50, 32))))
    finally:
        torch.backends.mha.set_fastpath_enabled(before)
