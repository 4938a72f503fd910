"""The song model's step and its sampling, in numbers.

    python -m bench.training [--only step plain states guided length size gpu] [--rounds 9] [--threads 2]

step: a training step beside the transformers of diffusers that are nearest in shape, by turns. plain: how far what is
said is from a plain implementation. states: four states at once beside four forwards. guided: forwards that a song
takes. length, size: how a step grows with the song and with the model. gpu: where there is one. Work is floating-point
operations of matrix products and attention, forward and backward; what attention computes again on its way back is
counted too.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.training_gpu import on_gpu
from bench.training_states import four_states, guided
from bench.training_step import MIDDLE, against_diffusers, over_length, over_size
from tests.training.test_dit_reference import largest_difference
from training.settings import SIZES


def against_plain(rounds: int) -> None:
    print("| size | frames | patch | largest difference of any number said |")
    print("|---|---|---|---|")
    for size, settings in {"tiny": SIZES["tiny"], "tiny, patch 4": SIZES["tiny"].model_copy(update={"patch": 4}),
                           "middle": MIDDLE}.items():  # fmt: skip
        difference = largest_difference(settings, texts=[24, 9], songs=[48, 31])
        print(f"| {size} | 48 beside 31 | {settings.patch} | {difference:.1e} |", flush=True)


PARTS: dict[str, Callable[[int], None]] = {
    "step": against_diffusers,
    "plain": against_plain,
    "states": four_states,
    "guided": guided,
    "length": over_length,
    "size": over_size,
    "gpu": on_gpu,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"torch {torch.__version__}, {arguments.threads} threads, float32, medians of {arguments.rounds} by turns")
    for part in arguments.only:
        print(f"\n{part}\n")
        PARTS[part](arguments.rounds)


if __name__ == "__main__":
    main()
