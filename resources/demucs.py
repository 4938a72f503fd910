"""Demucs (Défossez, 2021; Rouard et al., 2023) as a separator: its networks over a stream, in shared batches."""

from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from itertools import tee
from typing import TYPE_CHECKING

import numpy as np

from resources.demucs_files import DemucsFiles
from resources.models import Precision
from resources.overlap import cut, join
from resources.separators import Spread

if TYPE_CHECKING:
    from torch import Tensor

OVERLAP = 0.25  # of a segment; this and the floor are what the `demucs` command line has
FLOOR = 1e-8  # keeps silence from being divided by nothing


class DemucsSeparator:
    """The vocals of `demucs --two-stems vocals --shifts 0` on the same weights: within 1e-5 of full scale in float32.

    Threads may share it: what they hear then shares batches. float16 and bfloat16 are for GPUs; the spectrogram and its
    way back stay in float32.
    """

    rate_hz = 44_100
    hears_twice = True

    def __init__(self, files: DemucsFiles, device: str, precision: Precision, batch: int, threads: int) -> None:
        """Loads the networks.

        Raises:
            WeightsError: see `resources.demucs_network.load_vocals`.
            ValueError: a precision that Demucs does not run in.
        """
        import torch

        from resources import onednn
        from resources.batching import SharedBatches
        from resources.demucs_network import load_vocals

        if precision == "int8":
            raise ValueError("Demucs runs in float32, float16 or bfloat16, not in int8")
        torch.set_num_threads(threads)
        self._device = torch.device(device)
        self._dtype = getattr(torch, precision)
        plain = self._device.type == "cpu" and precision == "float32" and onednn.is_available()
        self._faster = onednn.OneDnn if plain else nullcontext
        self._network = load_vocals(files).to(self._device)
        self._batches = SharedBatches(self._run, self._device, batch)

    def vocals(
        self, blocks: Iterable[np.ndarray], loudness_db: float, spread: Spread | None = None
    ) -> Iterator[np.ndarray]:
        """See `Separator`. It holds two segments of the track, and as many more as two batches."""
        import torch

        if spread is None:
            raise ValueError("Demucs has to know the spread of a mix beforehand")
        mean, deviation = np.float32(spread.mean), np.float32(spread.deviation) + np.float32(FLOOR)
        length = self._network.length
        step = int((1 - OVERLAP) * length)
        heard = ((block - mean) / deviation for block in blocks)
        told, asked = tee(cut(heard, length, step, padded=self._network.pads))
        answers = self._batches.map(torch.from_numpy(piece.samples) for piece in asked)
        found = (answer.numpy()[:, piece.answer] for piece, answer in zip(told, answers, strict=True))
        for block in join(found, length, step):
            yield block * deviation + mean

    def _run(self, mix: "Tensor") -> "Tensor":
        """b c n -> b c n."""
        import torch

        with self._faster(), torch.autocast(self._device.type, self._dtype, enabled=self._dtype != torch.float32):
            return self._network(mix).float()
