"""Four states of the song model at once, against four forwards; and how many forwards guidance takes."""

from functools import partial

import torch
from torch import Tensor

from bench.training_step import FRAMES_PER_S, MIDDLE, medians_s
from training.conditioning import Conditioner, Told, tell
from training.dit import Dit
from training.guidance import Guidance, State, both, mixdown
from training.objective import Objective
from training.request import AskedLine, Request
from training.sampler import Says, sample
from training.settings import SIZES, ConditionSettings, DitSettings, SamplerSettings
from training.states import say_in_states

STATES = tuple(State)
WORDS = "slow down and hear the river run under the bridge"
SETTINGS = ConditionSettings()
STEPS = 32
GUIDANCE = {
    "mixdown": Guidance(mixdown(4.0, 2.0, 2.0, 0.5, 0.5)),
    "mixdown, r = (1, 0)": Guidance(mixdown(4.0, 2.0, 2.0, 1.0, 0.0)),
    "both": Guidance(both(4.0)),
    "both, from 0.2 to 0.8": Guidance(both(4.0), from_noise=0.2, to_noise=0.8),
    "both, s = 1": Guidance(both(1.0)),
}


class Asker:
    """A song of so many frames, and the model that is asked of it."""

    def __init__(self, shape: DitSettings, frames: int, device: str = "cpu") -> None:
        torch.manual_seed(0)
        self.conditioner = Conditioner(SETTINGS, shape).to(device).eval()
        self.dit = Dit(shape).to(device).eval()
        duration_s = frames / FRAMES_PER_S
        lines = tuple(AskedLine(WORDS, s, s + 3.0) for s in range(1, int(duration_s) - 3, 4))
        self.told = tell(
            [Request(duration_s, "slow folk with a flute and a warm voice, recorded close", lines, "en")],
            1 / FRAMES_PER_S, shape.channels, SETTINGS,
        ).to(device)  # fmt: skip
        self.x_t = torch.randn(1, frames, shape.channels, device=device)
        self.t = torch.tensor([0.5], device=device)
        self.rows = 0
        heard = [self.conditioner(self.told.in_state(state)) for state in STATES]
        self.plain = lambda: [self.dit(self.x_t, self.t, self.told.frames, asked) for asked in heard]

    def speaks(self, x_t: Tensor, *rest: object) -> Tensor:
        self.rows += len(x_t)
        said: Tensor = self.dit(x_t, *rest)
        return said.float()

    def says(self, frames_at_once: int | None = None) -> Says:
        return say_in_states(self.conditioner, self.speaks, self.told, frames_at_once)

    def drawn(self, guidance: Guidance) -> Tensor:
        settings = SamplerSettings(scheduler="dpm", steps=STEPS)
        return sample(self.says(), self.x_t, settings, Objective.V, guidance)


def told_of(told: Told) -> str:
    return f"{int(told.prompt_there.sum())} + {int((told.row != 0).sum())}"


@torch.inference_mode()
def four_states(rounds: int) -> None:
    """Prompt and lyrics have so many tokens. Four forwards are those of a batch: texts padded to the longest, masks."""
    print("| size | frames | text | four forwards, ms | one after another | in one batch | in use | times ours |")
    print("|---|---|---|---|---|---|---|---|")
    for size, shape in {"tiny": SIZES["tiny"], "middle": MIDDLE}.items():
        for frames in (100, 300, 1000, 2000):
            asker = Asker(shape, frames)
            ways = (asker.says(1), asker.says(1 << 30), asker.says())
            times_s = medians_s([asker.plain, *(partial(says, asker.x_t, asker.t, STATES) for says in ways)], rounds)
            print(
                f"| {size} | {frames} | {told_of(asker.told)} | "
                + " | ".join(f"{1e3 * seconds:.0f}" for seconds in times_s)
                + f" | {times_s[0] / times_s[-1]:.2f} |",
                flush=True,
            )


@torch.inference_mode()
def guided(rounds: int) -> None:
    """A song of 300 frames in 32 steps."""
    print(f"| guidance | forwards of {4 * STEPS} | saved | s |")
    print("|---|---|---|---|")
    asker = Asker(SIZES["tiny"], 300)
    runs = [partial(asker.drawn, guidance) for guidance in GUIDANCE.values()]
    for (name, guidance), seconds in zip(GUIDANCE.items(), medians_s(runs, min(rounds, 3)), strict=True):
        asker.rows = 0
        asker.drawn(guidance)
        print(f"| {name} | {asker.rows} | {1 - asker.rows / (4 * STEPS):.0%} | {seconds:.2f} |", flush=True)
