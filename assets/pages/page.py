"""What a page holds: the rows of a batch as one plain value, ready for JSON."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from assets.pages.spectrogram import columns_per_s
from assets.pages.stage import page_folder
from assets.pages.words import evidence_in_words, reason_in_words
from assets.tables import Row, Status
from resources.ffmpeg import local_path
from resources.ledger import Ledger

# In this order a track goes through them; the first that is not ok says what became of it.
FATES = ("tracks", "catalogue", "stems", "lyrics", "captions", "windows", "pages")
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "manifest": ("uri", "title", "artist", "license"),
    "tracks": ("title", "artist", "genre", "license", "duration_s", "lyrics_origin", "container", "codec"),
    "catalogue": ("split", "duplicate_of"),
    "stems": ("vocal_segments",),
    "lyrics": ("language", "origin", "lines", "trust", "evidence"),
    "captions": ("caption", "short_caption", "tags", "tempo_bpm", "key"),
    "windows": ("rank", "length_s", "start_s", "end_s", "words", "kind"),
    "pages": ("mix_uri", "vocals_uri", "accompaniment_uri", "spectrogram_uri"),
}
LONGEST_TEXT = 300  # characters of a title or a name: a tag may hold a megabyte


def page_of(ledger: Ledger, batch: str) -> dict[str, Any]:
    """The page's value: every track with audio, and every track that is not ok. `tracks` counts all of the batch.

    Raises:
        KeyError: a table has not been made for the batch.
    """
    tables: dict[str, dict[str, list[Row]]] = {}
    for table, columns in COLUMNS.items():
        rows: dict[str, list[Row]] = defaultdict(list)
        for row in ledger.read(table, batch, ["track_id", "status", "reason", "detail", *columns]).to_pylist():
            rows[row["track_id"]].append(row)
        tables[table] = rows
    tracks = [
        track_of({table: rows[track_id] for table, rows in tables.items() if track_id in rows}, batch, track_id)
        for track_id in tables["manifest"]
    ]
    shown = [track for track in tracks if track["media"] or track["kind"] in ("rejected", "failed")]
    return {"batch": batch, "tracks": len(tracks), "shown": shown}


def track_of(rows: Mapping[str, Sequence[Row]], batch: str, track_id: str) -> dict[str, Any]:
    """One track, from its rows by table; what it never came to is null."""

    def one(table: str) -> Row:
        return rows[table][0] if table in rows else dict.fromkeys(COLUMNS[table])

    manifest, tracks, catalogue, lyrics, captions = map(one, ("manifest", "tracks", "catalogue", "lyrics", "captions"))
    fate = _fate(rows)
    file = _file_name(manifest["uri"])
    return {
        "id": track_id,
        "title": _text(tracks["title"] or manifest["title"] or file),
        "artist": _text(tracks["artist"] or manifest["artist"]),
        "file": _text(file),
        "kind": fate["status"] if fate else ("sung" if lyrics["lines"] else "instrumental"),
        "fate": fate,
        "duplicate_of": catalogue["duplicate_of"],
        "duration_s": _number(tracks["duration_s"]),
        "genre": _text(tracks["genre"]),
        "license": _text(tracks["license"] or manifest["license"]),
        "split": catalogue["split"],
        "language": lyrics["language"],
        "origin": lyrics["origin"],
        "given_in": tracks["lyrics_origin"],
        "trust": _number(lyrics["trust"]),
        "evidence": evidence_in_words(lyrics["evidence"]),
        "lines": [_line(line) for line in lyrics["lines"] or ()],
        "caption": captions["caption"],
        "short_caption": captions["short_caption"],
        "tags": captions["tags"] or [],
        "tempo_bpm": _number(captions["tempo_bpm"]),
        "key": captions["key"],
        "singing": [[_time(s["start_s"]), _time(s["end_s"])] for s in one("stems")["vocal_segments"] or ()],
        "windows": [_window(row) for row in rows.get("windows", ()) if row["status"] == Status.OK],
        "media": _media(one("pages"), batch),
        "columns_per_s": columns_per_s(tracks["duration_s"]) if tracks["duration_s"] else None,
    }


def _fate(rows: Mapping[str, Sequence[Row]]) -> dict[str, Any] | None:
    """What became of a track that is not ok everywhere, by the first table that says so."""
    for table in FATES:
        row = rows[table][0] if table in rows else None
        if row is not None and row["status"] != Status.OK:
            words = reason_in_words(row["reason"])
            return {"stage": table, "detail": _text(row["detail"]), "words": words} | {
                name: row[name] for name in ("status", "reason")
            }
    return None


def _file_name(uri: str) -> str:
    try:
        return local_path(uri).name
    except ValueError:  # of another kind, which is why it was rejected
        return uri


def _media(row: Row, batch: str) -> dict[str, str] | None:
    """The files, as the page links them: relative to itself."""
    folder = f"{page_folder(batch)}/"
    files = {name: row[f"{name}_uri"] for name in ("mix", "vocals", "accompaniment", "spectrogram")}
    return {name: uri.removeprefix(folder) for name, uri in files.items() if uri} or None


def _line(line: Row) -> dict[str, Any]:
    return _span(line) | {"text": line["text"], "words": [[w["text"], *_ends(w), _share(w)] for w in line["words"]]}


def _window(window: Row) -> dict[str, Any]:
    return _span(window) | {name: window[name] for name in ("length_s", "rank", "words", "kind")}


def _span(row: Row) -> dict[str, float]:
    return {"start_s": _time(row["start_s"]), "end_s": _time(row["end_s"])}


def _ends(row: Row) -> tuple[float, float]:
    return _time(row["start_s"]), _time(row["end_s"])


def _share(word: Row) -> float | None:
    trust = _number(word["trust"])
    return None if trust is None else round(trust, 2)


def _time(seconds: float) -> float:
    return round(seconds, 3)


def _number(value: float | None) -> float | None:
    """JSON has no infinities."""
    return value if value is not None and isfinite(value) else None


def _text(text: str | None) -> str | None:
    return text if text is None or len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}…"
