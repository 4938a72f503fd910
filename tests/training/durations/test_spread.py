"""How likely each way is to share time out."""

import pytest
import torch
from torch import Tensor
from torch.distributions import MultivariateNormal

from training.durations.parts import LEAST_S
from training.durations.spread import Spread

STRETCH = torch.tensor([[1, 1, 1, 0, 2, 2, 2, 2, 0]])  # two stretches, with a pinned line between, and padding
SPARE_S = torch.tensor([[7.0, 12.0]], dtype=torch.float64)


def spread(sways: int = 2, seed: int = 0) -> Spread:
    g = torch.Generator().manual_seed(seed)
    k = STRETCH.shape[1]
    return Spread(
        centre=torch.randn(1, k, generator=g),
        deviation=0.2 + torch.rand(1, k, generator=g),
        sway=0.5 * torch.randn(1, k, sways, generator=g),
        stretch=STRETCH,
        spare_s=SPARE_S,
    )


def ratios(excess_s: Tensor) -> Tensor:
    """Logarithms of what parts have to the first of their stretch."""
    logs = excess_s.log()
    return torch.cat((logs[..., 1:3] - logs[..., :1], logs[..., 5:8] - logs[..., 4:5]), dim=-1)


def normal_of_ratios(of: Spread) -> MultivariateNormal:
    contrast = torch.zeros(5, STRETCH.shape[1])
    for row, (part, first) in enumerate([(1, 0), (2, 0), (5, 4), (6, 4), (7, 4)]):
        contrast[row, part], contrast[row, first] = 1, -1
    covariance = torch.diag(of.deviation[0] ** 2) + of.sway[0] @ of.sway[0].T
    return MultivariateNormal(contrast @ of.centre[0], contrast @ covariance @ contrast.T)


def test_the_loss_is_that_of_a_normal_over_the_logarithms_of_ratios():
    of = spread()
    lengths_s = torch.tensor([[1.0, 3.0, 3.06, 2.0, 0.5, 4.0, 2.5, 5.08, 0.0]], dtype=torch.float64)
    wanted = -normal_of_ratios(of).log_prob(ratios((lengths_s - LEAST_S)[0].float())) / 7
    assert of.loss(lengths_s).item() == pytest.approx(wanted.item(), abs=1e-4)


def test_draws_are_as_the_loss_believes():
    of = spread()
    drawn = ratios(of.draw(40_000, torch.Generator().manual_seed(1))[:, 0] - LEAST_S)
    normal = normal_of_ratios(of)
    assert drawn.mean(dim=0).tolist() == pytest.approx(normal.mean.tolist(), abs=0.03)
    assert drawn.T.cov().flatten().tolist() == pytest.approx(normal.covariance_matrix.flatten().tolist(), abs=0.06)


def test_every_draw_fills_each_stretch_and_leaves_no_part_without_time():
    lengths_s = spread().draw(100, torch.Generator().manual_seed(2))
    for stretch, spare_s in enumerate(SPARE_S[0], 1):
        inside = lengths_s[..., STRETCH[0] == stretch]
        assert inside.min() >= LEAST_S
        wanted_s = spare_s.item() + LEAST_S * inside.shape[-1]
        assert inside.sum(dim=-1).flatten().tolist() == pytest.approx([wanted_s] * 100, abs=1e-9)
    assert not lengths_s[..., STRETCH[0] == 0].any()


def test_the_mean_is_that_of_draws_and_fills_each_stretch():
    of = spread()
    drawn = of.draw(20_000, torch.Generator().manual_seed(3)).mean(dim=0)
    assert of.mean()[0].tolist() == pytest.approx(drawn[0].tolist(), abs=0.15)
    assert of.mean().sum().item() == pytest.approx(SPARE_S.sum().item() + 7 * LEAST_S)


def test_a_song_that_is_wholly_pinned_costs_nothing():
    of = spread()
    none = Spread(of.centre, of.deviation, of.sway, torch.zeros_like(STRETCH), SPARE_S[:, :0])
    assert none.loss(torch.ones(1, STRETCH.shape[1], dtype=torch.float64)).item() == 0
    assert not none.mean().any()


def test_a_gap_of_no_length_can_be_learnt_from():
    of = spread()
    of.centre.requires_grad_()
    of.loss(torch.zeros(1, STRETCH.shape[1], dtype=torch.float64)).sum().backward()
    assert of.centre.grad is not None
    assert of.centre.grad.isfinite().all()
