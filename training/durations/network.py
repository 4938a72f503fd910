"""How long each line of lyrics is sung, and how long the gaps between them are, in a song of a given length.

Letters: b batch, k part (a gap or a line), f feature, d width, r sway, w word of the prompt.

A small transformer hears a song as its parts (`parts.py`) and says how they share the time: it gives not one answer but
a spread of them, whose mean can be taken or from which one can be drawn. Pinned lines stay where they are, and it hears
them: they tell of the tempo.
"""

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from training.conditioning import places
from training.durations.features import FEATURES, features_of
from training.durations.parts import timed
from training.durations.spread import Spread
from training.request import Request
from training.settings import DurationSettings

NARROWEST = 0.03  # a part's deviation is never less, or a song that is seen often would be believed in too much


@dataclass(frozen=True, slots=True)
class Heard:
    """A batch of songs in numbers. Padding is 0."""

    parts: Tensor  # b k f
    there: Tensor  # b k, bool: which parts are of the song
    syllables: Tensor  # b k
    words: Tensor  # b w: bins of the prompt's words + 1
    stretch: Tensor  # b k
    spare_s: Tensor  # b s, float64


def hear(requests: Sequence[Request], tempos_bpm: Sequence[float | None], settings: DurationSettings) -> Heard:
    """Songs as a batch, padded to the longest. A tempo that is not known is None.

    Raises:
        ValueError: as `features_of`.
    """
    songs = [features_of(request, tempo_bpm) for request, tempo_bpm in zip(requests, tempos_bpm, strict=True)]
    bins = [bins_of(request.prompt, settings.prompt_words) for request in requests]
    return Heard(
        parts=_padded([torch.from_numpy(song.parts) for song in songs]),
        there=_padded([torch.ones(len(song.parts), dtype=torch.bool) for song in songs]),
        syllables=_padded([torch.from_numpy(song.syllables) for song in songs]),
        words=_padded([torch.tensor([0, *(one + 1 for one in each)]) for each in bins]),
        stretch=_padded([torch.from_numpy(song.stretch) for song in songs]),
        spare_s=_padded([torch.from_numpy(song.spare_s) for song in songs]),
    )


def bins_of(prompt: str, count: int) -> list[int]:
    """A prompt's words, each as one of so many bins; the same on every machine."""
    return [zlib.crc32(word.encode()) % count for word in re.findall(r"\w+", prompt.casefold())]


class Durations(nn.Module):
    """Heard -> Spread. Untrained, it shares time out by syllables."""

    def __init__(self, settings: DurationSettings) -> None:
        super().__init__()
        d = settings.width
        self.settings = settings
        self.into = nn.Sequential(nn.Linear(FEATURES, 2 * d), nn.GELU(), nn.Linear(2 * d, d))
        self.words = nn.EmbeddingBag(settings.prompt_words + 1, d, mode="mean", padding_idx=0)
        layer = nn.TransformerEncoderLayer(
            d, settings.heads, 4 * d, settings.dropout, activation="gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, settings.layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(d)
        self.out = nn.Linear(d, 2)
        self.sway = nn.Linear(d, settings.sways)
        nn.init.normal_(self.words.weight, std=0.02)
        nn.init.normal_(self.sway.weight, std=0.02)  # at zero nothing would ever move it
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, heard: Heard) -> Spread:
        parts = self.into(heard.parts)
        x = parts + self.words(heard.words)[:, None] + places(parts.shape[1], parts.shape[2], parts.device)
        x = self.norm(self.layers(x, src_key_padding_mask=~heard.there))
        centre, deviation = self.out(x).unbind(dim=-1)  # b k each
        by_syllables = heard.syllables.clamp(min=1).log()
        return Spread(
            centre=by_syllables + centre,
            deviation=nn.functional.softplus(deviation) + NARROWEST,
            sway=self.sway(x),
            stretch=heard.stretch,
            spare_s=heard.spare_s,
        )

    @torch.inference_mode()
    def mean(self, request: Request, tempo_bpm: float | None = None) -> Request:
        """The request with a time for each line: the mean of what is likely.

        Raises:
            ValueError: the request cannot be met; it says which line is at fault and what to do.
        """
        return timed(request, self._spread(request, tempo_bpm).mean()[0].tolist())

    @torch.inference_mode()
    def draw(self, request: Request, generator: torch.Generator, tempo_bpm: float | None = None) -> Request:
        """The request with a time for each line, drawn from what is likely. Raises as `mean`."""
        return timed(request, self._spread(request, tempo_bpm).draw(1, generator)[0, 0].tolist())

    def _spread(self, request: Request, tempo_bpm: float | None) -> Spread:
        spread: Spread = self(hear([request], [tempo_bpm], self.settings))
        return spread


def _padded(rows: Sequence[Tensor]) -> Tensor:
    return nn.utils.rnn.pad_sequence(list(rows), batch_first=True)
