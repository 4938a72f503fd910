"""Training steps to be timed: of our transformer, and of those of diffusers that are nearest to it in shape.

Letters: b batch, n latent frame, c latent channel, k text token, d width.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode, sdpa_backward_flop_count, sdpa_flop_count

from training.dit import Asked, Dit
from training.settings import SIZES, DitSettings

FRAMES_PER_S = 43  # of the mel codec: 44100 Hz by hops of 1024
MIDDLE = DitSettings(width=384, depth=12, heads=6, text_width=384)
NAMED = {"tiny": SIZES["tiny"], "middle": MIDDLE, "base": SIZES["base"], "large": SIZES["large"]}


def _attention(q: Any, k: Any, v: Any, *rest: object, **more: object) -> int:
    return sdpa_flop_count(q, k, v)


def _attention_backward(grad: Any, q: Any, k: Any, v: Any, *rest: object, **more: object) -> int:
    return sdpa_backward_flop_count(grad, q, k, v)


# A CPU has an attention of its own, which torch's counter of operations does not know.
CPU_ATTENTION: dict[Any, Any] = {
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _attention,
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward: _attention_backward,
}


@dataclass(frozen=True, slots=True)
class Case:
    settings: DitSettings
    batch: int
    frames: int
    text: int = 128  # tokens


class Step:
    """Forward, squared error, backward, AdamW."""

    def __init__(self, name: str, model: nn.Module, says: Callable[[], Tensor], wanted: Tensor) -> None:
        self.name, self.model, self.says, self.wanted = name, model.train(), says, wanted
        self.parameters = sum(parameter.numel() for parameter in model.parameters())
        self.optimizer = torch.optim.AdamW(model.parameters(), 1e-4, fused=True)

    def __call__(self) -> None:
        self.learn()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)

    def learn(self) -> None:
        torch.nn.functional.mse_loss(self.says().float(), self.wanted).backward()

    def work(self) -> int:
        """Floating-point operations of the matrix products and attentions of a step, both ways."""
        with FlopCounterMode(display=False, custom_mapping=CPU_ATTENTION) as counter:
            self.learn()
        self.optimizer.zero_grad(set_to_none=True)
        return counter.get_total_flops()


def inputs(case: Case, device: str = "cpu") -> tuple[Tensor, Tensor, Asked]:
    """A noisy latent, its noise level, and what is asked."""
    b, n, k, s = case.batch, case.frames, case.text, case.settings

    def random(*shape: int) -> Tensor:
        return torch.randn(shape, device=device)

    asked = Asked(
        text=random(b, k, s.text_width),
        text_there=None,
        lyrics=random(b, n, s.lyrics_width),
        whole=random(b, s.width),
        context=random(b, n, s.channels + 1),
    )
    return random(b, n, s.channels), torch.rand(b, device=device), asked


def ours(case: Case, name: str = "melisma", padded: bool = False, device: str = "cpu") -> Step:
    """`padded` has a tenth of the last song's frames masked, and of its text."""
    with torch.device(device):
        model = Dit(case.settings)
    x_t, t, asked = inputs(case, device)
    frames = torch.ones(case.batch, case.frames, dtype=torch.bool, device=device)
    frames[-1, -case.frames // 10 :] = False
    there = torch.ones(case.batch, case.text, dtype=torch.bool, device=device)
    there[-1, -case.text // 10 :] = False
    if padded:
        asked = Asked(asked.text, there, asked.lyrics, asked.whole, asked.context)
    return Step(name, model, lambda: model(x_t, t, frames if padded else None, asked), torch.randn_like(x_t))


def ace_step(case: Case) -> Step:
    """The nearest: rotary self-attention with normalised queries and keys, cross-attention, SwiGLU, AdaLN-single.

    As wide inside as ours, as many heads of keys as of queries, every layer hearing the whole song.
    """
    from diffusers import AceStepTransformer1DModel

    s = case.settings
    model: Any = AceStepTransformer1DModel(
        hidden_size=s.width,
        intermediate_size=Dit(s.model_copy(update={"depth": 1})).blocks[0].think.out.in_features,
        num_hidden_layers=s.depth,
        num_attention_heads=s.heads,
        num_key_value_heads=s.heads,
        head_dim=s.width // s.heads,
        in_channels=2 * s.channels + 1 + s.lyrics_width,
        audio_acoustic_hidden_dim=s.channels,
        patch_size=s.patch,
        layer_types=["full_attention"] * s.depth,
        encoder_hidden_size=s.text_width,
    )
    x_t, t, asked = inputs(case)
    beside = torch.cat((asked.context, asked.lyrics), dim=-1)
    return Step(
        "diffusers, ACE-Step",
        model,
        lambda: model(x_t, t, t, asked.text, beside, return_dict=False)[0],
        torch.randn_like(x_t),
    )


def stable_audio(case: Case) -> Step:
    """Also near: without modulation (levels are a token) and normalised queries, but with half as much SwiGLU again."""
    from diffusers import StableAudioDiTModel
    from diffusers.models.embeddings import get_1d_rotary_pos_embed

    s = case.settings
    channels = 2 * s.channels + 1 + s.lyrics_width
    model: Any = StableAudioDiTModel(
        in_channels=channels,
        num_layers=s.depth,
        attention_head_dim=s.width // s.heads,
        num_attention_heads=s.heads,
        num_key_value_attention_heads=s.heads,
        out_channels=s.channels,
        cross_attention_dim=s.width,
        global_states_input_dim=s.width,
        cross_attention_input_dim=s.text_width,
    )
    x_t, t, asked = inputs(case)
    heard = torch.cat((x_t, asked.context, asked.lyrics), dim=-1).mT
    turn = get_1d_rotary_pos_embed(
        s.width // s.heads // 2, case.frames + 1, use_real=True, repeat_interleave_real=False
    )
    return Step(
        "diffusers, Stable Audio",
        model,
        lambda: model(heard, t, asked.text, asked.whole[:, None], turn, return_dict=False)[0].mT,
        torch.randn_like(x_t),
    )


def medians_s(runs: Sequence[Callable[[], object]], rounds: int) -> list[float]:
    """Of each, by turns, so that what else the machine does befalls all alike. Rounds begin after one to warm up."""
    for run in runs:
        run()
    seconds: list[list[float]] = [[] for _ in runs]
    for turn in range(rounds):
        for i in range(len(runs)):
            own = (i + turn) % len(runs)
            start = time.perf_counter()
            runs[own]()
            seconds[own].append(time.perf_counter() - start)
    return [statistics.median(each) for each in seconds]


def against_diffusers(rounds: int) -> None:
    print("| size | step of | parameters, M | GFLOP | ms | GFLOP/s | times ours | times ours, a FLOP |")
    print("|---|---|---|---|---|---|---|---|")
    for size, case in {"tiny": Case(NAMED["tiny"], 4, 430), "middle": Case(MIDDLE, 2, 430)}.items():
        steps = [ours(case), ours(case, "melisma, padding masked", padded=True), ace_step(case), stable_audio(case)]
        works = [step.work() for step in steps]
        times_s = medians_s(steps, rounds)
        for step, work, seconds in zip(steps, works, times_s, strict=True):
            slower, more_work = seconds / times_s[0], work / works[0]
            print(
                f"| {size} | {step.name} | {step.parameters / 1e6:.2f} | {work / 1e9:.1f} | {1e3 * seconds:.0f} "
                f"| {work / seconds / 1e9:.0f} | {slower:.2f} | {slower / more_work:.2f} |",
                flush=True,
            )


def over_length(rounds: int) -> None:
    print("| s | patch | tokens | GFLOP | ms | GFLOP/s | times the row above |")
    print("|---|---|---|---|---|---|---|")
    for patch in (1, 2, 4):
        before_s = 0.0
        for length_s in (10, 30, 90):
            frames = length_s * FRAMES_PER_S
            step = ours(Case(SIZES["tiny"].model_copy(update={"patch": patch}), 1, frames))
            work, (seconds,) = step.work(), medians_s([step], rounds)
            growth = f"{seconds / before_s:.1f}" if before_s else ""
            print(
                f"| {length_s} | {patch} | {-(-frames // patch)} | {work / 1e9:.1f} | {1e3 * seconds:.0f} "
                f"| {work / seconds / 1e9:.0f} | {growth} |",
                flush=True,
            )
            before_s = seconds


def over_size(rounds: int) -> None:
    """Ten seconds of song. The largest is counted and not run: its weights, gradients and moments are 24 GB."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    print("| size | parameters, M | GFLOP | ms | GFLOP/s | times the row above: work | time |")
    print("|---|---|---|---|---|---|---|")
    before = (0, 0.0)
    for size, settings in NAMED.items():
        case = Case(settings, 1, 10 * FRAMES_PER_S)
        if size == "large":
            with FakeTensorMode():
                step = ours(case)
                work, seconds = step.work(), 0.0
        else:
            if size == "base":
                case = Case(settings.model_copy(update={"checkpointing": True}), 1, 10 * FRAMES_PER_S)
            step = ours(case)
            work, (seconds,) = step.work(), medians_s([step], min(rounds, 3) if size == "base" else rounds)
        growth = (f"{work / before[0]:.1f}" if before[0] else "", f"{seconds / before[1]:.1f}" if before[1] else "")
        speed = (f"{1e3 * seconds:.0f}", f"{work / seconds / 1e9:.0f}") if seconds else ("not run", "")
        note = ", blocks computed twice" if case.settings.checkpointing else ""
        print(
            f"| {size}{note} | {step.parameters / 1e6:.1f} | {work / 1e9:.0f} | {speed[0]} | {speed[1]} "
            f"| {growth[0]} | {growth[1] if seconds else ''} |",
            flush=True,
        )
        before = (work, seconds)
        del step
