import json
import re
import shutil
from html.parser import HTMLParser

import pytest

from assets.pages.page import page_of
from assets.pages.render import PARTS, is_fresh, part, render, write_page
from assets.pages.settings import PageSettings
from assets.pages.stage import pages_stage
from assets.stage import run_stage
from resources.engines import InlineEngine
from resources.ledger import Ledger
from resources.stores import FolderStore

from .conftest import BATCH, HOSTILE, seal

SETTINGS = PageSettings()


class Elements(HTMLParser):
    """The scripts of a page, and what could load something."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tag = ""
        self.scripts: list[str] = []
        self.loading: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tag = tag
        self.loading += [
            f"{tag} {name}" for name, value in attrs if name in ("src", "href") and not value.startswith(("data:", "#"))
        ]

    def handle_data(self, data):
        if self.tag == "script" and data.strip():
            self.scripts.append(data)


@pytest.fixture
def own(made, tmp_path) -> Ledger:
    """A copy of the made store, to be changed."""
    shutil.copytree(made.ledger.store.root, tmp_path / "store")
    return Ledger(FolderStore(tmp_path / "store"))


def test_data_can_not_leave_the_element_it_stands_in(made):
    html = render(page_of(made.ledger, BATCH))
    data, script = Elements(html).scripts
    assert HOSTILE in [track["title"] for track in json.loads(data)["shown"]]
    assert "onerror" not in script
    assert html.count("<script") == 2


def test_the_page_loads_nothing_from_anywhere(made):
    html = render(page_of(made.ledger, BATCH))
    assert Elements(html).loading == []
    assert not re.search(r"https?://(?!www\.w3\.org)", "".join(map(part, PARTS)))
    assert "default-src 'none'" in html
    assert "unsafe" not in html


def test_no_part_sets_markup_from_data():
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b", "".join(map(part, PARTS)))


def test_a_page_is_fresh_until_what_it_was_made_from_changes(own):
    assert is_fresh(SETTINGS, own, BATCH)
    assert not is_fresh(PageSettings(most_tracks=1), own, BATCH)
    seal(own, "captions", [{"track_id": "song", "caption": "Another caption."}], version="2")
    assert not is_fresh(SETTINGS, own, BATCH)
    write_page(SETTINGS, own, BATCH)
    assert is_fresh(SETTINGS, own, BATCH)


def test_a_new_caption_is_on_the_page_and_encodes_nothing_again(own):
    seal(own, "captions", [{"track_id": "song", "caption": "Another caption."}], version="2")
    outcome = run_stage(pages_stage(SETTINGS, str(own.store.root)), BATCH, own, InlineEngine())
    write_page(SETTINGS, own, BATCH)
    assert outcome.worked == 0
    with own.store.open("pages/b00000/index.html") as file:
        assert b"Another caption." in file.read()


def test_files_that_no_track_names_any_more_go(own):
    own.store.put_bytes("pages/b00000/media/old.mix.m4a", b"")
    before = own.store.list("pages/b00000/media/")
    write_page(SETTINGS, own, BATCH)
    assert own.store.list("pages/b00000/media/") == [key for key in before if "old" not in key]


def test_a_batch_without_a_page_is_not_fresh(ledger):
    assert not is_fresh(SETTINGS, ledger, BATCH)
