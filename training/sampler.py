"""From noise to a latent: the schedulers of `diffusers`, adapted here and nowhere else to what our models say.

What has to be minded: DDIM clips latents to 1 unless told not to; schedulers of flows have no `init_noise_sigma`; their
noise levels are their sigmas, since their time steps may be rounded; ours of v is the cosine schedule, at whose noisy
end nothing of the latent is left, so the last of the steps' betas is 1.
"""

from collections.abc import Callable, Sequence
from functools import partial
from math import cos, pi
from typing import Any

import torch
from torch import Tensor

from training.guidance import Guidance, State
from training.objective import Objective
from training.settings import SCHEDULERS, SamplerSettings

STEPS = 1000  # into which diffusers cuts a schedule

Says = Callable[[Tensor, Tensor, Sequence[State]], Sequence[Tensor]]  # b n c, b and some states -> b n c for each


def scheduler_of(settings: SamplerSettings, objective: Objective) -> Any:
    """A scheduler of diffusers, with its steps set. `save_pretrained` writes down all that it is.

    Raises:
        ValueError: it does not go with the objective.
    """
    fitting = SCHEDULERS[objective]
    if settings.scheduler not in fitting:
        raise ValueError(f"{settings.scheduler} is no scheduler for {objective}: there is {' and '.join(fitting)}")
    scheduler = _flow(settings) if objective is Objective.FLOW else _v(settings)
    scheduler.set_timesteps(settings.steps)
    return scheduler


def noise_levels(scheduler: Any, objective: Objective) -> Tensor:
    """[steps] from 1, all noise, down: the level at which the model is asked in each step."""
    if objective is Objective.FLOW:
        return scheduler.sigmas[: len(scheduler.timesteps)].float()
    return (scheduler.timesteps.float() + 1) / STEPS


def sample(
    says: Says,
    noise: Tensor,
    settings: SamplerSettings,
    objective: Objective,
    guidance: Guidance,
    watch: Callable[[int, Tensor], None] = lambda step, x_t: None,
) -> Tensor:
    """Unit noise b n c -> latents b n c, in `settings.steps` steps. The same noise gives the same latents."""
    scheduler = scheduler_of(settings, objective)
    x_t = noise * getattr(scheduler, "init_noise_sigma", 1.0)
    for step, (time, level) in enumerate(
        zip(scheduler.timesteps, noise_levels(scheduler, objective).tolist(), strict=True)
    ):
        t = torch.full((len(x_t),), level, device=x_t.device)
        said = guidance.at(level).of(partial(says, x_t, t))
        x_t = scheduler.step(said, time, x_t, return_dict=False)[0]
        watch(step, x_t)
    return x_t


def _v(settings: SamplerSettings) -> Any:
    from diffusers import DDIMScheduler, DPMSolverMultistepScheduler

    shared: dict[str, Any] = {
        "num_train_timesteps": STEPS,
        "prediction_type": "v_prediction",
        "timestep_spacing": "trailing",
    }
    if settings.scheduler == "ddim":
        return DDIMScheduler(trained_betas=_betas(0.0), clip_sample=False, **shared)
    return DPMSolverMultistepScheduler(trained_betas=_betas(2**-20), solver_order=2, **shared)


def _flow(settings: SamplerSettings) -> Any:
    from diffusers import DPMSolverMultistepScheduler, FlowMatchEulerDiscreteScheduler

    if settings.scheduler == "euler":
        return FlowMatchEulerDiscreteScheduler(num_train_timesteps=STEPS, shift=settings.shift)
    return DPMSolverMultistepScheduler(
        num_train_timesteps=STEPS,
        prediction_type="flow_prediction",
        use_flow_sigmas=True,
        flow_shift=settings.shift,
        solver_order=2,
    )


def _betas(least: float) -> list[float]:
    """Those of α = cos(πt/2) at t = 1/1000 … 1, where α² is not let under `least`: some solvers divide by it."""
    kept = [1.0, *(max(cos(pi / 2 * (k + 1) / STEPS) ** 2, least) for k in range(STEPS))]
    return [1 - after / before for before, after in zip(kept, kept[1:], strict=False)]
