"""Guidance is a sum of weighted states: its rules hold whatever the model says."""

from collections.abc import Sequence
from dataclasses import astuple

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from training.guidance import I_C, V_C, V_I, Blend, Guidance, State, both, fullest, mixdown, nested

scales = st.floats(-10, 10)
presets = st.one_of(
    st.builds(both, scales),
    st.builds(mixdown, scales, scales, scales, scales, scales),
    st.builds(nested, scales, scales, scales, scales, scales),
)


def close(one: Blend, other: Blend) -> bool:
    return astuple(one) == pytest.approx(astuple(other), abs=1e-6)


def swapped(blend: Blend) -> Blend:
    return Blend(blend.u, blend.i_c, blend.v_c, blend.v_i)


@given(presets)
def test_the_weights_sum_to_one(blend: Blend):
    assert sum(astuple(blend)) == pytest.approx(1, abs=1e-6)


@given(scales, scales, scales)
def test_mixdown_of_the_whole_alone_is_both(s: float, s_v: float, s_i: float):
    assert close(mixdown(s, s_v, s_i, 1.0, 0.0), both(s))


@given(st.floats(0, 1))
def test_nested_follows_the_conditioned_model_when_nothing_is_scaled(r_x: float):
    assert close(nested(1.0, 1.0, 1.0, r_x, 1 - r_x), V_I)


@given(scales)
def test_equal_scales_of_the_whole_alone_are_plain_guidance(s: float):
    assert close(nested(1.0, s, s, 1.0, 0.0), both(s))
    assert close(mixdown(s, s, s, 1.0, 0.0), both(s))


@given(scales, scales, scales, scales, scales)
def test_it_makes_no_difference_which_condition_is_called_vocals(s, s_v, s_i, r_x, r_y):
    assert close(swapped(mixdown(s, s_i, s_v, r_x, r_y)), mixdown(s, s_v, s_i, r_x, r_y))
    assert close(swapped(nested(s, s_i, s_v, r_y, r_x)), nested(s, s_v, s_i, r_x, r_y))


MEANS = {
    State.NOTHING: torch.tensor([0.0, 0.0, 0.0, 0.0]),
    State.VOCALS: torch.tensor([2.0, -1.0, 0.0, 0.0]),
    State.INSTRUMENTS: torch.tensor([0.0, 0.0, 3.0, 0.5]),
    State.BOTH: torch.tensor([2.0, -1.0, 3.0, 0.5]),
}


def gaussian(states: Sequence[State]) -> list[Tensor]:
    """Scores, at one point, of unit Gaussians whose conditions move different coordinates."""
    point = torch.tensor([0.3, -0.7, 1.1, 0.2])
    return [MEANS[state] - point for state in states]


def test_conditions_on_different_coordinates_compose_exactly():
    (unguided,), (whole,) = gaussian([State.NOTHING]), gaussian([State.BOTH])
    for preset in (mixdown, nested):
        torch.testing.assert_close(preset(1.0, 1.0, 1.0, 0.0, 1.0).of(gaussian), whole)
    apart = mixdown(0.0, 2.0, 5.0, 0.0, 1.0).of(gaussian)
    torch.testing.assert_close(apart[:2], unguided[:2] + 2.0 * (whole - unguided)[:2])
    torch.testing.assert_close(apart[2:], unguided[2:] + 5.0 * (whole - unguided)[2:])


@given(scales, scales, scales, st.floats(0, 1))
def test_nested_scales_each_condition_on_coordinates_of_its_own(s: float, s_v: float, s_i: float, r_x: float):
    (unguided,), (whole,) = gaussian([State.NOTHING]), gaussian([State.BOTH])
    guided = nested(s, s_v, s_i, r_x, 1 - r_x).of(gaussian)
    scale = s * torch.tensor([s_v, s_v, s_i, s_i])
    torch.testing.assert_close(guided, unguided + scale * (whole - unguided), rtol=1e-4, atol=1e-3)


class Counted:
    def __init__(self) -> None:
        self.states: list[State] = []

    def __call__(self, states: Sequence[State]) -> list[Tensor]:
        self.states += states
        return gaussian(states)


@pytest.mark.parametrize(
    ("blend", "forwards"),
    [
        (V_I, 1),
        (both(1.0), 1),
        (both(4.0), 2),
        (mixdown(4.0, 2.0, 2.0, 1.0, 0.0), 2),
        (mixdown(4.0, 2.0, 2.0, 0.5, 0.5), 4),
        (nested(1.0, 1.0, 1.0, 0.3, 0.7), 1),
    ],
)
def test_states_without_weight_are_not_computed(blend: Blend, forwards: int):
    predict = Counted()
    blend.of(predict)
    assert len(predict.states) == forwards


def test_outside_its_interval_guidance_is_off():
    guidance = Guidance(both(4.0), from_noise=0.2, to_noise=0.8)
    assert [guidance.at(noise) for noise in (0.1, 0.5, 0.9)] == [V_I, both(4.0), V_I]


def test_guidance_in_an_interval_asks_for_both_outside_of_it():
    assert Guidance(both(1.0)).states == {State.BOTH}
    assert Guidance(I_C, 0.2, 0.8).states == {State.INSTRUMENTS, State.BOTH}
    assert Guidance(I_C).states == {State.INSTRUMENTS}


@pytest.mark.parametrize(
    ("states", "blend"), [(set(State), V_I), ({State.NOTHING, State.INSTRUMENTS}, I_C), ({State.VOCALS}, V_C)]
)
def test_the_fullest_is_as_much_as_was_ever_told(states, blend):
    assert fullest(states) == blend
