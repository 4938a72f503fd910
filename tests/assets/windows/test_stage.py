from itertools import pairwise

import numpy as np
import pytest
import soundfile

from assets.tables import Reason, Rejected, table_of
from assets.windows.settings import WindowSettings
from assets.windows.stage import windows_of, windows_stage

SETTINGS = WindowSettings()


def track_of(duration_s, *words, uri="nowhere.wav"):
    lines = [{"start_s": s, "end_s": e, "words": [{"start_s": s, "end_s": e}]} for s, e in words]
    return {"track_id": "t", "uri": uri, "sha256": None, "duration_s": duration_s, "lines": lines}


def song(duration_s):
    return track_of(duration_s, *((s, s + 0.5) for s in np.arange(1, duration_s - 1, 0.75).tolist()))


def test_every_length_that_fits_has_its_windows():
    rows = windows_of(SETTINGS, song(64.0))
    assert [(row["length_s"], row["rank"]) for row in rows] == [
        (10, 1), (10, 2), (20, 1), (20, 2), (30, 1), (30, 2), (45, 1),
    ]  # fmt: skip
    assert {row["kind"] for row in rows} == {"lyrics"}
    table_of("windows", rows)


def test_windows_of_one_length_do_not_overlap():
    rows = [row for row in windows_of(SETTINGS, song(64.0)) if row["length_s"] == 30]
    assert all(a["end_s"] <= b["start_s"] for a, b in pairwise(sorted(rows, key=lambda row: row["start_s"])))


def test_a_track_shorter_than_every_length_is_one_window():
    (row,) = windows_of(SETTINGS, song(8.304))
    assert (row["start_s"], row["end_s"], row["length_s"]) == (0.0, 8.304, 8.304)


def test_a_track_of_less_than_five_seconds_is_too_short():
    with pytest.raises(Rejected) as caught:
        windows_of(SETTINGS, song(4.9))
    assert caught.value.reason == Reason.TOO_SHORT


def test_a_track_that_every_window_would_cut_has_no_window():
    with pytest.raises(Rejected) as caught:
        windows_of(SETTINGS, track_of(19.0, (0.0, 19.0)))
    assert caught.value.reason == Reason.NO_WINDOW


def test_lines_that_are_not_trusted_are_in_no_window():
    settings = WindowSettings(lengths_s=(5.0,), per_length=1, min_trust=0.6)
    track = track_of(20.0, (1, 2), (3, 4), (9, 10))
    for each, trust in zip(track["lines"], (0.9, 0.5, None), strict=True):
        each["trust"] = trust
    (row,) = windows_of(settings, track)
    assert row["start_s"] >= 4 and row["words"] == 1
    for each in track["lines"]:
        each["trust"] = 0.1
    with pytest.raises(Rejected) as caught:
        windows_of(settings, track)
    assert caught.value.reason == Reason.LOW_TRUST


def test_an_instrumental_has_its_loudest_windows(tmp_path):
    audio = 0.01 * np.random.default_rng(0).standard_normal(16000 * 25)
    audio[16000 * 12 : 16000 * 22] *= 10
    soundfile.write(tmp_path / "a.wav", audio, 16000)
    track = track_of(25.0, uri=(tmp_path / "a.wav").as_uri())
    rows = windows_of(SETTINGS.model_copy(update={"per_length": 1}), track)
    assert [(row["length_s"], row["rank"], row["kind"]) for row in rows] == [
        (10, 1, "energy"), (20, 1, "energy"),
    ]  # fmt: skip
    assert rows[0]["start_s"] == pytest.approx(12.0)
    assert rows[0]["words"] == rows[0]["lines"] == rows[0]["sung_s"] == 0


def test_settings_make_the_version():
    other = WindowSettings(per_length=3)
    assert windows_stage(SETTINGS).parameter_hash != windows_stage(other).parameter_hash


def test_a_track_with_one_channel_turned_over_is_not_taken_for_silent(tmp_path):
    tone = 0.3 * np.sin(np.arange(44_100 * 12) / 20)
    soundfile.write(tmp_path / "turned.wav", np.stack([tone, -tone], axis=1), 44_100)
    rows = windows_of(SETTINGS, track_of(12.0, uri=(tmp_path / "turned.wav").as_uri()))
    assert {row["kind"] for row in rows} == {"energy"}
