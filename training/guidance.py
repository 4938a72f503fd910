"""What the model says with and without its conditions, weighed against each other.

The model has four states: it is told nothing (u), the vocals' part of what is asked (v_c: lyrics and their times), the
instruments' part (i_c: the prompt), or both (v_i). What a sampler follows is a weighted sum of what the model says in
them; the model itself knows nothing of that.

`both` is classifier-free guidance (Ho and Salimans, 2022) over the two conditions taken as one. `mixdown` and `nested`
also guide each condition on its own and mix that in, as one does at a desk: s, s_v and s_i are scales, r_x and
r_y the rates at which the guided whole and the guided parts are mixed down.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import astuple, dataclass
from enum import StrEnum

from torch import Tensor

from training.settings import GuidanceSettings

NOTHING = 1e-9  # a weight so small is what rounding has left of zero


class State(StrEnum):
    """What the model is told."""

    NOTHING = "u"
    VOCALS = "v_c"
    INSTRUMENTS = "i_c"
    BOTH = "v_i"


Predict = Callable[[Sequence[State]], Sequence[Tensor]]  # what the model says in each of some states


@dataclass(frozen=True, slots=True)
class Blend:
    """A weighted sum over the four states. Blends are added, and multiplied with numbers, like what they weigh."""

    u: float = 0.0
    v_c: float = 0.0
    i_c: float = 0.0
    v_i: float = 0.0

    def __add__(self, other: "Blend") -> "Blend":
        return Blend(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def __sub__(self, other: "Blend") -> "Blend":
        return self + -1.0 * other

    def __rmul__(self, scale: float) -> "Blend":
        return Blend(*(scale * weight for weight in astuple(self)))

    @property
    def terms(self) -> tuple[tuple[State, float], ...]:
        """The states that count, each with its weight; only these are computed."""
        weights = zip(State, astuple(self), strict=True)
        return tuple((state, weight) for state, weight in weights if abs(weight) > NOTHING)

    def of(self, predict: Predict) -> Tensor:
        """The sum, of what the model says in as many states as have a weight."""
        states, weights = zip(*self.terms, strict=True)
        said = predict(states)
        return sum((weight * each for weight, each in zip(weights[1:], said[1:], strict=True)), weights[0] * said[0])


U, V_C, I_C, V_I = Blend(u=1.0), Blend(v_c=1.0), Blend(i_c=1.0), Blend(v_i=1.0)


def both(s: float) -> Blend:
    return U + s * (V_I - U)


def mixdown(s: float, s_v: float, s_i: float, r_x: float, r_y: float) -> Blend:
    x = U + s * (V_I - U)
    y = U + s_v * (V_C - U) + s_i * (I_C - U)
    return U + r_x * (x - U) + r_y * (y - U)


def nested(s: float, s_v: float, s_i: float, r_x: float, r_y: float) -> Blend:
    x = U + s_v * (V_C - U) + s_i * (V_I - V_C)
    y = U + s_i * (I_C - U) + s_v * (V_I - I_C)
    return U + s * (r_x * (x - U) + r_y * (y - U))


def fullest(states: Collection[State]) -> Blend:
    """What the model says when it is told as much as it ever was in training."""
    return next(blend for blend in (V_I, I_C, V_C, U) if blend.terms[0][0] in states)


@dataclass(frozen=True, slots=True)
class Guidance:
    """A blend, and the noise levels (1 is all noise) between which it counts; outside, the model is told both.

    Guidance at every level costs variety at the noisiest and nothing is gained at the cleanest (Kynkäänniemi et al.,
    "Applying guidance in a limited interval", 2024).
    """

    blend: Blend
    from_noise: float = 0.0
    to_noise: float = 1.0

    @property
    def states(self) -> frozenset[State]:
        """All that it asks for, within the interval and outside."""
        always = self.from_noise <= 0.0 and self.to_noise >= 1.0
        return frozenset(state for state, _ in (*self.blend.terms, *(() if always else V_I.terms)))

    def at(self, noise: float) -> Blend:
        return self.blend if self.from_noise <= noise <= self.to_noise else V_I


def guidance_of(settings: GuidanceSettings, states: Collection[State]) -> Guidance:
    """As it was set, for a model that was trained in these states."""
    s, s_v, s_i = settings.scale, settings.vocal_scale, settings.music_scale
    r_x, r_y = settings.whole_rate, settings.parts_rate
    match settings.kind:
        case "none":
            return Guidance(fullest(states))
        case "both":
            blend = both(s)
        case "mixdown":
            blend = mixdown(s, s_v, s_i, r_x, r_y)
        case "nested":
            blend = nested(s, s_v, s_i, r_x, r_y)
    return Guidance(blend, settings.from_noise, settings.to_noise)
