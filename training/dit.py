"""The diffusion transformer: what is to be said of a noisy latent, given all that is asked of the song.

Letters: b batch, n latent frame, m token (`patch` frames), c latent channel, d width, h head, k text token.

Built from what is known to work: RMSNorm; rotary self-attention with normalised queries and keys; cross-attention;
SwiGLU; one modulation network for all blocks, to which each adds a table of its own (AdaLN-single, PixArt-α, Chen et
al., 2023); gates that begin at zero, so that training begins with the identity (Peebles and Xie, 2022).
"""

from dataclasses import dataclass
from math import log

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from training.settings import DitSettings

ROTARY_BASE = 10_000.0
TIME_WAVES = 256  # of the noise level's sinusoidal embedding
MODULATIONS = 6  # shift, scale and gate, of self-attention and of the feed-forward


@dataclass(frozen=True, slots=True)
class Asked:
    """What a song is to be, ready for the transformer."""

    text: Tensor  # b k d_text: the prompt's tokens, then those of the lyrics
    text_there: Tensor | None  # b k, bool: which of them are no padding; None: all
    lyrics: Tensor  # b n d_lyrics: what is sung at each frame
    whole: Tensor  # b d: what holds of the song as one: its length, which track of it is wanted
    context: Tensor  # b n c + 1: latents that are given, and 1 where they are


class Dit(nn.Module):
    """x_t b n c, t b, frames b n (bool: which are no padding) and all that is asked -> b n c."""

    def __init__(self, settings: DitSettings) -> None:
        super().__init__()
        s, d = settings, settings.width
        self.settings = settings
        self.into = nn.Linear(s.patch * (2 * s.channels + 1 + s.lyrics_width), d)
        self.text = nn.Sequential(nn.Linear(s.text_width, d), nn.RMSNorm(d))
        self.time = nn.Sequential(nn.Linear(TIME_WAVES, d), nn.SiLU(), nn.Linear(d, d))
        modulate = nn.Linear(d, MODULATIONS * d)
        self.modulation = nn.Sequential(nn.SiLU(), modulate)
        self.blocks = nn.ModuleList(Block(d, s.heads) for _ in range(s.depth))
        self.last = nn.Parameter(torch.zeros(2, d))
        self.norm = nn.RMSNorm(d, elementwise_affine=False)
        self.out = nn.Linear(d, s.patch * s.channels)
        self.through = nn.Linear(d, s.channels)
        nn.init.zeros_(self.through.weight)
        nn.init.zeros_(self.through.bias)
        nn.init.zeros_(modulate.weight)
        nn.init.zeros_(modulate.bias)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x_t: Tensor, t: Tensor, frames: Tensor | None, asked: Asked) -> Tensor:
        """Frames that are padding come out as zero, and change nothing in the others; `None` where there are none.

        The fastest kernels of a GPU take no mask. That none is needed is for the caller to find out: to look at the
        mask would break a compiled graph.
        """
        patch = self.settings.patch
        length = x_t.shape[1]
        heard = torch.cat((x_t, asked.context, asked.lyrics), dim=-1)
        there = None
        if frames is not None:
            there = _tokens(frames[..., None].float(), patch).amax(dim=-1) > 0  # b m
            heard = heard * frames[..., None]
        x = self.into(_tokens(heard, patch).to(self.into.weight.dtype))  # b m d
        text = self.text(asked.text)  # b k d
        level = self.time(waves(t, TIME_WAVES).to(x.dtype)) + asked.whole  # b d
        modulation = self.modulation(level).unflatten(-1, (MODULATIONS, -1))  # b 6 d
        turn = rotary(x.shape[1], self.settings.width // self.settings.heads, x.device)
        for block in self.blocks:
            arguments = (x, modulation, turn, there, text, asked.text_there)
            if self.settings.checkpointing and self.training:
                x = checkpoint(block, *arguments, use_reentrant=False)
            else:
                x = block(*arguments)
        shift, scale = (self.last + level[:, None]).chunk(2, dim=1)  # b 1 d each
        said = self.out(self.norm(x) * (1 + scale) + shift)  # b m patch·c
        said = said.unflatten(-1, (patch, -1)).flatten(1, 2)[:, :length]  # b n c
        # Noise has as many dimensions as a token has numbers, which may be more than the width: what needs no thought
        # but its level goes straight through.
        said = said + self.through(level)[:, None] * x_t
        return said if frames is None else said * frames[..., None]


class Block(nn.Module):
    """b m d -> b m d: each token hears all others, then the text, then itself."""

    def __init__(self, d: int, heads: int) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.zeros(MODULATIONS, d))
        self.norms = nn.ModuleList(nn.RMSNorm(d, elementwise_affine=False) for _ in range(3))
        self.listen = SelfAttention(d, heads)
        self.read = CrossAttention(d, heads)
        self.think = SwiGlu(d)

    def forward(
        self,
        x: Tensor,
        modulation: Tensor,
        turn: Tensor,
        there: Tensor | None,
        text: Tensor,
        text_there: Tensor | None,
    ) -> Tensor:
        """modulation b 6 d, turn m d/h/2 2, there b m, text b k d, text_there b k; no mask: all are there."""
        shift_a, scale_a, gate_a, shift_f, scale_f, gate_f = (self.table + modulation)[:, :, None].unbind(1)  # b 1 d
        x = x + gate_a * self.listen(self.norms[0](x) * (1 + scale_a) + shift_a, turn, there)
        x = x + self.read(self.norms[1](x), text, text_there)
        return x + gate_f * self.think(self.norms[2](x) * (1 + scale_f) + shift_f)


class SelfAttention(nn.Module):
    def __init__(self, d: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(d, 3 * d, bias=False)
        self.q_norm, self.k_norm = nn.RMSNorm(d // heads), nn.RMSNorm(d // heads)
        self.out = nn.Linear(d, d, bias=False)

    def forward(self, x: Tensor, turn: Tensor, there: Tensor | None) -> Tensor:
        q, k, v = _headed(self.qkv(x), 3 * self.heads).chunk(3, dim=1)  # b h m d/h
        q, k = turned(self.q_norm(q), turn), turned(self.k_norm(k), turn)
        return self.out(_joined(F.scaled_dot_product_attention(q, k, v, attn_mask=_mask(there))))


class CrossAttention(nn.Module):
    """Its output begins at zero, which stands for a gate."""

    def __init__(self, d: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q, self.kv = nn.Linear(d, d, bias=False), nn.Linear(d, 2 * d, bias=False)
        self.q_norm, self.k_norm = nn.RMSNorm(d // heads), nn.RMSNorm(d // heads)
        self.out = nn.Linear(d, d, bias=False)
        nn.init.zeros_(self.out.weight)

    def forward(self, x: Tensor, text: Tensor, there: Tensor | None) -> Tensor:
        q = self.q_norm(_headed(self.q(x), self.heads))  # b h m d/h
        k, v = _headed(self.kv(text), 2 * self.heads).chunk(2, dim=1)  # b h k d/h
        return self.out(_joined(F.scaled_dot_product_attention(q, self.k_norm(k), v, attn_mask=_mask(there))))


class SwiGlu(nn.Module):
    """Shazeer, "GLU variants improve transformer", 2020. As many weights as a feed-forward four times as wide."""

    def __init__(self, d: int) -> None:
        super().__init__()
        inner = -(-8 * d // 3 // 16) * 16
        self.into, self.out = nn.Linear(d, 2 * inner, bias=False), nn.Linear(inner, d, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        gate, value = self.into(x).chunk(2, dim=-1)
        return self.out(F.silu(gate) * value)


def waves(t: Tensor, count: int) -> Tensor:
    """[b] noise levels in 0 … 1 -> b count: cosines and sines of rising frequency.

    In double precision: of an angle of a thousand, single precision leaves four digits after the point.
    """
    steps = torch.arange(count // 2, device=t.device, dtype=torch.float64)
    angles = 1000 * t.double()[:, None] * torch.exp(steps * (-log(ROTARY_BASE) / (count // 2)))
    return torch.cat((angles.cos(), angles.sin()), dim=-1).float()


def rotary(tokens: int, width: int, device: torch.device) -> Tensor:
    """m d/2 2: by how much each pair of channels is turned at each token (Su et al., 2021), as cosine and sine."""
    rates = ROTARY_BASE ** (-torch.arange(0, width, 2, device=device) / width)
    angles = torch.arange(tokens, device=device)[:, None] * rates
    return torch.stack((angles.cos(), angles.sin()), dim=-1)


def turned(x: Tensor, turn: Tensor) -> Tensor:
    """b h m d -> b h m d, each pair of channels (i, i + d/2) turned."""
    cos, sin = turn.to(x.dtype).unbind(-1)
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1)


def _tokens(x: Tensor, patch: int) -> Tensor:
    """b n c -> b m patch·c; the last token is filled up with zeros."""
    return F.pad(x, (0, 0, 0, -x.shape[1] % patch)).unflatten(1, (-1, patch)).flatten(2)


def _mask(there: Tensor | None) -> Tensor | None:
    """b k -> b 1 1 k, for every head and every query."""
    return None if there is None else there[:, None, None]


def _headed(x: Tensor, heads: int) -> Tensor:
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def _joined(x: Tensor) -> Tensor:
    return x.transpose(1, 2).flatten(2)
