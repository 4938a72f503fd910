"""The page on which all training runs stand side by side: one HTML file, audio beside it in the store."""

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from html import escape
from importlib.resources import files

from assets.comparison.collect import TRACKS, RunOverview, figures, learning_rates
from assets.comparison.curves import COLOURS, drawn
from assets.scores.bootstrap import Estimate
from assets.tables import Row

FOLDER = "comparison"
PAGE = f"{FOLDER}/index.html"
SOURCE = ("the source's DiT, 2024", "4.1", "0.22", "about 1000, of a GPU")


def render(runs: list[RunOverview], real: Mapping[str, str]) -> str:
    """`real` are the keys of held-out windows' own sound, by item. The page asks nothing of any network."""
    style = _style()
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; media-src 'self' file:; base-uri 'none'; form-action 'none'"
    )
    body = "".join([_runs(runs), _losses(runs), _figures(runs), _samples(runs, real)])
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f"<title>Melisma: training runs</title><style>{style}</style></head><body>"
        f"<header><h1>Training runs</h1><p>{_count(len(runs), 'run')}</p></header><main>{body}</main></body></html>\n"
    )


def _runs(runs: list[RunOverview]) -> str:
    """In the shape of the source's table: model, MOS, RTF, GPU-hours."""
    heads = ("model", "MOS", "RTF", "device-hours", "parameters", "steps", "learning rate", "loss", "memory")
    rows = [[*map(escape, SOURCE), "", "", "", "", ""]]
    for number, run in enumerate(runs):
        last = list(run.stages.values())[-1]
        rows.append(
            [
                f'<span class="key c{number % COLOURS}"></span>{escape(run.run)}'
                f"<small>{escape(run.size)}, {escape(run.codec)}; {escape(', '.join(run.stages))}</small>",
                _opinion(run.opinion),
                _real_time(run.real_time_factor),
                f"{run.device_hours:.3f}<small>{escape(run.device)}</small>",
                f"{run.parameters / 1e6:.1f} M",
                " + ".join(f"{row['steps']:,}" for row in run.stages.values()),
                escape(learning_rates(run)),
                "" if last["last_loss"] is None else f"{last['last_loss']:.3f}",
                "" if run.memory_bytes is None else f"{run.memory_bytes / 1e9:.2f} GB",
            ]
        )
    note = (
        "MOS: mean of ratings from 1 to 5 by people who do not know what they hear (<code>melisma rate</code>). RTF: "
        "seconds that a second of one track takes, from request to sound. The first row is what the source says of its "
        "own model, on other songs and another machine: nothing here was measured beside it."
    )
    return _section("Models", _table(heads, rows) + f'<p class="note">{note}</p>')


def _opinion(opinion: Estimate | None) -> str:
    if opinion is None:
        return '<span class="faint">not rated yet</span>'
    return f"{opinion.value:.2f}<small>{_between(opinion.low, opinion.high)} {_count(opinion.count, 'rating')}</small>"


def _real_time(factor: Mapping[str, float] | None) -> str:
    if factor is None:
        return '<span class="faint">no samples yet</span>'
    parts = ", ".join(f"{name} {value:.3f}" for name, value in factor.items())
    return f"{sum(factor.values()):.3f}<small>{parts}</small>"


def _losses(runs: list[RunOverview]) -> str:
    numbers = {run.run: number for number, run in enumerate(runs)}
    stages = list(dict.fromkeys(stage for run in runs for stage in run.losses))
    plots = []
    for stage in stages:
        if curves := {run.run: run.losses[stage] for run in runs if run.losses.get(stage)}:
            plots.append(
                f"<figure><figcaption>{escape(stage)}</figcaption>{drawn(f'loss, {stage}', curves, numbers)}</figure>"
            )
    legend = "".join(f'<li><span class="key c{n % COLOURS}"></span>{escape(run)}</li>' for run, n in numbers.items())
    return _section("Loss over steps", f'<ul class="legend">{legend}</ul><div class="plots">{"".join(plots)}</div>')


def _figures(runs: list[RunOverview]) -> str:
    columns, rows = figures(runs)
    if not rows:
        return _section("Figures", "<p>No run has been scored yet: <code>melisma train NAME</code></p>")
    cells = [
        [
            f"{escape(figure['figure'])}<small>{escape(figure['unit'] or '')}</small>",
            *(_figure(found.get(column)) for column in columns),
            escape(figure["better"]),
        ]
        for figure, found in rows
    ]
    note = (
        "Held-out windows: songs asked for as they are, beside the window itself (real), that through the codec, the "
        "window of another request (shuffled), and noise. A figure is worth what tells real from shuffled and noise. "
        "In brackets the 95 % bootstrap interval over requests; of few requests it is wide, and of two it says little."
    )
    return _section("Figures", _table(("", *columns, "better"), cells) + f'<p class="note">{note}</p>')


def _figure(row: Row | None) -> str:
    if row is None:
        return ""
    return f"{_number(row['value'])}<small>{_between(row['low'], row['high'])}</small>"


def _between(low: float | None, high: float | None) -> str:
    """Nothing where there is no interval: one request says nothing about others."""
    return "" if low is None or high is None else f"{_number(low)} to {_number(high)}"


def _number(value: float) -> str:
    """Two places; more where these would hide that it is not nothing."""
    return (f"{value:.2f}" if value == 0 or abs(value) >= 0.01 else f"{value:.1g}").replace("-", "−")


def _samples(runs: list[RunOverview], real: Mapping[str, str]) -> str:
    asked: dict[str, Row] = {row["item"]: row for run in runs for row in run.samples}
    articles = []
    for item, row in asked.items():
        players = [_player("real", real[item])] if item in real else []
        for run in runs:
            for sample in run.samples:
                if sample["item"] == item:
                    name = f"{run.run}, seed {sample['seed']}"
                    players += [_player(f"{name}: {t}", sample[f"{t}_uri"], part=t != "mix") for t in TRACKS]
        lyrics = "<br>".join(escape(row["lyrics"] or "").splitlines()) or '<span class="faint">no lyrics</span>'
        articles.append(
            f"<article><h3>{escape(row['prompt'] or item)}</h3><p class=lyrics>{lyrics}</p>"
            f'<div class="players">{"".join(players)}</div></article>'
        )
    return _section("Songs", "".join(articles) or "<p>No run has made songs yet.</p>")


def _player(name: str, key: str, *, part: bool = False) -> str:
    label = escape(name)
    return (
        f'<label class="{"part" if part else "whole"}">{label}'
        f'<audio controls preload="none" src="../{escape(key)}" aria-label="{label}"></audio></label>'
    )


def _section(title: str, body: str) -> str:
    return f"<section><h2>{title}</h2>{body}</section>"


def _table(heads: tuple[str, ...], rows: list[list[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    body = "".join(
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in rest)}</tr>' for first, *rest in rows
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


@cache
def _style() -> str:
    return (files("assets.comparison") / "page.css").read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
