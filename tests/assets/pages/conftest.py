"""A page of real songs, made by the real functions from rows with the true times, and a browser to open it in."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from assets.pages.render import write_page
from assets.pages.settings import PageSettings
from assets.pages.stage import pages_stage
from assets.stage import run_stage
from assets.tables import Row, table_of
from resources.engines import InlineEngine
from resources.ffmpeg import local_path
from resources.ledger import Ledger, Pointer
from resources.stores import FolderStore

BATCH = "b00000"
LENGTH_S = 14.0
HOSTILE = "</script><img src=x onerror=document.title='taken'> & <b>bold</b> {{policy}}"
CUT_SHORT = "net::ERR_ABORTED"  # a browser stops loading audio once it has enough of it


@dataclass(frozen=True)
class Made:
    """A store with one page in it, and the words of its song: (text, start_s, end_s)."""

    ledger: Ledger
    words: list[tuple[str, float, float]]

    @property
    def folder(self) -> Path:
        return self.ledger.store.root / "pages" / BATCH


def seal(ledger: Ledger, table: str, rows: list[Row], version: str = "1") -> None:
    """Makes rows the table of the batch that counts."""
    rows = [{"status": "ok"} | row for row in rows]
    pointer = Pointer(
        f"tables/{table}/{version}.parquet", version, "", {}, {"ok": len(rows), "rejected": 0, "failed": 0}
    )
    ledger.seal(table, BATCH, table_of(table, rows), pointer)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, demo_songs, cut_song: Callable[..., Path]) -> Made:
    """A song (14 s), an instrumental, a song with a hostile title, two rejected files and one that failed."""
    home = tmp_path_factory.mktemp("pages")
    ledger = Ledger(FolderStore(home / "store"))
    song, quiet = demo_songs["backing"], demo_songs["instrumental"]
    files = {
        "song": cut_song(song, home / "song.flac", 5.0, LENGTH_S),
        "plain": cut_song(quiet, home / "plain.flac", 5.0, LENGTH_S),
    }
    files["hostile"] = files["song"]
    words = [
        (word["w"], word["start"] - 5.0, word["end"] - 5.0) for word in song["words"] if word["end"] < 5.0 + LENGTH_S
    ]
    for stem in ("vocals", "accompaniment"):
        (ledger.store.root / "stems").mkdir(parents=True, exist_ok=True)
        shutil.copy(files["song"], ledger.store.root / "stems" / f"{stem}.flac")
    seal_rows(ledger, files, words)
    run_stage(pages_stage(PageSettings(), str(ledger.store.root)), BATCH, ledger, InlineEngine())
    write_page(PageSettings(), ledger, BATCH)
    return Made(ledger, words)


def seal_rows(ledger: Ledger, files: dict[str, Path], words: list[tuple[str, float, float]]) -> None:
    titles = {"song": "Shining Stranger", "plain": "Golden Sailor", "hostile": HOSTILE}
    gone = {"copy": "song.mp3", "empty": "empty.mp3", "lost": "lost.flac"}
    uris = {name: path.as_uri() for name, path in files.items()} | {name: f"file:///x/{f}" for name, f in gone.items()}
    seal(ledger, "manifest", [{"track_id": name, "uri": uri} for name, uri in uris.items()])
    decoded = [
        {"track_id": name, "uri": uris[name], "duration_s": LENGTH_S, "license": "CC0-1.0"} for name in (*files, "copy")
    ]
    for row in decoded:
        row["title"] = titles.get(row["track_id"], "A copy")
        row["uri"] = uris["song"] if row["track_id"] == "copy" else row["uri"]
        row["sha256"] = hashlib.sha256(local_path(row["uri"]).read_bytes()).hexdigest()
    bad = [
        {"track_id": "empty", "status": "rejected", "reason": "empty", "detail": "zero bytes"},
        {"track_id": "lost", "status": "failed", "reason": "error", "detail": "OSError: gone"},
    ]
    seal(ledger, "tracks", decoded + bad)
    copy = {
        "track_id": "copy",
        "status": "rejected",
        "reason": "duplicate",
        "duplicate_of": "song",
        "detail": "the same",
    }
    seal(ledger, "catalogue", [*({"track_id": name, "split": "train"} for name in files), copy])
    stems = {"gain_db": 0.0, "vocal_segments": [{"start_s": words[0][1], "end_s": words[-1][2]}]}
    stems |= {f"{stem}_uri": f"stems/{stem}.flac" for stem in ("vocals", "accompaniment")}
    seal(ledger, "stems", [{"track_id": name} | stems for name in files])
    lines = [
        {
            "text": " ".join(text for text, _, _ in line),
            "start_s": line[0][1],
            "end_s": line[-1][2],
            "confidence": 0.8,
            "trust": 0.8,
            "words": [dict(zip(("text", "start_s", "end_s", "trust"), (*w, 0.8), strict=True)) for w in line],
        }
        for line in (words[:6], words[6:13], words[13:])
    ]
    sung = {"language": "en", "origin": "given", "lines": lines, "words": len(words)}
    evidence = json.dumps({"agreement": 0.9, "dropped": {}})
    lyrics: list[dict[str, Any]] = [
        {"track_id": "song", "trust": 0.9, "evidence": evidence} | sung,
        {"track_id": "hostile", "trust": 0.3, "evidence": evidence} | sung | {"origin": "transcribed"},
        {"track_id": "plain", "origin": "none", "lines": [], "words": 0},
    ]
    seal(ledger, "lyrics", lyrics)
    captions = [{"track_id": name, "caption": "A pop song.", "tempo_bpm": 117.3, "key": "G major"} for name in files]
    seal(ledger, "captions", captions)
    window = {"rank": 1, "length_s": 2.0, "start_s": 4.0, "end_s": 6.0, "words": 4, "kind": "lyrics"}
    other = window | {"length_s": 5.0, "start_s": 7.0, "end_s": 12.0, "words": 9}
    seal(ledger, "windows", [{"track_id": name} | part for name in files for part in (window, other)])


@pytest.fixture(scope="session")
def sent(made: Made, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page as somebody has it to whom its folder was sent."""
    folder = tmp_path_factory.mktemp("some where else") / "käse & songs"
    shutil.copytree(made.folder, folder)
    return (folder / "index.html").as_uri()


@pytest.fixture
def open_page(browser: Browser, sent: str) -> Iterator[Callable[..., Page]]:
    """Opens the page, as open_page(hash, **context); what it says on its console or wants of a network is a fault."""
    faults: list[str] = []
    contexts = []

    def open_(at: str = "", **settings: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}} | settings)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: faults.append(request.url) if "http" in request.url[:5] else None)
        page.on("requestfailed", lambda request: faults.append(f"{request.failure} {request.url}"))
        page.goto(sent + at)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert [fault for fault in faults if not fault.startswith(CUT_SHORT)] == []
