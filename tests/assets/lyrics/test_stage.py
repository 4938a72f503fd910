import json
import pickle
import re
from dataclasses import replace

import pytest

from assets.lyrics.settings import LyricsSettings
from assets.lyrics.stage import Ears, lyrics_of, lyrics_stage
from assets.tables import COLUMNS, Reason, Rejected
from resources.acoustics import CTC_HEAD, open_acoustic_model
from resources.models import LocalModel
from resources.transcribers import WHISPER_BASE, open_transcriber

SETTINGS = LyricsSettings()


@pytest.fixture(scope="module")
def ears():
    return Ears(open_transcriber(LocalModel(WHISPER_BASE), 1), open_acoustic_model(LocalModel(CTC_HEAD), 1), [])


@pytest.fixture
def track_of(store):
    """A song as earlier stages hand it on; its mix stands in for its vocals, since both are listened to together."""

    def make(song, lines=(), *, singing=None):
        key = "ab" * 16
        store.put(f"stems/{key}.flac", song["path"])
        segments = song["vocal_segments"] if singing is None else singing
        return {
            "track_id": song["id"],
            "key": key,
            "uri": song["path"].as_uri(),
            "sha256": None,
            "duration_s": song["duration"],
            "given_lines": [{"text": text, "anchor_s": anchor_s} for text, anchor_s in lines],
            "lyrics_origin": "txt" if lines else None,
            "vocals_uri": f"stems/{key}.flac",
            "vocal_segments": [{"start_s": start_s, "end_s": end_s} for start_s, end_s in segments],
        }

    return make


def words_of(row):
    return [word for line in row["lines"] for word in line["words"]]


def placed(row, song):
    truth = song["words"]
    found = words_of(row)
    assert [word["text"] for word in found] == [word["w"] for word in truth]
    return sum(abs(a["start_s"] - b["start"]) <= 0.3 for a, b in zip(found, truth, strict=True)) / len(truth)


def test_given_lyrics_are_put_in_their_places_and_written_as_lrc_and_json(ears, store, track_of, demo_songs):
    song = demo_songs["pop"]
    track = track_of(song, [("[Verse]", None), *((line["text"], None) for line in song["lines"])])
    (row,) = lyrics_of(SETTINGS, ears, store, track)
    assert set(row) == set(COLUMNS["lyrics"])
    assert (row["origin"], row["language"], row["words"]) == ("given", "en", len(song["words"]))
    assert placed(row, song) >= 0.9
    assert row["trust"] > 0.5
    with store.open(row["json_uri"]) as file:
        assert json.load(file)["lines"] == row["lines"]
    with store.open(row["lrc_uri"]) as file:
        assert len(file.read().decode().splitlines()) == len(song["lines"])


def test_line_times_are_held_to_and_wrong_ones_are_ignored(ears, store, track_of, demo_songs):
    song = demo_songs["pop"]
    anchored = track_of(song, [(line["text"], line["start"] + 0.4) for line in song["lines"]])
    (row,) = lyrics_of(SETTINGS, ears, store, anchored)
    assert json.loads(row["evidence"])["anchors"] in ("agree", "kept")
    assert placed(row, song) >= 0.9
    (row,) = lyrics_of(SETTINGS, ears, store, track_of(song, [(line["text"], 900.0) for line in song["lines"]]))
    assert json.loads(row["evidence"])["anchors"].startswith("ignored")


def test_a_song_without_lyrics_is_transcribed(ears, store, track_of, demo_songs):
    song = demo_songs["pop"]
    (row,) = lyrics_of(SETTINGS, ears, store, track_of(song))
    assert (row["origin"], row["language"]) == ("transcribed", "en")
    assert 0.6 * len(song["words"]) < row["words"] < 1.4 * len(song["words"])
    words = words_of(row)
    assert all(0 <= word["start_s"] < word["end_s"] <= song["duration"] for word in words)


def test_where_nobody_sings_there_are_no_words_even_if_some_were_given(ears, store, track_of, demo_songs):
    song = demo_songs["instrumental"]
    (row,) = lyrics_of(SETTINGS, ears, store, track_of(song, [("hold on to me", None)], singing=[]))
    assert (row["origin"], row["words"], row["lines"], row["trust"]) == ("none", 0, [], None)
    assert json.loads(row["evidence"])["given_words"] == 4


def test_the_lyrics_of_another_song_are_rejected_with_what_was_heard_instead(ears, store, track_of, demo_songs):
    others = [(line["text"], None) for line in demo_songs["rap_peak"]["lines"]][:12]
    with pytest.raises(Rejected) as caught:
        lyrics_of(SETTINGS, ears, store, track_of(demo_songs["pop"], others))
    assert caught.value.reason == Reason.LYRICS_MISMATCH
    heard = set(re.findall(r"[a-z']+", caught.value.detail.split("heard (en): ")[1].lower()))
    assert len(heard & {word["w"].lower() for word in demo_songs["pop"]["words"]}) >= 5


def test_lyrics_that_are_not_checked_are_rejected_if_nothing_of_them_is_found(ears, store, track_of, demo_songs):
    others = [("quick brown foxes jump over lazy dogs", None)]
    with pytest.raises(Rejected) as caught:
        lyrics_of(LyricsSettings(checked_cuts=0), ears, store, track_of(demo_songs["pop"], others))
    assert caught.value.reason == Reason.LYRICS_MISMATCH
    assert "0% of them were found" in caught.value.detail


def test_a_line_that_nobody_sings_is_left_out_and_named_in_the_evidence(ears, store, track_of, demo_songs):
    song = demo_songs["pop"]
    lines = [line["text"] for line in song["lines"]]
    lines.insert(2, "quick brown foxes jump over lazy dogs")
    (row,) = lyrics_of(SETTINGS, ears, store, track_of(song, [(line, None) for line in lines]))
    assert json.loads(row["evidence"])["unsung"] == ["quick brown foxes jump over lazy dogs"]
    assert placed(row, song) >= 0.9


def test_the_aligner_listens_with_the_transcriber_s_own_encoder(ears, store, track_of, demo_songs, monkeypatch):
    song = demo_songs["pop"]
    monkeypatch.setattr(ears.acoustics, "log_probs", None)  # it would be an encoder pass of its own
    (row,) = lyrics_of(SETTINGS, replace(ears, overhear=ears.acoustics.overheard), store, track_of(song))
    truth = [(word["w"].lower(), word["start"]) for word in song["words"]]
    near = [
        any(
            word["text"].lower().strip(",.") == said and abs(word["start_s"] - start_s) <= 0.3
            for said, start_s in truth
        )
        for word in words_of(row)
    ]
    assert sum(near) >= 0.6 * len(truth)
    assert all(0 < word["trust"] < 1 for word in words_of(row))


def test_lyrics_that_the_track_cannot_hold_are_rejected_as_too_long(ears, store, track_of, demo_songs):
    with pytest.raises(Rejected) as caught:
        lyrics_of(SETTINGS, ears, store, track_of(demo_songs["pop"], [("we were dreaming in the rain", None)] * 400))
    assert caught.value.reason == Reason.LYRICS_TOO_LONG


def test_lyrics_in_letters_the_aligner_does_not_know_are_rejected_as_unreadable(ears, store, track_of, demo_songs):
    with pytest.raises(Rejected) as caught:
        lyrics_of(SETTINGS, ears, store, track_of(demo_songs["pop"], [("𗀀𗀁 𗀂", None)]))
    assert caught.value.reason == Reason.LYRICS_UNREADABLE


def test_a_worker_can_be_sent_the_stage(tmp_path):
    stage = lyrics_stage(SETTINGS, str(tmp_path), 1)
    assert pickle.loads(pickle.dumps(stage.open)).func is stage.open.func
    other = lyrics_stage(LyricsSettings(hush_nats=2.0), str(tmp_path), 1)
    assert other.parameter_hash != stage.parameter_hash
