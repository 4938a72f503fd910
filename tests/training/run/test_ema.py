import pytest
import torch
from torch import nn

from training.run.ema import Ema


def weights(value: float) -> nn.Module:
    model = nn.Linear(2, 1, bias=False)
    nn.init.constant_(model.weight, value)
    return model


def test_the_average_moves_towards_the_weights_by_what_decay_leaves():
    ema = Ema(weights(0.0), decay=0.9)
    ema.follow(weights(1.0), step=10_000)
    assert ema.whole()["weight"].tolist() == [[pytest.approx(0.1)] * 2]


def test_in_the_first_steps_it_follows_faster():
    ema = Ema(weights(0.0), decay=0.9999)
    ema.follow(weights(1.0), step=1)
    assert ema.whole()["weight"].tolist() == [[pytest.approx(0.9)] * 2]


def test_it_is_no_view_of_the_weights():
    model = weights(1.0)
    ema = Ema(model, decay=0.9)
    with torch.no_grad():
        model.weight.zero_()
    assert ema.whole()["weight"].tolist() == [[1.0, 1.0]]
