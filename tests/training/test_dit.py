"""The transformer: its size, what it hears, and what it must not hear."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from training.dit import Asked, Dit, rotary, turned
from training.settings import SIZES, DitSettings

SMALL = DitSettings(channels=4, width=24, depth=2, heads=2, text_width=6, lyrics_width=5)


def awake(settings: DitSettings, seed: int = 0) -> Dit:
    """A model whose gates are open, as if it had been trained a little."""
    torch.manual_seed(seed)
    model = Dit(settings).eval()
    for parameter in model.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.3)
    return model


def asked(settings: DitSettings, batch: int, frames: int, tokens: int = 3, seed: int = 1) -> tuple[Tensor, Asked]:
    """A noisy latent, and something that is asked of it."""
    g = torch.Generator().manual_seed(seed)
    s = settings
    return torch.randn(batch, frames, s.channels, generator=g), Asked(
        text=torch.randn(batch, tokens, s.text_width, generator=g),
        text_there=torch.ones(batch, tokens, dtype=torch.bool),
        lyrics=torch.randn(batch, frames, s.lyrics_width, generator=g),
        whole=torch.randn(batch, s.width, generator=g),
        context=torch.randn(batch, frames, s.channels + 1, generator=g),
    )


@pytest.mark.parametrize(("size", "millions"), [("tiny", 4), ("base", 320), ("large", 1500)])
def test_a_size_has_as_many_weights_as_its_name_promises(size: str, millions: int):
    with torch.device("meta"):
        count = sum(parameter.numel() for parameter in Dit(SIZES[size]).parameters())
    assert count / 1e6 == pytest.approx(millions, rel=0.06)


def test_training_begins_with_silence_whatever_is_asked():
    x_t, what = asked(SMALL, 2, 9)
    said = Dit(SMALL)(x_t, torch.tensor([0.1, 0.9]), torch.ones(2, 9, dtype=torch.bool), what)
    assert not said.any()


@pytest.mark.parametrize("patch", [1, 2, 4])
def test_a_song_comes_out_the_same_alone_and_beside_a_longer_one(patch: int):
    settings = SMALL.model_copy(update={"patch": patch})
    model = awake(settings)
    x_t, what = asked(settings, 2, 11)
    t = torch.tensor([0.3, 0.7])
    frames = torch.ones(2, 11, dtype=torch.bool)
    frames[0, 5:] = False
    text_there = what.text_there.clone()
    text_there[0, 2:] = False
    beside = model(x_t, t, frames, Asked(what.text, text_there, what.lyrics, what.whole, what.context))
    alone = model(
        x_t[:1, :5],
        t[:1],
        frames[:1, :5],
        Asked(what.text[:1, :2], text_there[:1, :2], what.lyrics[:1, :5], what.whole[:1], what.context[:1, :5]),
    )
    torch.testing.assert_close(beside[:1, :5], alone, atol=1e-5, rtol=1e-5)
    assert not beside[0, 5:].any()


@pytest.mark.parametrize("field", ["text", "lyrics", "whole", "context"])
def test_every_condition_is_heard(field: str):
    model, t, frames = awake(SMALL), torch.tensor([0.5]), torch.ones(1, 8, dtype=torch.bool)
    x_t, what = asked(SMALL, 1, 8)
    _, other = asked(SMALL, 1, 8, seed=2)
    values = {name: getattr(what, name) for name in Asked.__slots__}
    changed = Asked(**(values | {field: getattr(other, field)}))
    assert (model(x_t, t, frames, what) - model(x_t, t, frames, changed)).abs().max() > 1e-3


def test_what_is_sung_at_a_frame_is_heard_there_first():
    model, t, frames = awake(SMALL), torch.tensor([0.5]), torch.ones(1, 32, dtype=torch.bool)
    x_t, what = asked(SMALL, 1, 32)
    lyrics = what.lyrics.clone()
    lyrics[:, 20] += 3.0
    moved = model(x_t, t, frames, Asked(what.text, what.text_there, lyrics, what.whole, what.context))
    change = (moved - model(x_t, t, frames, what)).abs().sum(dim=-1)[0]
    assert int(change.argmax()) == 20


def test_checkpointing_changes_no_gradient():
    x_t, what = asked(SMALL, 1, 8)
    gradients = []
    for checkpointing in (False, True):
        model = awake(SMALL.model_copy(update={"checkpointing": checkpointing})).train()
        model(x_t, torch.tensor([0.5]), torch.ones(1, 8, dtype=torch.bool), what).square().mean().backward()
        gradients.append(model.into.weight.grad)
    torch.testing.assert_close(*gradients)


def test_rotary_attention_hears_distances_and_not_positions():
    q, k = torch.randn(2, 1, 1, 1, 8, generator=torch.Generator().manual_seed(0))
    turn = rotary(10, 8, torch.device("cpu"))

    def heard(at: int, other: int) -> float:
        return float((turned(q, turn[at : at + 1]) * turned(k, turn[other : other + 1])).sum())

    assert heard(2, 5) == pytest.approx(heard(6, 9), abs=1e-5)
    assert heard(2, 5) != pytest.approx(heard(2, 6), abs=1e-3)


@pytest.mark.parametrize("padded", [False, True])
def test_compiled_it_is_one_graph_and_says_the_same(padded: bool):
    """With the backend that needs no compiler: it is the graph that is tested, and not the kernels."""
    x_t, what = asked(SMALL, 2, 8)
    frames = torch.arange(8) < torch.tensor([[8], [5]]) if padded else None
    results = []
    for compiled in (False, True):
        model = awake(SMALL).train()
        run = torch.compile(model, fullgraph=True, backend="aot_eager") if compiled else model
        said = run(x_t, torch.tensor([0.3, 0.7]), frames, what)
        said.square().mean().backward()
        results.append((said.detach(), model.into.weight.grad))
    torch.testing.assert_close(*results, atol=1e-5, rtol=1e-5)


def test_no_mask_says_the_same_as_a_mask_that_hides_nothing():
    model, t = awake(SMALL), torch.tensor([0.3, 0.7])
    x_t, what = asked(SMALL, 2, 9)
    masked = model(x_t, t, torch.ones(2, 9, dtype=torch.bool), what)
    unmasked = model(x_t, t, None, replace(what, text_there=None))
    torch.testing.assert_close(unmasked, masked, atol=1e-5, rtol=1e-5)
