"""From what is asked of songs to what the transformer hears, and what it hears instead of what it is not told.

Letters: b batch, n latent frame, k text token, c latent channel, d width.

The prompt is read by a text encoder, a small one that learns along or a frozen one; lyrics are read as phonemes, once
in a row, for cross-attention, and once frame by frame, where each is to be sung. What is left out, be it the prompt,
the lyrics or both, is replaced by a vector that is learnt: these are the states that guidance weighs against each
other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from math import log
from typing import Protocol

import torch
from torch import Tensor, nn

from training.dit import Asked, waves
from training.guidance import State
from training.phonemes import INDEX, PAD, SYMBOLS
from training.request import Request, Track, layout_of
from training.settings import ConditionSettings, DitSettings

BYTES = 257  # a byte, or padding, which is 0
TRACKS = tuple(Track)
HEARD: Mapping[State, tuple[bool, bool]] = {  # prompt, lyrics
    State.NOTHING: (False, False),
    State.VOCALS: (False, True),
    State.INSTRUMENTS: (True, False),
    State.BOTH: (True, True),
}


@dataclass(frozen=True, slots=True)
class Told:
    """A batch of requests in numbers. Padding is 0 in all of them."""

    prompt: Tensor  # b k: bytes of the small encoder + 1; or b k d, what a frozen one has read
    prompt_there: Tensor  # b k, bool
    row: Tensor  # b k: symbols of the lyrics
    grid: Tensor  # b n: the symbol at each frame
    frames: Tensor  # b n, bool: which are of the song
    padded: bool  # whether any are not
    language: Tensor  # b: index into `languages` + 1
    track: Tensor  # b: index into `Track`
    given: Tensor  # b: index into `Track` + 1 of what the context is of; 0: nothing
    duration_s: Tensor  # b
    tells_prompt: Tensor  # b, bool
    tells_lyrics: Tensor  # b, bool
    context: Tensor  # b n c + 1

    def to(self, device: str) -> "Told":
        tensors = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "padded"}
        return replace(self, **{name: tensor.to(device, non_blocking=True) for name, tensor in tensors.items()})

    def read_by(self, encoder: "FrozenEncoder", prompts: Sequence[str]) -> "Told":
        """The same requests, whose prompts a frozen encoder has read."""
        read = encoder(prompts)
        there = _padded([torch.ones(len(prompt), dtype=torch.bool) for prompt in read])
        device = self.prompt.device
        return replace(self, prompt=_padded(read).to(device), prompt_there=there.to(device))

    def in_state(self, state: State) -> "Told":
        """The same requests, of which so much is told."""
        prompt, lyrics = (torch.full_like(self.tells_prompt, told) for told in HEARD[state])
        return replace(self, tells_prompt=prompt, tells_lyrics=lyrics)


class FrozenEncoder(Protocol):
    """A text encoder that does not learn."""

    width: int

    def __call__(self, prompts: Sequence[str]) -> list[Tensor]:
        """What it reads in each prompt: k d of its own width."""


def tell(
    requests: Sequence[Request],
    frame_s: float,
    channels: int,
    settings: ConditionSettings,
) -> Told:
    """Requests as a batch, all of it told, nothing of the music given. Songs are padded to the longest.

    Raises:
        ValueError: a song is longer than the settings allow, or has no length.
    """
    for request in requests:
        if not 0 < request.duration_s <= settings.longest_s:
            raise ValueError(f"a song is up to {settings.longest_s:g} s long, got {request.duration_s:g} s")
    frames = [max(1, round(request.duration_s / frame_s)) for request in requests]
    layouts = [layout_of(r.lines, r.language, n, frame_s) for r, n in zip(requests, frames, strict=True)]
    rows = [torch.tensor(layout.row[: settings.lyrics_tokens], dtype=torch.long) for layout in layouts]
    prompts = [_bytes(request.prompt, settings) for request in requests]
    return Told(
        prompt=_padded(prompts),
        prompt_there=_padded([torch.ones(len(prompt), dtype=torch.bool) for prompt in prompts]),
        row=_padded(rows),
        grid=_padded([torch.tensor(layout.grid) for layout in layouts]),
        frames=_padded([torch.ones(n, dtype=torch.bool) for n in frames]),
        padded=min(frames) < max(frames),
        language=torch.tensor([_index(request.language, settings.languages) for request in requests]),
        track=torch.tensor([TRACKS.index(request.track) for request in requests]),
        given=torch.zeros(len(requests), dtype=torch.long),
        duration_s=torch.tensor([request.duration_s for request in requests], dtype=torch.float32),
        tells_prompt=torch.ones(len(requests), dtype=torch.bool),
        tells_lyrics=torch.ones(len(requests), dtype=torch.bool),
        context=torch.zeros(len(requests), max(frames), channels + 1),
    )


class Conditioner(nn.Module):
    """Told -> Asked. `frozen_width` is that of a frozen encoder, where there is one."""

    def __init__(self, settings: ConditionSettings, shape: DitSettings, frozen_width: int = 0) -> None:
        super().__init__()
        d_text, d_lyrics = shape.text_width, shape.lyrics_width
        self.settings = settings
        self.prompt = nn.Linear(frozen_width, d_text) if frozen_width else Reader(BYTES, d_text, settings.layers)
        self.row = Reader(len(SYMBOLS), d_text, settings.layers)
        self.grid = nn.Embedding(len(SYMBOLS), d_lyrics)
        self.around = Around(d_lyrics)
        self.language = nn.Embedding(len(settings.languages) + 1, d_text)
        self.track = nn.Embedding(len(TRACKS), shape.width)
        self.given = nn.Embedding(len(TRACKS) + 1, shape.width)
        self.length = nn.Sequential(nn.Linear(256, shape.width), nn.SiLU(), nn.Linear(shape.width, shape.width))
        self.no_prompt = nn.Parameter(torch.randn(d_text) * 0.02)
        self.no_lyrics = nn.Parameter(torch.randn(d_text) * 0.02)
        self.no_grid = nn.Parameter(torch.randn(d_lyrics) * 0.02)

    def forward(self, told: Told) -> Asked:
        row_there = told.row != INDEX[PAD]
        dtype = self.no_grid.dtype  # sharded weights may come in half precision
        if told.prompt.is_floating_point():
            prompt = self.prompt(told.prompt.to(dtype))
        else:
            prompt = self.prompt(told.prompt, told.prompt_there)
        row = self.row(told.row, row_there) + self.language(told.language)[:, None]
        prompt, prompt_there = _or_null(prompt, told.prompt_there, told.tells_prompt, self.no_prompt)
        row, row_there = _or_null(row, row_there, told.tells_lyrics, self.no_lyrics)
        sung = self.around(self.grid(told.grid), told.frames)
        sung = torch.where(told.tells_lyrics[:, None, None], sung, self.no_grid)
        return Asked(
            text=torch.cat((prompt, row), dim=1),
            text_there=torch.cat((prompt_there, row_there), dim=1),
            lyrics=sung,
            whole=self.track(told.track)
            + self.given(told.given)
            + self.length(waves(told.duration_s / self.settings.longest_s, 256).to(dtype)),
            context=told.context,
        )


class Around(nn.Module):
    """b n d -> b n d: what lies at a frame, and near it. A song ends in silence, whatever it is padded with."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.near, self.far = nn.Conv1d(d, d, 7, padding=3), nn.Conv1d(d, d, 7, padding=3)

    def forward(self, x: Tensor, there: Tensor) -> Tensor:
        inside = there[:, None]  # b 1 n
        x = x.transpose(1, 2) * inside
        near = nn.functional.gelu(self.near(x)) * inside
        return (x + self.far(near) * inside).transpose(1, 2)


class Reader(nn.Module):
    """A small transformer over symbols: b k (indices), b k (bool) -> b k d."""

    def __init__(self, symbols: int, d: int, layers: int) -> None:
        super().__init__()
        self.symbols = nn.Embedding(symbols, d)
        layer = nn.TransformerEncoderLayer(
            d, max(1, d // 64), 2 * d, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)

    def forward(self, row: Tensor, there: Tensor) -> Tensor:
        symbols = self.symbols(row)
        x = symbols + places(row.shape[1], symbols.shape[-1], row.device).to(symbols.dtype)
        seen = there | ~there.any(dim=1, keepdim=True)  # a row of padding alone hears itself, and is not listened to
        read: Tensor = self.layers(x, src_key_padding_mask=~seen)
        return read


def places(count: int, d: int, device: torch.device) -> Tensor:
    """k d: where in its row a symbol stands (Vaswani et al., 2017)."""
    rates = torch.exp(torch.arange(0, d, 2, device=device) * (-log(10_000.0) / d))
    angles = torch.arange(count, device=device)[:, None] * rates
    return torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(1)[:, :d]


def _or_null(tokens: Tensor, there: Tensor, told: Tensor, null: Tensor) -> tuple[Tensor, Tensor]:
    """Tokens after a first one, which stands for all of them where they are not told: b k d -> b 1+k d."""
    first = null.expand(len(tokens), 1, -1)
    kept = there & told[:, None]
    return torch.cat((first, tokens), dim=1), torch.cat((~kept.any(dim=1, keepdim=True), kept), dim=1)


def _bytes(text: str, settings: ConditionSettings) -> Tensor:
    data = text.encode()[: settings.prompt_tokens]
    return torch.tensor([byte + 1 for byte in data], dtype=torch.long)


def _padded(rows: Sequence[Tensor]) -> Tensor:
    """One row a song, as long as the longest and at least one."""
    padded = nn.utils.rnn.pad_sequence(list(rows), batch_first=True)
    return padded if padded.shape[1] else torch.zeros(len(rows), 1, *padded.shape[2:], dtype=padded.dtype)


def _index(name: str | None, names: Sequence[str]) -> int:
    return names.index(name) + 1 if name in names else 0
