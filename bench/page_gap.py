"""What the ear hears when mix, vocals and accompaniment are switched on a page: python -m bench.page_gap

All three recordings are one tone that rises by 20 Hz a second, so that its pitch tells the place in the track. The page
plays in Chromium, what would go to the loudspeaker is recorded, and every gap and jump in it is looked for.
"""

import shutil
import tempfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
from playwright.sync_api import sync_playwright

from assets.pages.render import render
from bench.page import BATCH, made, track
from resources.ffmpeg import encode
from resources.stores import FolderStore

RATE_HZ = 44_100
LENGTH_S, LOWEST_HZ, RISE_HZ = 40.0, 300.0, 20.0  # of the tone
SWITCHES, APART_S = 12, 1.2
HOP_S, SEEN_S = 0.02, 0.1  # the pitch is taken so often, from so much

RECORD = """async ([switches, apart_ms]) => {
  const context = new AudioContext({ sampleRate: 44100 }), recorder = context.createScriptProcessor(1024, 1, 1);
  const heard = [], marks = [], wait = (ms) => new Promise((done) => setTimeout(done, ms));
  recorder.onaudioprocess = (event) => heard.push(...event.inputBuffer.getChannelData(0));
  recorder.connect(context.destination);
  for (const stem of STEMS) context.createMediaElementSource(stems[stem]).connect(recorder);
  await context.resume();
  await player.play();
  await wait(2000);
  for (let i = 0; i < switches; i += 1) {
    marks.push(heard.length);
    await player.hear(STEMS[(i + 1) % 3]);
    await wait(apart_ms);
  }
  player.pause();
  return [heard, marks];
}"""


def recorded(folder: Path) -> tuple[np.ndarray, list[int]]:
    """What was heard, float [samples], and at which samples it was switched."""
    handler = partial(SimpleHTTPRequestHandler, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server, sync_playwright() as playwright:
        Thread(target=server.serve_forever, daemon=True).start()
        arguments = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/index.html")
        heard, marks = page.evaluate(RECORD, [SWITCHES, 1000 * APART_S])
        browser.close()
        server.shutdown()
    return np.array(heard), marks


def gaps_ms(heard: np.ndarray) -> list[float]:
    """Every silence between the first sound and the last."""
    hop = RATE_HZ // 500
    loud = np.abs(heard[: len(heard) // hop * hop]).reshape(-1, hop).max(axis=1) > 0.1
    sounds = np.flatnonzero(loud)
    return [float(2 * (gap - 1)) for gap in np.diff(sounds) if gap > 1]


def jumps_ms(heard: np.ndarray, marks: list[int]) -> list[float]:
    """How far the place after each switch lies from where it would be without it."""
    size = round(SEEN_S * RATE_HZ)
    at_s = np.arange(0.0, len(heard) / RATE_HZ - SEEN_S, HOP_S)
    frames = np.stack([heard[round(s * RATE_HZ) :][:size] for s in at_s]) * np.hanning(size)
    pitch_hz = np.abs(np.fft.rfft(frames, 1 << 16)).argmax(axis=1) * RATE_HZ / (1 << 16)
    ahead_s = (pitch_hz - LOWEST_HZ) / RISE_HZ - at_s
    found = []
    for mark_s in (mark / RATE_HZ for mark in marks):
        before = ahead_s[(at_s > mark_s - 0.6) & (at_s < mark_s - 0.1)]
        after = ahead_s[(at_s > mark_s + 0.4) & (at_s < mark_s + 1.0)]
        found.append(float(1000 * abs(np.median(after) - np.median(before))))
    return found


def main() -> None:
    at_s = np.arange(round(LENGTH_S * RATE_HZ)) / RATE_HZ
    tone = 0.5 * np.sin(2 * np.pi * (LOWEST_HZ * at_s + RISE_HZ / 2 * at_s**2))
    with tempfile.TemporaryDirectory() as folder:
        store = FolderStore(Path(folder))
        encode(store.root / "tone.flac", [np.stack([tone, tone], axis=1)], RATE_HZ)
        rows, *_ = made([store.root / "tone.flac"], store)
        page = store.root / "pages" / BATCH
        (page / "index.html").write_text(render({"batch": BATCH, "tracks": 1, "shown": [track(1, rows[0])]}))
        heard, marks = recorded(page)
    jumps = jumps_ms(heard, marks)
    print(f"| {SWITCHES} switches | ms |\n|---|---|")
    print(f"| longest gap | {max(gaps_ms(heard), default=0.0):.0f} |")
    print(f"| jump of place, median | {np.median(jumps):.0f} |\n| jump of place, worst | {max(jumps):.0f} |")


if __name__ == "__main__":
    main()
