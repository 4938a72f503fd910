"""Placed lyrics as files: LRC for players and people, JSON for programs."""

import json
from collections.abc import Sequence

from assets.lyrics.align import PlacedLine
from training.lrc import clock


def lrc(lines: Sequence[PlacedLine], *, words: bool = True, title: str | None = None, artist: str | None = None) -> str:
    """The lines as LRC; with `words`, each word's time before it (enhanced LRC) and the line's end after the last."""
    out = [f"[{tag}:{value}]" for tag, value in (("ti", title), ("ar", artist)) if value]
    for line in lines:
        text = line.text
        if words:
            text = " ".join(f"<{clock(word.start_s)}> {word.text}" for word in line.words)
            text += f" <{clock(line.end_s)}>"
        out.append(f"[{clock(line.start_s)}] {text}")
    return "\n".join(out) + "\n"


def as_values(lines: Sequence[PlacedLine], trusts: Sequence[float]) -> list[dict[str, object]]:
    """The lines as plain values, the way the table `lyrics` holds them; `trusts` are the words', in order."""
    values: list[dict[str, object]] = []
    at = 0
    for line in lines:
        own = [float(trust) for trust in trusts[at : at + len(line.words)]]
        at += len(line.words)
        values.append(
            {
                "text": line.text,
                "start_s": line.start_s,
                "end_s": line.end_s,
                "confidence": line.confidence,
                "trust": sum(own) / len(own),
                "words": [
                    {
                        "text": word.text,
                        "start_s": word.start_s,
                        "end_s": word.end_s,
                        "confidence": word.confidence,
                        "trust": trust,
                    }
                    for word, trust in zip(line.words, own, strict=True)
                ],
            }
        )
    return values


def as_json(row: dict[str, object]) -> bytes:
    return json.dumps(row, ensure_ascii=False, indent=1, sort_keys=True).encode()
