import io

import numpy as np
from PIL import Image

from assets.pages.spectrogram import picture
from assets.report.strips import draw, strips
from assets.tables import table_of
from resources.ledger import Ledger, Pointer


def seal(ledger: Ledger, table: str, rows: list[dict]) -> None:
    rows = [{"status": "ok"} | row for row in rows]
    ledger.seal(table, "b0", table_of(table, rows), Pointer(f"tables/{table}/1", "1", "", {}, {"ok": len(rows)}))


def make(ledger: Ledger, trusts: list[float | None]) -> None:
    """Tracks of 20 s with a word a second from the tenth on."""
    ids = [f"t{i}" for i in range(len(trusts))]
    said = [{"text": f"w{i} $x$", "start_s": 10.0 + i, "end_s": 10.8 + i, "confidence": 0.5} for i in range(8)]
    lines = [{"text": "", "start_s": 10.0, "end_s": 18.0, "confidence": 0.5, "words": said}]
    ledger.store.put_bytes("a.webp", picture(np.ones((800, 96), np.float32)))
    seal(ledger, "tracks", [{"track_id": name, "title": f"Song {name} $1$", "duration_s": 20.0} for name in ids])
    sung = {"origin": "given", "lines": lines, "words": 8}
    rows = [{"track_id": name, "trust": trust} | sung for name, trust in zip(ids, trusts, strict=True)]
    seal(ledger, "lyrics", rows)
    seal(ledger, "pages", [{"track_id": name, "spectrogram_uri": "a.webp"} for name in ids])


def test_the_least_and_the_most_trusted_are_shown(ledger):
    make(ledger, [0.5, None, 0.9, 0.1, 0.7, 0.3])
    assert [strip.title.split()[1] for strip in strips(ledger)] == ["t3", "t5", "t4", "t2"]


def test_a_strip_is_where_the_words_are(ledger):
    make(ledger, [0.5])
    (strip,) = strips(ledger)
    assert strip.start_s <= 10.0 < strip.end_s <= 20.0
    assert len(strip.words) == 8


def test_the_picture_has_a_row_for_each_and_takes_a_dollar_sign_for_one(ledger):
    make(ledger, [0.5, 0.9])
    with Image.open(io.BytesIO(draw(strips(ledger)))) as image:
        assert image.size == (900, 350)


def test_without_pages_there_is_nothing_to_show(ledger):
    assert strips(ledger) == []
