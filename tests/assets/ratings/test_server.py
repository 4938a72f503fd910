"""The listening page, answered for real and opened in a browser."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Page
from starlette.testclient import TestClient

from assets.ratings.clips import made_alike
from assets.ratings.database import RatingsFile
from assets.ratings.server import Listening, app_of


@pytest.fixture(scope="module")
def played(clips, tmp_path_factory) -> dict[str, Path]:
    return made_alike(clips, tmp_path_factory.mktemp("played"))


@pytest.fixture
def listening(clips, played, file) -> Listening:
    return Listening(clips, played, RatingsFile(file), most=5)


@pytest.fixture
def client(listening: Listening) -> TestClient:
    found = TestClient(app_of(listening))
    found.get("/")
    return found


@pytest.fixture
def served(listening: Listening) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app_of(listening), port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}/"
    server.should_exit = True
    thread.join()


@pytest.fixture
def page(browser: Any, served: str) -> Iterator[Page]:
    found = browser.new_page()
    found.goto(served)
    found.wait_for_selector("#task:not([hidden])")
    yield found
    found.close()


def answered(page: Page) -> int:
    return int(page.inner_text("#count").split()[0])


def hear(page: Page) -> None:
    """Plays all songs of the task until they may be rated."""
    for i in range(page.locator("audio").count()):
        page.evaluate("i => document.querySelectorAll('audio')[i].play()", i)
        page.wait_for_function("i => document.querySelectorAll('audio')[i].currentTime > 0.5", arg=i)
    page.wait_for_selector("#answers button:enabled")


def wait_for_count(page: Page, count: int) -> None:
    page.wait_for_function("n => document.getElementById('count').textContent.startsWith(n + ' ')", arg=str(count))


def test_every_song_is_rated_by_clicks_and_the_end_says_thank_you(page: Page, listening: Listening):
    for count in range(1, 6):
        hear(page)
        page.locator("#answers button").last.click()
        wait_for_count(page, count)
    page.wait_for_selector("#end:not([hidden])")
    given = listening.ratings.all()
    assert [rating.value for rating in given if rating.kind == "mos"] == [5] * 3
    assert [rating.value for rating in given if rating.kind == "ab"] == [1] * 2
    assert all(rating.heard_s >= 0.3 for rating in given)


def test_nothing_can_be_rated_before_it_was_heard(page: Page, listening: Listening):
    assert page.locator("#answers button:enabled").count() == 0
    page.keyboard.press("3")
    time.sleep(0.3)
    assert listening.ratings.all() == []
    assert "Listen a little" in page.inner_text("#hint")


def test_the_keyboard_plays_and_rates(page: Page, listening: Listening):
    page.keyboard.press(" ")
    page.wait_for_selector("#answers button:enabled")
    page.keyboard.press("2")
    wait_for_count(page, 1)
    assert [rating.value for rating in listening.ratings.all()] == [2]


def test_a_page_that_is_loaded_again_goes_on_where_it_was(page: Page):
    hear(page)
    page.locator("#answers button").first.click()
    wait_for_count(page, 1)
    prompt, clip = page.inner_text("#prompt"), page.get_attribute("audio", "src")
    page.reload()
    page.wait_for_selector("#task:not([hidden])")
    assert answered(page) == 1
    assert (page.inner_text("#prompt"), page.get_attribute("audio", "src")) == (prompt, clip)


def test_nothing_that_a_browser_receives_tells_whose_song_it_is(browser: Any, served: str):
    page, received = browser.new_page(), []

    def keep(response: Any) -> None:
        kind = response.headers.get("content-type", "")
        body = "" if "audio" in kind else response.text()
        received.append(f"{response.url} {response.headers} {body}".replace("audio/flac", ""))

    page.on("response", keep)
    page.goto(served)
    page.wait_for_selector("#task:not([hidden])")
    hear(page)
    page.locator("#answers button").first.click()
    wait_for_count(page, 1)
    told = "\n".join(received)
    prompts = [f"item-{letter} <b>&</b>" for letter in "pqrs"]  # what was asked for is told
    for prompt in prompts:
        told = told.replace(prompt, "")
    assert len(received) >= 5
    assert [word for word in ("run-secret", "real", ".flac", "item-") if word in told] == []
    page.close()


def test_a_prompt_is_text_and_never_markup(page: Page):
    assert "<b>&</b>" in page.inner_text("#prompt")
    assert page.locator("#prompt b").count() == 0


def test_the_page_fits_a_phone(page: Page):
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert all(
        box["height"] >= 44 for button in page.locator("#answers button").all() if (box := button.bounding_box())
    )


def test_a_server_that_is_gone_is_said_and_the_answer_not_lost_in_silence(page: Page, listening: Listening):
    hear(page)
    page.route("**/rating", lambda route: route.abort())
    page.locator("#answers button").first.click()
    page.wait_for_selector("#trouble:not([hidden])")
    assert "was not saved" in page.inner_text("#trouble")
    assert listening.ratings.all() == []


def test_who_has_not_opened_the_page_is_told_to(listening: Listening):
    client = TestClient(app_of(listening))
    assert client.get("/task").status_code == 403
    assert client.post("/rating", json={}).status_code == 403


def test_a_song_that_is_not_there_and_a_path_out_of_the_folder_are_not_found(client: TestClient):
    for path in (
        "/audio/none",
        "/audio/..%2f..%2fetc%2fpasswd",
        "/audio/0.flac",
        "/parts/page.js",
        "/../pyproject.toml",
    ):
        assert client.get(path).status_code == 404


Change = Callable[[dict[str, Any]], Any]


@pytest.mark.parametrize(
    "change",
    [
        lambda said: said | {"value": 6},
        lambda said: said | {"value": "5"},
        lambda said: said | {"value": True},
        lambda said: said | {"task": "another"},
        lambda said: said | {"heard_s": -1},
        lambda said: said | {"heard_s": None},
        lambda said: said | {"more": 1},
        lambda said: [said],
        lambda said: None,
    ],
)
def test_what_is_no_answer_is_refused_and_not_kept(client: TestClient, listening: Listening, change: Change):
    said = {"task": client.get("/task").json()["task"]["key"], "value": 3, "heard_s": 1.0}
    assert client.post("/rating", json=change(said)).status_code == 400
    assert listening.ratings.all() == []


def test_what_is_not_json_is_refused(client: TestClient):
    assert client.post("/rating", content=b"{").status_code == 400
    assert client.post("/rating", content=b"[" * 100_000).status_code == 400


def test_songs_can_be_sought_in(client: TestClient):
    token = client.get("/task").json()["task"]["clips"][0]
    whole = client.get(f"/audio/{token}")
    part = client.get(f"/audio/{token}", headers={"Range": "bytes=10-19"})
    assert (whole.status_code, part.status_code) == (200, 206)
    assert part.content == whole.content[10:20]


def test_two_people_get_other_orders_and_do_not_see_each_others_answers(listening: Listening):
    people = [TestClient(app_of(listening)) for _ in range(6)]
    for person in people:
        person.get("/")
    first = [person.get("/task").json()["task"]["key"] for person in people]
    assert len(set(first)) > 1
    people[0].post("/rating", json={"task": first[0], "value": 1, "heard_s": 1.0})
    assert [person.get("/task").json()["answered"] for person in people] == [1, 0, 0, 0, 0, 0]
