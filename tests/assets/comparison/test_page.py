"""The page of all training runs, made of tables and opened in a browser."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page

from assets.comparison.collect import figures, overviews
from assets.comparison.curves import drawn
from assets.comparison.page import write_page
from assets.models.published import seal
from assets.models.results import write_curves
from assets.scores.bootstrap import Estimate
from resources.ffmpeg import encode
from resources.ledger import Ledger

EVIL = '<script>alert(1)</script> & "quotes" `ticks`'
MODEL = {
    "size": "demo", "codec": "small", "steps": 10, "parameters": 4_000_000, "first_loss": 1.0, "last_loss": 0.5,
    "device": "cpu", "device_hours": 0.25, "sha256": "0", "export_uri": "models/x",
    "settings": json.dumps({"crop_s": 4}),
}  # fmt: skip


@pytest.fixture
def ledger_of_runs(corpus: Ledger) -> Callable[..., Ledger]:
    """Two runs, the second with another learning rate and without scores; songs of the first have an evil prompt."""

    def made(prompt: str = EVIL) -> Ledger:
        for run, rate in (("a", 2e-3), ("b", 5e-4)):
            for stage, asset in (("music", "music_pretrain"), ("vocals", "vocal_finetune"), ("joint", "joint")):
                row = MODEL | {"stage": stage, "learning_rate": rate}
                seal(corpus, asset, run, [row], "0", {}, table="models")
                curve = [{"step": step, "loss": 1.0 - step / 20} for step in (1, 5, 10)]
                write_curves(corpus.store, run, stage, curve)
        with corpus.store.scratch() as folder:
            encode(folder / "s.flac", [np.zeros((22_050, 1), np.float32)], 22_050)
            corpus.store.put("samples/a/s.flac", folder / "s.flac")
        (item, *_) = [row["sample"] for row in corpus.read("shards", "b00000").to_pylist() if row["split"] == "valid"]
        uris = {f"{track}_uri": "samples/a/s.flac" for track in ("mix", "vocals", "accompaniment")}
        sample = {
            "item": item, "seed": 0, "prompt": prompt, "lyrics": "one\ntwo", "duration_s": 1.0, "rate_hz": 22_050,
            "read_s": 0.03, "denoise_s": 0.3, "decode_s": 0.27, "memory_bytes": 2_000_000_000, **uris,
        }  # fmt: skip
        seal(corpus, "samples", "a", [sample], "0", {}, table="samples")
        scores = [
            {"system": system, "figure": "word error", "unit": "share", "better": "lower", "value": value, "count": 2}
            for system, value in (("real", 0.1), ("codec", 0.4), ("shuffled", 0.95), ("noise", 1.0), ("model", 0.8))
        ]
        seal(corpus, "scores", "a", scores, "0", {}, table="scores")
        return corpus

    return made


@pytest.fixture
def opened(browser: Any, ledger_of_runs: Callable[..., Ledger]) -> Iterator[tuple[Page, list[str]]]:
    ledger = ledger_of_runs()
    runs = overviews(ledger, {"a": Estimate(3.4, 3.1, 3.7, 24)})
    uri = ledger.store.uri(write_page(ledger, runs))
    page, wrong = browser.new_page(), []
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("dialog", lambda dialog: wrong.append("a dialog"))
    page.on("requestfailed", lambda request: wrong.append(request.url))
    page.goto(uri)
    yield page, wrong
    page.close()


def test_a_run_is_the_sum_of_its_stages(ledger_of_runs: Callable[..., Ledger]):
    a, b = overviews(ledger_of_runs())
    assert (a.run, b.run) == ("a", "b")
    assert a.device_hours == 0.75
    assert a.real_time_factor == {"read": 0.01, "denoise": pytest.approx(0.1), "decode": pytest.approx(0.09)}
    assert b.real_time_factor is None
    assert a.losses["joint"] == [(1, 0.95), (5, 0.75), (10, 0.5)]


def test_figures_stand_between_their_ceiling_and_their_floor(ledger_of_runs: Callable[..., Ledger]):
    columns, ((described, cells),) = figures(overviews(ledger_of_runs()))
    assert columns == ["real", "codec small", "a", "shuffled", "noise"]
    assert described["figure"] == "word error"
    assert [cells[column]["value"] for column in columns] == [0.1, 0.4, 0.8, 0.95, 1.0]


def test_a_curve_is_drawn_from_its_first_step_to_its_last_and_higher_losses_are_higher():
    svg = drawn("loss", {"a": [(0, 2.0), (100, 1.0)]}, {"a": 0})
    (points,) = [part.split('"')[0] for part in svg.split('points="')[1:]]
    (x0, y0), (x1, y1) = [tuple(map(float, point.split(","))) for point in points.split()]
    assert x0 < x1
    assert y0 < y1  # downwards in a drawing


def test_a_flat_curve_can_be_drawn():
    assert "<polyline" in drawn("loss", {"a": [(0, 1.0), (10, 1.0)]}, {"a": 0})


def test_the_page_shows_models_losses_figures_and_songs(opened: tuple[Page, list[str]]):
    page, wrong = opened
    text = page.inner_text("main")
    for words in (
        "MOS",
        "3.40",
        "24 ratings",
        "not rated yet",
        "0.200",
        "0.750",
        "4.0 M",
        "0.002",
        "0.0005",
        "word error",
    ):
        assert words in text
    assert page.locator("svg").count() == 3
    assert page.locator("polyline").count() == 6
    assert page.locator("audio").count() == 4
    assert wrong == []


def test_the_real_window_and_the_songs_can_be_played(opened: tuple[Page, list[str]]):
    page, _ = opened
    for i in range(4):
        seconds = page.evaluate(
            "i => new Promise((yes, no) => { const a = document.querySelectorAll('audio')[i]; a.preload = 'metadata';"
            "a.onloadedmetadata = () => yes(a.duration); a.onerror = () => no(a.src); a.load() })",
            i,
        )
        assert seconds == pytest.approx(1.0, abs=0.01)


def test_what_a_prompt_says_is_text_and_never_acts(opened: tuple[Page, list[str]]):
    page, wrong = opened
    assert EVIL in page.inner_text("main")
    assert page.locator("script").count() == 0
    assert wrong == []


def test_on_a_phone_nothing_leaves_the_page_to_the_side(opened: tuple[Page, list[str]]):
    page, _ = opened
    page.set_viewport_size({"width": 375, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_page_without_runs_says_so(corpus: Ledger):
    key = write_page(corpus, [])
    with corpus.store.open(key) as file:
        assert "No run has been scored yet" in file.read().decode()
