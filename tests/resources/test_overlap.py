"""Pieces of a track, and the track again: against Demucs's own arithmetic over the whole of it."""

import numpy as np
import pytest
import torch
from demucs.apply import apply_model
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from resources.overlap import cut, join

LENGTH = 40
STEP = 30


class Places(nn.Module):
    """Tells where in a piece a sample lies and what stands around it: each comes out as one that it alone can be."""

    sources = ("vocals",)
    samplerate = LENGTH
    segment = 1.0

    def forward(self, mix: Tensor) -> Tensor:
        n = mix.shape[-1]
        return (mix * torch.arange(1, n + 1) + mix.cumsum(-1) + n)[:, None]  # b s c n


class PaddedPlaces(Places):
    def valid_length(self, length: int) -> int:
        return LENGTH


def streamed(network: nn.Module, mix: np.ndarray, cuts: list[int], *, padded: bool) -> np.ndarray:
    pieces = list(cut(np.split(mix, sorted(cuts)), LENGTH, STEP, padded=padded))
    answers = (network(torch.from_numpy(piece.samples)[None])[0, 0].numpy()[:, piece.answer] for piece in pieces)
    return np.concatenate([np.zeros((0, 2), np.float32), *join(answers, LENGTH, STEP)])


@given(seed=st.integers(0, 2**32 - 1), length=st.integers(1, 200), cuts=st.lists(st.integers(0, 200), max_size=6))
@pytest.mark.parametrize("padded", [True, False])
def test_a_track_in_pieces_comes_out_as_from_demucs_bit_by_bit(seed, length, cuts, padded):
    network = PaddedPlaces() if padded else Places()
    mix = np.random.default_rng(seed).standard_normal((length, 2), np.float32)
    whole = apply_model(network, torch.from_numpy(mix.T)[None], shifts=0, overlap=1 - STEP / LENGTH)[0, 0]
    np.testing.assert_array_equal(streamed(network, mix, cuts, padded=padded), whole.numpy().T)


def test_nothing_has_no_pieces():
    assert list(cut([], LENGTH, STEP, padded=True)) == []


def test_two_pieces_of_a_long_track_are_held_at_a_time():
    taken = 0

    def blocks():
        nonlocal taken
        for _ in range(100):
            taken += 10
            yield np.ones((10, 2), np.float32)

    given_back, most = 0, 0
    answers = (piece.samples[:, piece.answer] for piece in cut(blocks(), LENGTH, STEP, padded=True))
    for block in join(answers, LENGTH, STEP):
        most = max(most, taken - given_back)
        given_back += len(block)
    assert given_back == taken
    assert most <= 2 * LENGTH
