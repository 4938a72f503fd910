"""A step does what it should, or nothing at all."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from training.codec import LatentSpec
from training.data.examples import Batch, Example, batch_of, context_of
from training.guidance import State
from training.model import new_model
from training.request import AskedLine, Request
from training.run.guard import Trouble
from training.run.ranks import Ranks
from training.run.settings import OptimiserSettings, RunSettings
from training.run.trainer import Trainer
from training.settings import ConditionSettings, DitSettings, ModelSettings

SPEC = LatentSpec(frame_s=0.1, channels=4, mean=0.0, scale=1.0)
MODEL = ModelSettings(
    dit=DitSettings(channels=4, patch=2, width=16, depth=1, heads=2, text_width=16, lyrics_width=8),
    conditions=ConditionSettings(layers=1),
)
SETTINGS = RunSettings(
    folder=Path("run"),
    store="store",
    index="index",
    model=MODEL,
    optimiser=OptimiserSettings(learning_rate=1e-2, warm_up=4, ema=0.5),
)


def trainer(**changes: object) -> Trainer:
    settings = SETTINGS.model_copy(update=changes)
    return Trainer(new_model(settings.model, 0), settings, Ranks())


def example(frames: int = 20, seed: int = 0) -> Example:
    generator = torch.Generator().manual_seed(seed)
    x, noise = (torch.randn(frames, 4, generator=generator) for _ in range(2))
    request = Request(frames * 0.1, "folk", (AskedLine("la la", 0.2, 0.5),), "en")
    context = context_of(x, torch.zeros(frames, dtype=torch.bool))
    return Example(request, State.BOTH, 0, x, context, torch.ones(frames, dtype=torch.bool), noise, 0.3)


def batch(*examples: Example) -> Batch:
    return batch_of(examples or [example()], MODEL, SPEC)


def weights(made: Trainer) -> list[Tensor]:
    return [weight.detach().clone() for weight in (*made.model.parameters(), *made.ema.weights.values())]


def test_a_model_learns_one_batch():
    made = trainer()
    found = [made.step([batch()]).loss for _ in range(60)]
    assert found[-1] < found[0] / 2


@pytest.mark.parametrize("where", ["x", "noise"])
def test_a_batch_that_is_no_number_moves_nothing_and_is_counted(where: str):
    made = trainer()
    made.step([batch()])
    before = weights(made)
    spoilt = replace(batch(), **{where: getattr(batch(), where) * torch.nan})
    assert made.step([spoilt]).trouble is Trouble.NOT_FINITE
    assert all(torch.equal(one, other) for one, other in zip(weights(made), before, strict=True))
    assert made.guard.skipped["not_finite"] == 1


def test_after_a_skipped_step_the_next_one_is_as_if_there_had_been_none():
    skipped, plain = trainer(), trainer()
    skipped.step([replace(batch(), x=batch().x * torch.nan)])
    plain.done = 1
    assert skipped.step([batch()]).loss == plain.step([batch()]).loss
    assert all(torch.equal(one, other) for one, other in zip(weights(skipped), weights(plain), strict=True))


def test_how_samples_are_put_into_batches_changes_no_step():
    several, one = trainer(), trainer()
    short, long = example(6, seed=1), example(30, seed=2)
    apart = several.step([batch(short), batch(long)])
    together = one.step([batch(short, long)])
    assert apart.loss == pytest.approx(together.loss, rel=1e-5)
    assert apart.gradient == pytest.approx(together.gradient, rel=1e-4)


def test_frames_that_are_given_are_not_learnt():
    given = replace(example(), counted=torch.arange(20) >= 10)
    other = replace(given, noise=torch.cat((given.noise[:10] + 9, given.noise[10:])))
    first, second = trainer().step([batch(given)]), trainer().step([batch(other)])
    assert first.frames == 10.0
    assert first.loss == pytest.approx(second.loss, rel=1e-6)


def test_the_learning_rate_warms_up_and_stays():
    made = trainer()
    found = [made.step([batch()]).learning_rate for _ in range(6)]
    assert found == pytest.approx([0.0025, 0.005, 0.0075, 0.01, 0.01, 0.01])


def test_half_precision_learns_the_same():
    full, half = trainer(), trainer(precision="bfloat16")
    assert [half.step([batch()]).loss for _ in range(5)] == pytest.approx(
        [full.step([batch()]).loss for _ in range(5)], rel=0.05
    )


def test_what_one_rank_says_is_heard():
    step = trainer().step([batch()], stop=True, failed=True)
    assert (step.stop, step.failed) == (True, True)


def test_every_weight_is_reached_by_what_is_learnt():
    made, told = trainer(), batch(*(replace(example(), state=state) for state in State))
    for _ in range(3):  # what begins at zero lets nothing through at first
        made.step([told])
    made.optimiser.zero_grad()
    made._loss(told).total.backward()
    untouched = [name for name, weight in made.model.named_parameters() if not float(weight.grad.abs().sum())]
    assert untouched == []
