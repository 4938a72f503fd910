"""From a page's value to its one HTML file, and both into the store."""

import base64
import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import Any

from assets.pages.page import page_of
from assets.pages.settings import PageSettings
from assets.pages.stage import page_folder, pages_stage
from resources.ledger import Ledger, digest

VERSION = "1"  # raised by hand when the text of pages changes
SCRIPTS = ("text.js", "player.js", "list.js", "strip.js", "track.js", "page.js")  # in this order, one script
PARTS = ("page.html", "page.css", *SCRIPTS)


@cache
def part(name: str) -> str:
    """A hand-written part of every page, from `parts/`."""
    return (files("assets.pages") / "parts" / name).read_text(encoding="utf-8")


def render(page: dict[str, Any]) -> str:
    """The page: style, script and data are in it, audio and pictures lie beside it. It asks nothing of any network.

    The page's own policy lets it run this one script and load what lies beside it, and nothing else; data is only ever
    text, and cannot end the element that it stands in.
    """
    style, script = part("page.css"), "\n".join(part(name) for name in SCRIPTS)
    data = json.dumps(page, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    parts = {
        "policy": (
            f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; "
            "img-src 'self' file: data:; media-src 'self' file: blob:; connect-src 'self'; "
            "base-uri 'none'; form-action 'none'"
        ),
        "style": style,
        "script": script,
        "data": data,
    }
    before, *rest = part("page.html").split("{{")
    pieces = [before]
    for piece in rest:  # not one replacement after the other: data may hold what looks like a place for the next
        name, _, after = piece.partition("}}")
        pieces += [parts[name], after]
    return "".join(pieces)


def write_page(settings: PageSettings, ledger: Ledger, batch: str) -> str:
    """Writes the batch's page, once its media are there, and gives its key. Files that it no longer names go."""
    page, folder = page_of(ledger, batch), page_folder(batch)
    ledger.store.point(f"{folder}/index.html", render(page).encode())
    ledger.store.point(_made_from_key(batch), made_from(settings, ledger, batch).encode())
    named = {f"{folder}/{file}" for track in page["shown"] for file in (track["media"] or {}).values()}
    for key in ledger.store.list(f"{folder}/media/"):
        if key not in named:
            ledger.store.remove(key)
    return page_key(batch)


def page_key(batch: str) -> str:
    return f"{page_folder(batch)}/index.html"


def is_fresh(settings: PageSettings, ledger: Ledger, batch: str) -> bool:
    """Whether the batch has a page that was made from today's tables, settings and parts, and nothing of it failed."""
    pointer = ledger.pointer(pages_stage(settings, "").table, batch)
    if pointer is None or pointer.counts["failed"] or not ledger.store.exists(page_key(batch)):
        return False
    try:
        with ledger.store.open(_made_from_key(batch)) as file:
            return bool(file.read().decode() == made_from(settings, ledger, batch))
    except KeyError:
        return False


def made_from(settings: PageSettings, ledger: Ledger, batch: str) -> str:
    stage = pages_stage(settings, "")
    pointers = {name: ledger.pointer(name, batch) for name in ("manifest", *stage.reads, stage.table)}
    return digest([code_version(settings), {name: p.data_version if p else None for name, p in pointers.items()}])


def code_version(settings: PageSettings) -> str:
    """Of the page as a whole: its media, how many tracks are shown, and the parts that are written by hand."""
    return digest(
        [VERSION, pages_stage(settings, "").parameter_hash, settings.most_tracks, [part(name) for name in PARTS]]
    )


def _made_from_key(batch: str) -> str:
    return f"{page_folder(batch)}/made_from"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
