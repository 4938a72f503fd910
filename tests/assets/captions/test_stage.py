import numpy as np
import pytest
import soundfile

from assets.captions.sentence import SentenceWriter
from assets.captions.settings import CaptionSettings
from assets.captions.stage import captions_of, captions_stage
from assets.tables import table_of
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


def test_a_track_has_a_caption_a_tempo_and_a_key(track, tmp_path):
    (row,) = captions_of(CaptionSettings(), FolderStore(tmp_path / "store"), SentenceWriter(), track)
    table_of("captions", [row])
    assert row["tempo_bpm"] == pytest.approx(120, rel=0.04)
    assert row["key"] == "C major"
    assert "folk song in C major" in row["caption"]
    assert "low voice" in row["tags"]


def test_only_the_middle_of_a_long_track_is_listened_to(track, tmp_path):
    settings = CaptionSettings(heard_s=10.0)
    (row,) = captions_of(settings, FolderStore(tmp_path / "store"), SentenceWriter(), track)
    assert row["tempo_bpm"] == pytest.approx(120, rel=0.04)


def test_an_unknown_captioner_is_refused_before_any_work():
    with pytest.raises(ValueError, match="no captioner is called"):
        captions_stage(CaptionSettings(captioner="oracle"), "", 1)


def test_the_captioner_is_part_of_the_version():
    stage = captions_stage(CaptionSettings(), "", 1)
    assert stage.parameters["model"]["name"] == "measured-1"
    assert stage.parameter_hash != captions_stage(CaptionSettings(heard_s=60.0), "", 1).parameter_hash
