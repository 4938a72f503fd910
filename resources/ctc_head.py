"""Letters from what Whisper's encoder hears: a small convolutional CTC head.

Letters: b batch, n encoder frame of 20 ms, d encoder width (512), w width of the head, s symbol.
"""

import json
from dataclasses import dataclass

from safetensors.torch import load, save
from torch import Tensor, nn

SYMBOLS = ("_", " ", "'", *"abcdefghijklmnopqrstuvwxyz")  # symbols[0] is the CTC blank


class Residual(nn.Module):
    """b w n -> b w n; each frame hears `dilation` frames and twice as many to either side."""

    def __init__(self, width: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(1, width)
        self.conv = nn.Conv1d(width, width, kernel_size=5, padding=2 * dilation, dilation=dilation)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        change: Tensor = self.dropout(nn.functional.gelu(self.conv(self.norm(x))))
        return x + change


class CtcHead(nn.Module):
    """b n d -> b n s, natural logarithms of probabilities."""

    def __init__(self, d: int = 512, width: int = 256, symbols: int = len(SYMBOLS), dropout: float = 0.2) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(d)
        self.dropout = nn.Dropout(dropout)
        self.into = nn.Conv1d(d, width, kernel_size=3, padding=1)
        self.body = nn.Sequential(*(Residual(width, dilation, dropout) for dilation in (1, 2, 4)))
        self.out = nn.Conv1d(width, symbols, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.dropout(self.norm(x)).transpose(1, 2)  # b d n
        x = self.body(nn.functional.gelu(self.into(x)))  # b w n
        scores: Tensor = self.out(x).transpose(1, 2)  # b n s
        return scores.float().log_softmax(dim=-1)


@dataclass(frozen=True, slots=True)
class HeadFacts:
    """What the weights file says of itself.

    `delay_s` is how late the head hears a letter begin. `late_s` is how much later than that it hears words that begin
    with some letter or two, and under the empty name all others: a `b` is silence before it is heard.
    """

    symbols: tuple[str, ...]
    delay_s: float
    late_s: dict[str, float]
    recipe: dict[str, str | int | float]


def pack(head: CtcHead, facts: HeadFacts) -> bytes:
    """A safetensors file: the weights in half precision, the facts in its metadata."""
    metadata = {
        "symbols": json.dumps(facts.symbols),
        "delay_s": repr(facts.delay_s),
        "late_s": json.dumps(facts.late_s, sort_keys=True),
        "recipe": json.dumps(facts.recipe, sort_keys=True),
    }
    return save({name: t.detach().half().contiguous() for name, t in head.state_dict().items()}, metadata)


def unpack(data: bytes) -> tuple[CtcHead, HeadFacts]:
    """The head, ready to listen in single precision, and its facts.

    Raises:
        ValueError: not a file that `pack` made.
    """
    try:
        length = int.from_bytes(data[:8], "little")
        metadata = json.loads(data[8 : 8 + length])["__metadata__"]
        symbols = tuple(json.loads(metadata["symbols"]))
        late_s = json.loads(metadata["late_s"])
        facts = HeadFacts(symbols, float(metadata["delay_s"]), late_s, json.loads(metadata["recipe"]))
    except (KeyError, UnicodeDecodeError) as error:
        raise ValueError(f"not the weights of a CTC head: {error!r}") from None
    weights = {name: t.float() for name, t in load(data).items()}
    width, d, _ = weights["into.weight"].shape
    head = CtcHead(d, width, len(symbols))
    head.load_state_dict(weights)
    return head.eval().requires_grad_(False), facts
