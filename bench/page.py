"""What a page costs: to make (a minute of audio), to keep, and to open with 200 tracks on it.

python -m bench.page [--audio FOLDER] [--tracks 200]
"""

import argparse
import hashlib
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from assets.pages.page import track_of
from assets.pages.render import render
from assets.pages.stage import RATE_HZ, media_of
from assets.tables import Row
from resources.ffmpeg import decode, encode
from resources.stores import FolderStore

BATCH = "b00000"
LENGTH_S, WORDS = 240.0, 320  # of each track on the page of many
AUDIO = {".mp3", ".flac", ".ogg", ".opus", ".m4a", ".wav"}

# Milliseconds from one change to the page being laid out again, a few times.
TIMED = """([change, times]) => {
  const act = {
    search: (i) => { $("search").value = ["song 1", "water", ""][i % 3]; list.show(); },
    filter: (i) => { list.kind = ["sung", "instrumental", ""][i % 3]; list.show(); },
    sort: (i) => { $("sort").value = ["least", "name", "longest"][i % 3]; list.show(); },
    choose: (i) => choose(batch.shown[(7 * i) % batch.shown.length]),
    frame: (i) => { strip.draw(i / 60, view.follow(i / 60)); $("now").textContent = clock(i / 60, 1); },
  }[change];
  return Array.from({ length: times }, (_, i) => {
    const start = performance.now();
    act(i);
    document.body.offsetHeight;
    return performance.now() - start;
  });
}"""


def processor_s() -> float:
    """Of this process and of the ffmpegs that it waited for: what else runs on the machine is not counted."""
    return sum(os.times()[:4])


def made(files: list[Path], store: FolderStore) -> tuple[list[dict[str, Any]], float, float, int]:
    """The media of each file (which stands in for its own stems), minutes of audio, processor seconds, bytes."""
    rows, minutes, spent_s = [], 0.0, 0.0
    for number, path in enumerate(files):
        stem = store.root / "stems" / f"{number}.flac"
        stem.parent.mkdir(parents=True, exist_ok=True)
        encode(stem, decode(path, RATE_HZ, 2), RATE_HZ)
        length_s = sum(len(block) for block in decode(stem, RATE_HZ, 2)) / RATE_HZ
        track = {"key": str(number), "batch": BATCH, "uri": str(path), "duration_s": length_s, "gain_db": 0.0}
        track["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
        track |= {f"{name}_uri": f"stems/{number}.flac" for name in ("vocals", "accompaniment")}
        start_s = processor_s()
        rows += media_of(store, track)
        spent_s += processor_s() - start_s
        minutes += length_s / 60
    bytes_ = sum(path.stat().st_size for path in (store.root / "pages").rglob("*") if path.is_file())
    return rows, minutes, spent_s, bytes_


def track(number: int, media: dict[str, Any]) -> dict[str, Any]:
    ok = {"status": "ok", "reason": None, "detail": None}
    step_s = LENGTH_S / WORDS
    words = [
        {
            "text": ("water", "over", "stone")[i % 3],
            "start_s": i * step_s,
            "end_s": (i + 0.8) * step_s,
            "trust": 0.5,
        }
        for i in range(WORDS)
    ]
    lines = [
        {
            "text": " ".join(str(word["text"]) for word in part),
            "start_s": part[0]["start_s"],
            "end_s": part[-1]["end_s"],
        }
        | {"words": part}
        for part in (words[i : i + 7] for i in range(0, WORDS, 7))
    ]
    window = {"rank": 1, "length_s": 30.0, "start_s": 30.0, "end_s": 60.0, "words": 40, "kind": "lyrics"}
    named = {"title": f"Song {number}", "artist": f"Singer {number % 17}", "license": "CC0-1.0"}
    sung = number % 5 > 0
    rows: dict[str, Row] = {
        "manifest": ok | named | {"uri": f"/music/{number}.mp3"},
        "tracks": ok | named | {"genre": "pop", "duration_s": LENGTH_S + number, "lyrics_origin": "txt"},
        "catalogue": ok | {"split": "train", "duplicate_of": None},
        "stems": ok | {"vocal_segments": [{"start_s": i * 30.0, "end_s": i * 30.0 + 20} for i in range(8)]},
        "lyrics": ok
        | {"language": "en", "origin": "given" if sung else "none", "lines": lines if sung else []}
        | {"trust": number % 97 / 97 if sung else None, "evidence": None},
        "captions": ok
        | {"caption": "A pop song.", "short_caption": "pop", "tags": [], "tempo_bpm": 100.0, "key": "C major"},
        "pages": ok | media,
    }
    return track_of({name: [row] for name, row in rows.items()} | {"windows": [ok | window]}, BATCH, f"t{number}")


def timed(page: Page, change: str, times: int) -> str:
    spent_ms = page.evaluate(TIMED, [change, times])
    return f"{statistics.median(spent_ms):.1f} (worst {max(spent_ms):.1f})"


def opened(file: Path) -> dict[str, str]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        paints, readies = [], []
        for _ in range(5):
            page = browser.new_page(viewport={"width": 1360, "height": 900})
            page.goto(file.as_uri())
            page.wait_for_function("() => performance.getEntriesByName('first-contentful-paint').length")
            paints.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
            readies.append(
                page.evaluate("performance.timing.domContentLoadedEventEnd - performance.timing.navigationStart")
            )
        found = {
            "script done, list and first track shown, ms": f"{statistics.median(readies):.0f}",
            "first paint, ms": f"{statistics.median(paints):.0f}",
            "search, ms": timed(page, "search", 30),
            "filter, ms": timed(page, "filter", 30),
            "sort, ms": timed(page, "sort", 30),
            "choose another track, ms": timed(page, "choose", 30),
            "a frame while it plays, ms": timed(page, "frame", 600),
        }
        browser.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--audio", type=Path, default=Path("demo/audio"))
    parser.add_argument("--tracks", type=int, default=200)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = FolderStore(Path(folder))
        files = sorted(path for path in arguments.audio.iterdir() if path.suffix in AUDIO)
        rows, minutes, spent_s, bytes_ = made(files, store)
        tracks = [track(i, rows[i % len(rows)]) for i in range(arguments.tracks)]
        html = store.root / "pages" / BATCH / "index.html"
        start = time.perf_counter()
        html.write_text(render({"batch": BATCH, "tracks": len(tracks), "shown": tracks}), encoding="utf-8")
        rendered_s = time.perf_counter() - start
        figures = {
            "to make a minute of audio, processor s": f"{spent_s / minutes:.2f}",
            "to keep a minute of audio, MB": f"{bytes_ / minutes / 1e6:.2f}",
            f"HTML of {len(tracks)} tracks with {WORDS} words each, MB": f"{html.stat().st_size / 1e6:.2f}",
            "to write it, s": f"{rendered_s:.2f}",
            **opened(html),
        }
    print(f"| {len(files)} files, {minutes:.1f} minutes | |\n|---|---|")
    for name, figure in figures.items():
        print(f"| {name} | {figure} |")


if __name__ == "__main__":
    main()
