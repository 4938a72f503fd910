"""The transformer beside the same thing written plainly: numpy in double precision, a loop for every head and token.

Letters: n latent frame, m token, c latent channel, d width, k text token, e channel of a head.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from training.dit import Asked, Dit
from training.settings import DitSettings

Array = np.ndarray
Weights = Mapping[str, Array]


def noisy(settings: DitSettings, seed: int = 0) -> Dit:
    """A model all of whose weights are noise: gates that begin at zero would hide what lies behind them.

    Each matrix keeps the size of what goes through it, and gains stay near one, so that it is as well-conditioned as
    a trained model.
    """
    g = torch.Generator().manual_seed(seed)
    model = Dit(settings).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            spread = weight.shape[-1] ** -0.5 if weight.ndim == 2 and not name.endswith(("table", "last")) else 0.3
            weight.copy_(spread * torch.randn(weight.shape, generator=g))
            if "norm" in name or name == "text.1.weight":
                weight.add_(1.0)
    return model


def asked_of(settings: DitSettings, texts: Sequence[int], songs: Sequence[int], seed: int = 1) -> tuple[Tensor, ...]:
    """Noisy latents, levels, frames (bool), texts, which tokens are there, lyrics, whole, context: songs of so many
    frames with texts of so many tokens, padded to the longest with what must not be heard."""
    g = torch.Generator().manual_seed(seed)
    b, n, k, s = len(songs), max(songs), max(texts), settings
    frames = torch.arange(n) < torch.tensor(songs)[:, None]
    there = torch.arange(k) < torch.tensor(texts)[:, None]
    return (
        torch.randn(b, n, s.channels, generator=g),
        torch.rand(b, generator=g),
        frames,
        torch.randn(b, k, s.text_width, generator=g),
        there,
        torch.randn(b, n, s.lyrics_width, generator=g),
        torch.randn(b, s.width, generator=g),
        torch.randn(b, n, s.channels + 1, generator=g),
    )


def plain(model: Dit, song: Sequence[Array]) -> Array:
    """One song without padding: x_t n c, t, text k d_text, lyrics n d_lyrics, whole d, context n c + 1 -> n c."""
    s = model.settings
    w: Weights = {name: weight.detach().numpy().astype(np.float64) for name, weight in model.named_parameters()}
    x_t, t, text, lyrics, whole, context = (np.asarray(each, dtype=np.float64) for each in song)
    n = len(x_t)
    tokens = -(-n // s.patch)
    x = np.zeros((tokens, s.width))
    for m in range(tokens):
        numbers: list[float] = []
        for frame in range(m * s.patch, (m + 1) * s.patch):
            if frame < n:
                numbers += [*x_t[frame], *context[frame], *lyrics[frame]]
            else:
                numbers += [0.0] * (2 * s.channels + 1 + s.lyrics_width)
        x[m] = w["into.weight"] @ numbers + w["into.bias"]
    heard = np.stack([rms(w["text.0.weight"] @ token + w["text.0.bias"], w["text.1.weight"]) for token in text])
    angles = [1000 * float(t) * 10_000 ** (-i / 128) for i in range(128)]
    wave = np.array([np.cos(a) for a in angles] + [np.sin(a) for a in angles])
    level = w["time.2.weight"] @ silu(w["time.0.weight"] @ wave + w["time.0.bias"]) + w["time.2.bias"] + whole
    modulation = (w["modulation.1.weight"] @ silu(level) + w["modulation.1.bias"]).reshape(6, s.width)
    for i in range(s.depth):
        of = {name.removeprefix(f"blocks.{i}."): each for name, each in w.items() if name.startswith(f"blocks.{i}.")}
        x = block(x, modulation + of["table"], heard, of, s.heads)
    shift, scale = w["last"] + level
    frames: list[Array] = []
    for token in x:
        said = w["out.weight"] @ (rms(token) * (1 + scale) + shift) + w["out.bias"]
        frames += list(said.reshape(s.patch, s.channels))
    through = w["through.weight"] @ level + w["through.bias"]
    return np.stack([frame + through * noise for frame, noise in zip(frames, x_t, strict=False)])


def block(x: Array, modulation: Array, text: Array, w: Weights, heads: int) -> Array:
    shift_a, scale_a, gate_a, shift_f, scale_f, gate_f = modulation
    d = x.shape[1]
    q, k, v = (
        np.stack([part @ (rms(token) * (1 + scale_a) + shift_a) for token in x])
        for part in (w["listen.qkv.weight"][:d], w["listen.qkv.weight"][d : 2 * d], w["listen.qkv.weight"][2 * d :])
    )
    norms = w["listen.q_norm.weight"], w["listen.k_norm.weight"]
    x = x + gate_a * (attention(q, k, v, heads, *norms, rotate=True) @ w["listen.out.weight"].T)
    q = np.stack([w["read.q.weight"] @ rms(token) for token in x])
    k, v = (np.stack([part @ token for token in text]) for part in (w["read.kv.weight"][:d], w["read.kv.weight"][d:]))
    norms = w["read.q_norm.weight"], w["read.k_norm.weight"]
    x = x + attention(q, k, v, heads, *norms, rotate=False) @ w["read.out.weight"].T
    inner = len(w["think.into.weight"]) // 2
    for m, token in enumerate(x.copy()):
        into = w["think.into.weight"] @ (rms(token) * (1 + scale_f) + shift_f)
        x[m] = token + gate_f * (w["think.out.weight"] @ (silu(into[:inner]) * into[inner:]))
    return x


def attention(q: Array, k: Array, v: Array, heads: int, q_gain: Array, k_gain: Array, rotate: bool) -> Array:
    """m d, k d, k d -> m d, one head and one query after the other."""
    e = q.shape[1] // heads
    out = np.zeros_like(q)
    for head in range(heads):
        own = slice(head * e, (head + 1) * e)
        keys = [rms(key[own], k_gain) for key in k]
        if rotate:
            keys = [turned(key, at) for at, key in enumerate(keys)]
        for m, query in enumerate(q):
            asking = rms(query[own], q_gain)
            asking = turned(asking, m) if rotate else asking
            scores = np.array([asking @ key / np.sqrt(e) for key in keys])
            shares = np.exp(scores - scores.max())
            out[m, own] = (shares / shares.sum()) @ v[:, own]
    return out


def turned(x: Array, at: int) -> Array:
    """Channels i and i + e/2 as a point in the plane, turned by its own angle for each step."""
    half = len(x) // 2
    out = np.zeros_like(x)
    for i in range(half):
        angle = at * 10_000 ** (-2 * i / len(x))
        out[i] = x[i] * np.cos(angle) - x[i + half] * np.sin(angle)
        out[i + half] = x[i + half] * np.cos(angle) + x[i] * np.sin(angle)
    return out


def rms(x: Array, gain: Array | float = 1.0) -> Array:
    normal: Array = x / np.sqrt((x**2).mean() + np.finfo(np.float32).eps) * gain
    return normal


def silu(x: Array) -> Array:
    return x / (1 + np.exp(-x))


def largest_difference(settings: DitSettings, texts: Sequence[int], songs: Sequence[int]) -> float:
    """Between the model's frames, songs side by side in one batch, and those of the plain one, each song alone."""
    model = noisy(settings)
    x_t, t, frames, text, there, lyrics, whole, context = asked_of(settings, texts, songs)
    with torch.no_grad():
        found = model(x_t, t, frames, Asked(text, there, lyrics, whole, context)).numpy()
    differences = []
    for i, (k, n) in enumerate(zip(texts, songs, strict=True)):
        alone = x_t[i, :n], t[i], text[i, :k], lyrics[i, :n], whole[i], context[i, :n]
        expected = plain(model, [each.numpy() for each in alone])
        assert expected.std() > 0.1  # or there would be nothing to tell apart
        differences.append(np.abs(found[i, :n] - expected).max())
    return float(max(differences))


@pytest.mark.parametrize("patch", [1, 2, 3])
def test_it_says_what_the_plain_one_says(patch: int):
    settings = DitSettings(channels=4, patch=patch, width=24, depth=3, heads=2, text_width=6, lyrics_width=5)
    assert largest_difference(settings, texts=[5, 2], songs=[13, 8]) < 1e-5


def test_it_says_what_the_plain_one_says_in_the_tiny_size():
    assert largest_difference(DitSettings(), texts=[9], songs=[24]) < 1e-5
