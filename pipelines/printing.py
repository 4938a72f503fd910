"""What the command line prints: tables for people, JSON for programs."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

WIDE = None if sys.stdout.isatty() else 200  # a file or a program has no width to keep to
console = Console(highlight=False, soft_wrap=True, width=WIDE)
errors = Console(stderr=True, highlight=False, soft_wrap=True)

AsJson = Annotated[bool, typer.Option("--json", help="print JSON for programs")]


def print_json(value: Any) -> None:
    """In ASCII: a title may hold what acts on a terminal."""
    console.print_json(json.dumps(value, default=str), ensure_ascii=True)


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Numbers to the right, the rest to the left; nothing in a cell is taken for markup."""
    rows = [list(row) for row in rows]
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.show_header = any(columns)
    for position, column in enumerate(columns):
        numeric = all(isinstance(row[position], int | float) for row in rows) and bool(rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(plain(shown(value)) for value in row))
    console.print(table)


def plain(text: str) -> str:
    """On one line, without control characters (a title may hold a terminal's escapes), and with markup escaped."""
    from rich.markup import escape

    line = " ".join(text.splitlines())
    return escape("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line))


def shown(value: Any) -> str:
    """A value as a person reads it: numbers to a thousandth, stretches of time as from–to."""
    match value:
        case int() if not isinstance(value, bool):
            return f"{value:,}"
        case float():
            return f"{value:,.3f}".rstrip("0").rstrip(".")
        case {"start_s": start_s, "end_s": end_s}:
            return f"{shown(start_s)}–{shown(end_s)}"
        case {"role": role, "name": name}:
            return f"{role} {name}"
        case list():
            return ", ".join(shown(part) for part in value)
    return "" if value is None else str(value)
