"""The song model's step and its sampling, in numbers.

    python -m bench.training [--only step plain states guided length size loader gpu] [--rounds 9] [--threads 2]
                             [--clock wall]

step: a training step beside the transformers of diffusers that are nearest in shape, by turns. plain: how far what is
said is from a plain implementation. states: four states at once beside four forwards. guided: forwards that a song
takes. length, size: how a step grows with the song and with the model. loader: beside a plain webdataset loop
(bench/loading.py). gpu: where there is one. Work is floating-point operations of matrix products and attention, forward
and backward; what attention computes again on its way back is counted too. Where other programs run, one thread and the
processor's clock tell more than the one on the wall.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import gettempdir

import torch

from bench.loading import SAMPLES, WORKERS, beside_webdataset
from bench.training_gpu import on_gpu
from bench.training_states import four_states, guided
from bench.training_step import MIDDLE, Timing, against_diffusers, over_length, over_size
from tests.training.test_dit_reference import largest_difference
from training.settings import SIZES


def against_plain(timing: Timing) -> None:
    print("| size | frames | patch | largest difference of any number said |")
    print("|---|---|---|---|")
    for size, settings in {"tiny": SIZES["tiny"], "tiny, patch 4": SIZES["tiny"].model_copy(update={"patch": 4}),
                           "middle": MIDDLE}.items():  # fmt: skip
        difference = largest_difference(settings, texts=[24, 9], songs=[48, 31])
        print(f"| {size} | 48 beside 31 | {settings.patch} | {difference:.1e} |", flush=True)


PARTS: dict[str, Callable[[Timing], None]] = {
    "step": against_diffusers,
    "plain": against_plain,
    "states": four_states,
    "guided": guided,
    "length": over_length,
    "size": over_size,
    "loader": lambda timing: beside_webdataset(SAMPLES, WORKERS, Path(gettempdir())),
    "gpu": on_gpu,
}
CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    timing = Timing(arguments.rounds, CLOCKS[arguments.clock])
    print(
        f"torch {torch.__version__}, {arguments.threads} threads, float32, {arguments.clock} time, "
        f"medians of {arguments.rounds} by turns"
    )
    for part in arguments.only:
        print(f"\n{part}\n")
        PARTS[part](timing)


if __name__ == "__main__":
    main()
