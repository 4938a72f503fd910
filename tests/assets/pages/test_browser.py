"""The page as a person meets it, in headless Chromium, with real sound."""

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pytest

NARROW = {"width": 360, "height": 740}

# What the page says is sung, and when, at every frame for a while.
WATCH = """async (seconds) => {
  const seen = [], until = performance.now() + 1000 * seconds;
  while (performance.now() < until) {
    await new Promise(requestAnimationFrame);
    await new Promise((done) => setTimeout(done));
    seen.push([player.time_s, document.querySelector("#lyrics .sung")?.textContent ?? null]);
  }
  return seen;
}"""

# How the luminance of an element's text and its ground compare, after WCAG.
CONTRAST = """(selector) => {
  const linear = (c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  const light = (colour) => {
    const [red, green, blue] = colour.match(/[\\d.]+/g).map((c) => linear(c / 255));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const at = document.querySelector(selector);
  let ground = at;
  while (getComputedStyle(ground).backgroundColor === "rgba(0, 0, 0, 0)") ground = ground.parentElement;
  const lights = [getComputedStyle(at).color, getComputedStyle(ground).backgroundColor].map(light);
  return (Math.max(...lights) + 0.05) / (Math.min(...lights) + 0.05);
}"""

IN_SIGHT = """() => {
  const pane = $("lyrics").getBoundingClientRect();
  const line = document.querySelector("#lyrics .current").getBoundingClientRect();
  return line.top >= pane.top - 1 && line.top < pane.bottom;
}"""


def sung_at(words, time_s):
    return next((text for text, start_s, end_s in words if start_s <= time_s < end_s), None)


def test_the_word_lights_up_that_is_sung_at_a_time(open_page, made):
    page = open_page("#song")
    for text, start_s, end_s in made.words:
        page.evaluate("(at) => player.seek(at)", (start_s + end_s) / 2)
        assert page.inner_text("#lyrics .sung") == text
    page.evaluate("player.seek(1.0)")
    assert page.locator("#lyrics .sung").count() == 0


def test_words_follow_the_clock_of_the_audio_while_it_plays(open_page, made):
    page = open_page("#song")
    page.evaluate("(at) => player.seek(at)", made.words[2][1])
    page.keyboard.press("Space")
    page.wait_for_function("() => !player.paused && player.time_s > 4.3")
    seen = page.evaluate(WATCH, 3.0)
    assert seen[-1][0] - seen[0][0] > 0.5
    # What is seen was drawn since the look before last; how long ago that is, is up to what else the machine does.
    looks = [seen[0][0] - 0.4] * 2 + [time_s for time_s, _ in seen]
    wrong = [
        (time_s, text)
        for since_s, (time_s, text) in zip(looks, seen, strict=False)
        if text not in {sung_at(made.words, at) for at in np.linspace(min(since_s, time_s - 0.4), time_s + 0.01, 50)}
    ]
    assert wrong == []
    assert len({text for _, text in seen}) > 1


def test_the_line_that_is_sung_is_in_sight(open_page, made):
    page = open_page("#song", viewport={"width": 1280, "height": 420})
    page.evaluate("document.querySelector('#lyrics').style.maxHeight = '60px'")
    page.evaluate("(at) => player.seek(at)", made.words[-1][1] + 0.05)
    page.wait_for_function(IN_SIGHT)


@pytest.mark.parametrize(("key", "stem"), [("2", "vocals"), ("3", "accompaniment")])
def test_another_stem_goes_on_at_the_same_place(open_page, key, stem):
    page = open_page("#song")
    page.keyboard.press("Space")
    page.wait_for_function("() => player.time_s > 1.5")
    before = page.evaluate("({time_s: player.time_s, at: performance.now()})")
    page.keyboard.press(key)
    only = "STEMS.filter((name) => !stems[name].paused && !stems[name].muted).join()"
    page.wait_for_function(f"() => player.sounding === '{stem}' && {only} === '{stem}'")
    after = page.evaluate(
        "({time_s: player.time_s, at: performance.now(),"
        " heard: STEMS.filter((stem) => !stems[stem].paused && !stems[stem].muted)})"
    )
    assert after["heard"] == [stem]
    # Not before where it was, and not farther than sound can be by now; a busy machine may hold it up.
    assert -0.1 <= after["time_s"] - before["time_s"] <= (after["at"] - before["at"]) / 1000 + 0.1
    assert page.get_attribute(f"#stems [data-stem={stem}]", "aria-pressed") == "true"


def test_a_stem_can_be_chosen_while_nothing_plays(open_page):
    page = open_page("#song")
    page.evaluate("player.seek(7.5)")
    page.click("#stems [data-stem=vocals]")
    page.wait_for_function("() => player.sounding === 'vocals'")
    assert page.evaluate("[player.paused, player.time_s]") == [True, 7.5]


def test_a_window_plays_to_its_end_and_stops(open_page):
    page = open_page("#song")
    page.keyboard.press("w")
    page.wait_for_function("() => player.window && !player.paused")
    assert 4.0 <= page.evaluate("player.time_s") < 5.0
    page.wait_for_function("() => player.paused", timeout=10_000)
    assert page.evaluate("player.time_s") == pytest.approx(6.0, abs=0.15)


def test_a_looped_window_begins_again(open_page):
    page = open_page("#song")
    page.keyboard.press("l")
    page.click("#windows button >> nth=0")
    page.wait_for_function("() => player.time_s > 5.5")
    page.wait_for_function("() => player.time_s < 4.6", timeout=10_000)
    assert not page.evaluate("player.paused")


def test_html_in_a_title_is_text(open_page):
    page = open_page("#hostile")
    title = page.inner_text("#title")
    assert title.startswith("</script><img src=x onerror=")
    assert title.endswith("<b>bold</b> {{policy}}")
    assert page.locator("#panel b, #list b, img[src=x]").count() == 0
    assert page.title() != "taken"


def test_all_can_be_done_from_the_keyboard(open_page):
    page = open_page()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "track"
    first = page.inner_text("#title")
    page.keyboard.press("ArrowDown")
    assert page.inner_text("#title") != first
    page.keyboard.press("ArrowUp")
    assert page.inner_text("#title") == first
    page.keyboard.press("?")
    assert page.is_visible("#help")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("golden sailor")
    assert page.locator("#list li").count() == 1
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowDown")
    assert page.inner_text("#title") == "Golden Sailor"
    page.keyboard.press("ArrowRight")
    assert page.evaluate("player.time_s") == 5.0
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("player.time_s") == 0.0
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.matches(':focus-visible')")


def test_tracks_are_filtered_and_sorted(open_page):
    page = open_page()

    def names():
        # Not as inner text: of a row that is not rendered yet (content-visibility) that is empty.
        return page.locator("#list .name").all_text_contents()

    assert len(names()) == 6
    page.click("#kinds [data-kind=sung]")
    assert len(names()) == 2
    page.select_option("#sort", "least")
    assert names()[1] == "Shining Stranger"
    page.select_option("#origin", "given")
    assert names() == ["Shining Stranger"]
    assert page.inner_text("#count") == "1 of 6 tracks"


def test_what_is_rejected_says_why(open_page):
    page = open_page("#empty")
    assert "no bytes" in page.inner_text("#fate")
    assert "zero bytes" in page.inner_text("#fate")
    assert not page.is_visible("#player")
    page = open_page("#copy")
    assert "duplicate" in page.inner_text("#fate")
    page.click("#fate-original")
    assert page.inner_text("#title") == "Shining Stranger"


def test_nothing_is_loaded_but_what_the_chosen_track_needs(browser, sent, made):
    row = next(row for row in made.ledger.read("pages", "b00000").to_pylist() if row["track_id"] == "song")
    own = {uri.rsplit("/", 1)[1] for name, uri in row.items() if name.endswith("_uri")}
    with browser.new_context() as context:
        page, asked = context.new_page(), set()
        page.on("request", lambda request: asked.add(request.url.rsplit("/", 1)[1]))
        page.goto(f"{sent}#song")
        page.wait_for_function("() => player.now.readyState > 0")
    assert {name for name in asked if name.endswith((".m4a", ".webp"))} <= own


def test_behind_a_plain_server_the_place_is_kept_too(browser, made):
    """Python's own server cannot send a part of a file, so that a browser cannot seek in what it plays from it."""
    handler = partial(SimpleHTTPRequestHandler, directory=made.folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server, browser.new_context() as context:
        Thread(target=server.serve_forever, daemon=True).start()
        page, faults = context.new_page(), []
        page.on("console", lambda message: faults.append(message.text))
        page.goto(f"http://127.0.0.1:{server.server_port}/index.html#song")
        page.keyboard.press("w")
        page.wait_for_function("() => !player.paused && player.time_s > 4")
        page.keyboard.press("2")
        page.wait_for_function("() => player.sounding === 'vocals'")
        assert 4.0 < page.evaluate("player.time_s") < 6.0
        assert faults == []
        server.shutdown()


@pytest.mark.parametrize("at", ["", "#song", "#hostile", "#copy"])
def test_a_phone_shows_it_without_scrolling_sideways(open_page, at):
    page = open_page(at, viewport=NARROW, has_touch=True)
    assert page.evaluate("document.documentElement.scrollWidth") == NARROW["width"]
    assert page.is_visible("#title" if at else "#list")


def test_a_phone_goes_from_the_list_to_a_track_and_back(open_page):
    page = open_page(viewport=NARROW, has_touch=True)
    page.tap("#list button >> text=Shining Stranger")
    assert page.is_visible("#player")
    page.go_back()
    assert page.is_visible("#list")
    page.tap("#list button >> text=Shining Stranger")
    page.tap("#back")
    assert page.is_visible("#list")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(open_page, made, scheme):
    page = open_page("#song", color_scheme=scheme)
    page.evaluate("(at) => player.seek(at)", made.words[1][1] + 0.1)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert (max(ground) < 60) == (scheme == "dark")
    parts = (
        "#title",
        "#byline",
        "#caption",
        "#lyrics .sung",
        "#lyrics .past",
        "#lyrics .at",
        "#facts dt",
        "#evidence li",
    )
    low = {
        part: ratio
        for part in (*parts, "#list .under", "#windows button")
        if (ratio := page.evaluate(CONTRAST, part)) < 4.5
    }
    assert low == {}
