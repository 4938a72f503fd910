"""The network of line durations learns from songs whose lines have times.

Each time that it sees a song, other things are told and hidden: its tempo, its prompt, the times of some lines. So it
learns to do with what it gets.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from training.durations.network import Durations, hear
from training.durations.parts import lengths_of, stretches_of
from training.phonemes import symbols_of
from training.request import AskedLine, Request
from training.settings import DurationSettings

MOST_PINNED = 0.5  # of a song's lines
SHORTEST_LINE_S = 0.1  # nobody sings a line in less; its words were not found


@dataclass(frozen=True, slots=True)
class TimedSong:
    """A song all of whose lines have their true times."""

    request: Request
    tempo_bpm: float | None = None


def timed_song_of(sample: Mapping[str, Any]) -> TimedSong | None:
    """A sample of a shard, as its JSON says it is; None where it holds no whole line that can be sung.

    A line that the window holds in part is not sung to its end, and what is before or after it is no gap: the example
    reaches from the end of one at the start to the start of one at the end. Where voices overlap, a line ends when
    the next begins.
    """
    lyrics = sample["lyrics"]
    rows = sorted(lyrics["lines"] or (), key=lambda row: row["start_s"])
    parts = [row for row in rows if not row["whole"]]
    whole = [row for row in rows if row["whole"] and symbols_of(row["text"], lyrics["language"])]
    if not whole:
        return None
    from_s = max((row["end_s"] for row in parts if row["start_s"] < whole[0]["start_s"]), default=0.0)
    to_s = min((row["start_s"] for row in parts if row["start_s"] > whole[-1]["start_s"]), default=sample["duration_s"])
    lines: list[AskedLine] = []
    for row, next_s in zip(whole, [*(row["start_s"] for row in whole[1:]), to_s], strict=True):
        start_s, end_s = max(row["start_s"], from_s) - from_s, min(row["end_s"], next_s) - from_s
        if end_s - start_s >= SHORTEST_LINE_S:
            lines.append(AskedLine(row["text"], start_s, end_s, row.get("section") or ""))
    if not lines:
        return None
    request = Request(to_s - from_s, sample["caption"] or "", tuple(lines), lyrics["language"])
    return TimedSong(request, sample["tempo_bpm"])


def fit(
    examples: Sequence[TimedSong],
    settings: DurationSettings,
    watch: Callable[[int, float], None] = lambda epoch, loss: None,
) -> Durations:
    """The network after all epochs. On one machine and its processor, the same examples and settings give the same.

    Raises:
        ValueError: no examples, or one with a line without times or whose times cannot be.
    """
    if not examples:
        raise ValueError("there are no songs to learn line durations from")
    lengths = [_lengths(number, example.request) for number, example in enumerate(examples, 1)]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        generator = torch.Generator().manual_seed(settings.seed)
        model = Durations(settings).train()
        steps = settings.epochs * -(-len(examples) // settings.batch)
        optimiser = torch.optim.AdamW(model.parameters(), lr=settings.rate, weight_decay=settings.weight_decay)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, settings.rate, total_steps=steps, pct_start=0.2)
        for epoch in range(settings.epochs):
            order = torch.randperm(len(examples), generator=generator)
            losses = []
            for chosen in order.split(settings.batch):
                told = [hidden(examples[i], settings, generator) for i in chosen.tolist()]
                heard = hear([one.request for one in told], [one.tempo_bpm for one in told], settings)
                truth = nn.utils.rnn.pad_sequence([lengths[i] for i in chosen.tolist()], batch_first=True)
                loss = model(heard).loss(truth).mean()
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimiser.step()
                schedule.step()
                losses.append(loss.item())
            watch(epoch, sum(losses) / len(losses))
    return model.eval()


def hidden(example: TimedSong, settings: DurationSettings, generator: torch.Generator) -> TimedSong:
    """What is told of a song this time: with or without tempo and prompt, and at least one line free."""
    tempo, prompt, pins, share = torch.rand(4, generator=generator).tolist()
    lines = example.request.lines
    pinned = torch.rand(len(lines), generator=generator) < (share * MOST_PINNED if pins < settings.pins else 0.0)
    pinned[torch.randint(len(lines), (), generator=generator)] = False
    told = tuple(
        line if kept else replace(line, start_s=None, end_s=None)
        for line, kept in zip(lines, pinned.tolist(), strict=True)
    )
    return TimedSong(
        replace(example.request, lines=told, prompt=example.request.prompt if prompt < settings.tells_prompt else ""),
        example.tempo_bpm if tempo < settings.tells_tempo else None,
    )


def save(model: Durations, path: Path) -> None:
    """Weights and settings as safetensors; the file appears whole or not at all."""
    part = path.with_name(f"{path.name}.part")
    weights = {name: weight.detach().contiguous() for name, weight in model.state_dict().items()}
    save_file(weights, part, {"durations": model.settings.model_dump_json()})
    part.replace(path)


def load(path: Path) -> Durations:
    """What `save` wrote.

    Raises:
        ValueError: a file of something else.
    """
    try:
        with safe_open(path, "pt") as file:
            model = Durations(DurationSettings.model_validate(json.loads((file.metadata() or {})["durations"])))
            model.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
    except (SafetensorError, KeyError, RuntimeError, ValidationError) as error:
        raise ValueError(f"{path} holds no network of line durations: {error}") from None
    return model.eval()


def _lengths(number: int, request: Request) -> Tensor:
    """k seconds of each part."""
    try:
        left = stretches_of(request)
    except ValueError as error:
        raise ValueError(f"song {number} cannot be learnt from: {error}") from None
    lengths_s = [length_s for length_s in lengths_of(request) if length_s is not None]
    if left or min(lengths_s[1::2]) < SHORTEST_LINE_S:
        raise ValueError(f"song {number} cannot be learnt from: a line has no times, or less than {SHORTEST_LINE_S} s")
    return torch.tensor(lengths_s, dtype=torch.float64)
