"""The song model of base size on a GPU: share of its peak in a training step, and seconds to write a song.

This part has not been run yet.
"""

import time
from collections.abc import Callable
from functools import partial

import torch

from bench.training_states import GUIDANCE, Asker
from bench.training_step import FRAMES_PER_S, Case, ours
from training.guidance import Guidance
from training.settings import SIZES

PEAK_TFLOPS = {"H200": 989.0, "H100 PCIe": 756.0, "H100": 989.0, "A100": 312.0}  # bfloat16, dense, as published
SONG_S = 90
SOURCE_RTF = 0.22  # 90 s of song in 20 s


def on_gpu(rounds: int) -> None:
    if not torch.cuda.is_available():
        print(
            f"no GPU here: share of its peak, and real-time factor of 90 s (the source's: {SOURCE_RTF}): not measured"
        )
        return
    name = torch.cuda.get_device_name()
    peak = next((tflops for known, tflops in PEAK_TFLOPS.items() if known in name), None)
    print(f"| {name}, base, bfloat16 | songs | s of song | ms | TFLOP/s | of the peak |")
    print("|---|---|---|---|---|---|")
    for batch, length_s in ((8, 30), (4, 90)):
        step = ours(Case(SIZES["base"], batch, length_s * FRAMES_PER_S), device="cuda")
        with torch.autocast("cuda", torch.bfloat16):
            work, seconds = step.work(), fastest_s(step, rounds)
        share = f"{work / seconds / 1e12 / peak:.0%}" if peak else "peak not known"
        print(f"| training step | {batch} | {length_s} | {1e3 * seconds:.0f} | {work / seconds / 1e12:.0f} | {share} |")
        del step
    print("\n| guidance, 32 steps | s for 90 s of latents | real-time factor | the source's |")
    print("|---|---|---|---|")
    asker = Asker(SIZES["base"], SONG_S * FRAMES_PER_S, "cuda")
    for guidance in ("both", "mixdown"):
        seconds = fastest_s(partial(write, asker, GUIDANCE[guidance]), rounds)
        print(f"| {guidance} | {seconds:.1f} | {seconds / SONG_S:.3f} | {SOURCE_RTF} |")


def write(asker: Asker, guidance: Guidance) -> None:
    with torch.inference_mode(), torch.autocast("cuda", torch.bfloat16):
        asker.drawn(guidance)


def fastest_s(run: Callable[[], object], rounds: int) -> float:
    """Seconds of the fastest round after two to warm up."""
    seconds = []
    for _ in range(rounds + 2):
        torch.cuda.synchronize()
        start = time.perf_counter()
        run()
        torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    return min(seconds[2:])
