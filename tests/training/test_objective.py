import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from training.objective import Objective, draw_times, loss_of
from training.settings import ObjectiveSettings

KINDS = list(Objective)


def latents(seed: int = 0) -> torch.Tensor:
    return torch.randn(3, 7, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("objective", KINDS)
@given(st.lists(st.floats(0, 1), min_size=3, max_size=3))
def test_what_is_said_leads_back_to_the_latent_and_its_noise(objective: Objective, times: list[float]):
    x, noise, t = latents(0), latents(1), torch.tensor(times, dtype=torch.float64)
    x_t, target = objective.noisy(x, noise, t)
    clean, left = objective.clean(x_t, target, t)
    torch.testing.assert_close(clean, x)
    torch.testing.assert_close(left, noise)


def test_v_is_alpha_noise_less_sigma_x():
    x, noise = latents(0), latents(1)
    t = torch.full((3,), 1 / 3, dtype=torch.float64)
    _, v = Objective.V.noisy(x, noise, t)
    torch.testing.assert_close(v, 3**0.5 / 2 * noise - x / 2)


@pytest.mark.parametrize("objective", KINDS)
def test_no_noise_is_the_latent_and_all_noise_has_none_of_it(objective: Objective):
    x, noise = latents(0), latents(1)
    torch.testing.assert_close(objective.noisy(x, noise, torch.zeros(3))[0], x)
    torch.testing.assert_close(objective.noisy(x, noise, torch.ones(3, dtype=torch.float64))[0], noise)


@given(st.sampled_from(["uniform", "logit-normal"]), st.floats(0.1, 10), st.floats(-2, 2))
def test_drawn_times_are_noise_levels(times: str, shift: float, centre: float):
    drawn = draw_times(ObjectiveSettings(times=times, shift=shift, centre=centre), 64, torch.Generator().manual_seed(0))
    assert ((drawn >= 0) & (drawn <= 1)).all()


def test_a_shift_above_one_prefers_noise():
    means = [
        draw_times(ObjectiveSettings(shift=shift), 999, torch.Generator().manual_seed(0)).mean() for shift in (1.0, 3.0)
    ]
    assert means[1] > means[0] + 0.15


def test_padding_has_no_part_in_the_loss():
    frames = torch.tensor([[True, True, False], [True, False, False]])
    said, target = torch.zeros(2, 3, 1), torch.tensor([[[1.0], [2.0], [99.0]], [[3.0], [99.0], [99.0]]])
    loss = loss_of(said, target, torch.tensor([0.05, 0.95]), frames)
    assert float(loss.mean) == pytest.approx((1 + 4 + 9) / 3)
    assert loss.each.tolist() == [2.5, 9.0]


def test_losses_are_told_apart_by_their_level_of_noise():
    counted = torch.ones(3, 1, dtype=torch.bool)
    loss = loss_of(
        torch.zeros(3, 1, 1), torch.tensor([[[1.0]], [[2.0]], [[3.0]]]), torch.tensor([0.05, 0.09, 1.0]), counted
    )
    sums, counts = loss.by_level()
    assert sums.tolist() == [5.0, *[0.0] * 8, 9.0]
    assert counts.tolist() == [2.0, *[0.0] * 8, 1.0]


def test_a_sample_without_frames_adds_nothing():
    loss = loss_of(torch.zeros(1, 2, 1), torch.ones(1, 2, 1), torch.zeros(1), torch.zeros(1, 2, dtype=torch.bool))
    assert (float(loss.total), int(loss.frames)) == (0.0, 0)
