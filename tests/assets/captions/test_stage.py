import json

import numpy as np
import pytest
import soundfile

from assets.captions.settings import CaptionSettings
from assets.captions.stage import captions_of, captions_stage
from assets.tables import table_of
from resources.captioners import QWEN, CaptionerChoice, captioner_of
from resources.engines import Crew, LocalEngine
from resources.qwen_audio import QwenAudio
from resources.stores import FolderStore

RATE_HZ = 44_100


@pytest.fixture
def track(tmp_path):
    """Half a minute of broken C major chords at 120 BPM with a low hum for a voice, 6 dB hotter than its stems."""
    time_s = np.arange(30 * RATE_HZ) / RATE_HZ
    beat = np.floor(time_s * 2).astype(int)
    notes = np.array([60, 64, 67, 72, 65, 69, 72, 69, 67, 71, 74, 71, 60, 64, 67, 64])[beat % 16]
    plucked = np.sin(2 * np.pi * 440 * 2 ** ((notes - 69) / 12) * time_s) * np.exp(-8 * (time_s * 2 % 1))
    voice = 0.3 * sum(np.sin(2 * np.pi * 130.81 * n * time_s) / n for n in range(1, 6))
    (tmp_path / "store").mkdir()
    soundfile.write(tmp_path / "mix.wav", 0.5 * (plucked + voice), RATE_HZ)
    soundfile.write(tmp_path / "store/v.flac", 0.25 * voice, RATE_HZ, subtype="PCM_24")
    return {
        "track_id": "t", "uri": (tmp_path / "mix.wav").as_uri(), "sha256": None, "duration_s": 30.0,
        "integrated_lufs": -15.0, "genre": "Folk", "vocals_uri": "v.flac", "gain_db": -6.0206,
        "vocal_segments": [{"start_s": 0.0, "end_s": 30.0}], "vocal_to_mix_db": -5.0,
    }  # fmt: skip


@pytest.fixture
def write(track, tmp_path):
    """The row of the track: write(listener, **settings)."""

    def write(listener=None, **settings):
        store = FolderStore(tmp_path / "store")
        (row,) = captions_of(CaptionSettings(**settings), SPEC, store, listener, track | {"artist": "Silver Lanterns"})
        table_of("captions", [row])
        return row

    return write


SPEC = captioner_of(CaptionerChoice(model=QWEN)).spec
SAID = """Genre: indie folk
Mood: calm
Instruments: harp
Description: A harp is plucked in F major at 240 BPM. A low voice hums along. It could be by Silver Lanterns."""


class Says:
    """Answers every question alike, and remembers how long the windows were."""

    def __init__(self, answer):
        self.answer, self.seconds = answer, []

    def listen(self, windows, prompt, seed=None):
        self.seconds += [len(window) / 16_000 for window in windows]
        return [self.answer] * len(windows)


def test_a_track_has_a_caption_a_tempo_and_a_key(write):
    row = write()
    assert row["tempo_bpm"] == pytest.approx(120, rel=0.04)
    assert row["key"] == "C major"
    assert "folk song in C major" in row["caption"]
    assert "low voice" in row["tags"]
    assert (row["origin"], row["evidence"]) == ("measured", None)


def test_only_the_middle_of_a_long_track_is_measured(write):
    assert write(heard_s=10.0)["tempo_bpm"] == pytest.approx(120, rel=0.04)


def test_a_caption_that_was_heard_agrees_with_what_was_measured(write):
    row = write(Says(SAID))
    assert row["caption"].startswith(f"A harp is plucked in C major at {row['tempo_bpm']:.0f} BPM. A low voice hums")
    assert "Silver" not in row["caption"]
    assert row["short_caption"].startswith("calm, indie folk song, ")
    assert "harp" in row["tags"]
    assert (row["origin"], row["models"][0]["name"]) == ("heard", QWEN)
    assert json.loads(row["evidence"])["dropped"] == {"name": 1}


def test_several_windows_of_a_track_are_heard(write):
    listener = Says(SAID)
    row = write(listener, captioner=CaptionerChoice(model=QWEN, windows=3, window_s=6.0))
    assert listener.seconds == pytest.approx([6.0] * 3, abs=0.01)
    assert json.loads(row["evidence"])["windows"] == [[2.0, 8.0], [12.0, 18.0], [22.0, 28.0]]


def test_where_nothing_usable_is_heard_the_row_says_that_its_caption_was_measured(write):
    row = write(Says("I'm sorry, I cannot listen to audio."))
    assert row["caption"] == write()["caption"]
    assert row["origin"] == "measured"
    assert json.loads(row["evidence"])["faults"] == {"refusal": 2}
    assert [model["role"] for model in row["models"]] == ["captioner", "listener"]


def test_a_model_that_babbles_is_not_believed(write, qwen_folder):
    row = write(QwenAudio(qwen_folder, max_tokens=8))
    assert row["origin"] == "measured"
    assert json.loads(row["evidence"])["retried"] == 1


def test_tracks_that_go_through_one_worker_side_by_side_get_their_own_rows(track, tmp_path, qwen_folder):
    choice = CaptionerChoice(model=QWEN, weights=str(qwen_folder), max_tokens=8, batch=4, tracks_at_once=2)
    stage = captions_stage(CaptionSettings(captioner=choice), str(tmp_path / "store"), 1, fetch=True)
    assert stage.crew == Crew(None, at_once=2)
    tracks = [track | {"artist": None, "genre": genre} for genre in ("Folk", "Polka")]
    done = list(LocalEngine(1).run(stage.open, tracks, 600.0, stage.crew))
    assert [each.error for each in done] == [None, None]
    assert ["folk" in done[0].result[0]["caption"], "polka" in done[1].result[0]["caption"]] == [True, True]


def test_the_captioner_is_part_of_the_version():
    measured = captions_stage(CaptionSettings(), "", 1)
    assert measured.parameters["captioner"]["name"] == "measured-1"
    heard = captions_stage(CaptionSettings(captioner=CaptionerChoice(model=QWEN)), "", 1)
    others = (captions_stage(CaptionSettings(heard_s=60.0), "", 1), heard)
    assert len({stage.parameter_hash for stage in (measured, *others)}) == 3


def test_an_artist_makes_only_captions_stale_that_could_name_one():
    assert "artist" not in captions_stage(CaptionSettings(), "", 1).reads["tracks"]
    assert "artist" in captions_stage(CaptionSettings(captioner=CaptionerChoice(model=QWEN)), "", 1).reads["tracks"]
