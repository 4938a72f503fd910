"""The sampler is right if, led by a perfect model of a Gaussian, it ends in that Gaussian."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from training.guidance import V_I, Guidance, State, both
from training.objective import Objective
from training.sampler import noise_levels, sample, scheduler_of
from training.settings import SamplerSettings

MEAN, SPREAD = 2.5, 0.4
PAIRS = [(Objective.V, "ddim"), (Objective.V, "dpm"), (Objective.FLOW, "euler"), (Objective.FLOW, "dpm")]


def perfect(objective: Objective, mean: float = MEAN):
    """The model that knows that every number of a latent is drawn from N(MEAN, SPREAD²), and nothing else."""

    def says(x_t: Tensor, t: Tensor, states: Sequence[State]) -> list[Tensor]:
        alpha, sigma = (each[:, None, None].double() for each in objective.mix(t.double()))
        variance = (alpha * SPREAD) ** 2 + sigma**2
        x = mean + alpha * SPREAD**2 / variance * (x_t - alpha * mean)
        noise = sigma / variance * (x_t - alpha * mean)
        said = alpha * noise - sigma * x if objective is Objective.V else noise - x
        return [said.to(x_t.dtype)] * len(states)

    return says


def unit_noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("objective", "name"), PAIRS)
def test_a_perfect_model_ends_in_the_distribution_it_knows(objective: Objective, name: str):
    settings = SamplerSettings(scheduler=name, steps=100)
    found = sample(perfect(objective), unit_noise(8, 500, 2), settings, objective, Guidance(V_I))
    assert float(found.mean()) == pytest.approx(MEAN, abs=0.03)
    assert float(found.std()) == pytest.approx(SPREAD, rel=0.03)


@pytest.mark.parametrize(("objective", "name"), PAIRS)
def test_the_model_is_asked_from_all_noise_down(objective: Objective, name: str):
    levels = noise_levels(scheduler_of(SamplerSettings(scheduler=name, steps=20), objective), objective)
    assert len(levels) == 20
    assert float(levels[0]) == pytest.approx(1.0, abs=2e-3)
    assert (levels[1:] < levels[:-1]).all()
    assert 0 < levels[-1] < 0.1


@pytest.mark.parametrize(("objective", "name"), PAIRS)
def test_the_same_noise_gives_the_same_latents(objective: Objective, name: str):
    settings = SamplerSettings(scheduler=name, steps=8)
    one, other = (sample(perfect(objective), unit_noise(1, 9, 2), settings, objective, Guidance(V_I)) for _ in range(2))
    assert torch.equal(one, other)


def test_latents_beyond_one_are_not_clipped():
    found = sample(
        perfect(Objective.V, 30.0), unit_noise(1, 50, 2), SamplerSettings(scheduler="ddim"), Objective.V, Guidance(V_I)
    )
    assert float(found.mean()) == pytest.approx(30.0, rel=0.02)


def test_a_scheduler_that_does_not_go_with_the_objective_is_refused():
    with pytest.raises(ValueError, match="ddim is no scheduler for flow: there is euler and dpm"):
        scheduler_of(SamplerSettings(scheduler="ddim"), Objective.FLOW)


@pytest.mark.parametrize(("objective", "name"), PAIRS)
def test_a_scheduler_can_be_written_down_and_read_again(objective: Objective, name: str, tmp_path):
    scheduler = scheduler_of(SamplerSettings(scheduler=name, steps=5), objective)
    scheduler.save_pretrained(tmp_path)
    again = type(scheduler).from_pretrained(tmp_path)
    again.set_timesteps(5)
    torch.testing.assert_close(noise_levels(again, objective), noise_levels(scheduler, objective))


def test_outside_its_interval_guidance_costs_no_forwards():
    asked: list[int] = []
    perfectly = perfect(Objective.FLOW)

    def counted(x_t: Tensor, t: Tensor, states: Sequence[State]) -> list[Tensor]:
        asked.append(len(states))
        return perfectly(x_t, t, states)

    guidance = Guidance(both(3.0), from_noise=0.25, to_noise=0.75)
    sample(counted, unit_noise(1, 4, 2), SamplerSettings(scheduler="euler", steps=10), Objective.FLOW, guidance)
    levels = noise_levels(scheduler_of(SamplerSettings(scheduler="euler", steps=10), Objective.FLOW), Objective.FLOW)
    assert asked == [2 if 0.25 <= level <= 0.75 else 1 for level in levels.tolist()]
