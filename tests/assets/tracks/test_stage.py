import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from assets.tables import Reason, Rejected, table_of
from assets.tracks.settings import TrackSettings
from assets.tracks.stage import MANIFEST, track_of, tracks_stage
from resources.child import executable
from resources.ffmpeg import decode

RATE_HZ = 44_100
SETTINGS = TrackSettings()


def row_of(path: Path, **given: object) -> dict[str, object]:
    return {**dict.fromkeys(MANIFEST), "uri": path.absolute().as_uri(), **given}


def measured(path: Path, **given: object) -> dict[str, object]:
    (row,) = track_of(SETTINGS, row_of(path, **given))
    return row


def reason_of(path: Path) -> Reason:
    with pytest.raises(Rejected) as caught:
        track_of(SETTINGS, row_of(path))
    assert caught.value.detail
    return caught.value.reason


def ffmpeg(*arguments: object) -> None:
    subprocess.run([executable(), "-v", "error", "-nostdin", "-y", *map(str, arguments)], check=True)


@pytest.fixture(scope="module")
def clip(demo_songs, tmp_path_factory) -> np.ndarray:
    """Six seconds of a song, float32 [n, 2]."""
    return np.concatenate(list(decode(demo_songs["pop"]["path"], RATE_HZ, 2, start_s=9.0, duration_s=6.0)))


@pytest.fixture(scope="module")
def mp3(clip, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("clip")
    soundfile.write(folder / "clip.wav", clip, RATE_HZ)
    ffmpeg("-i", folder / "clip.wav", "-c:a", "libmp3lame", "-b:a", "128k", folder / "clip.mp3")
    return folder / "clip.mp3"


def wav_header(data_bytes: int, channels: int = 2, rate_hz: int = RATE_HZ) -> bytes:
    block = channels * 2
    form = struct.pack("<IHHIIHH", 16, 1, channels, rate_hz, rate_hz * block & 0xFFFFFFFF, block, 16)
    size = min(0xFFFFFFFF, data_bytes + 36)
    return b"RIFF" + struct.pack("<I", size) + b"WAVEfmt " + form + b"data" + struct.pack("<I", data_bytes)


def test_a_row_fits_its_table_and_tells_what_the_file_is(demo_songs):
    truth = demo_songs["pop"]
    row = measured(truth["path"], license="CC0")
    table_of("tracks", [row])
    assert (row["container"], row["codec"], row["channels"], row["license"]) == ("mp3", "mp3", 2, "CC0")
    assert (row["title"], row["artist"]) == (truth["title"], truth["artist"])
    assert row["duration_s"] == pytest.approx(truth["duration"], abs=0.06)
    assert row["integrated_lufs"] == pytest.approx(truth["loudness"]["lufs"], abs=1.0)
    assert row["bytes"] == truth["path"].stat().st_size
    assert len(row["fingerprint"]) == pytest.approx(8.08 * (truth["duration"] - 2.6), abs=4)


def test_duration_is_what_decodes(demo_songs):
    for song in (demo_songs["pop"], demo_songs["mono"], demo_songs["quiet"]):
        frames = sum(len(block) for block in decode(song["path"], RATE_HZ, 2))
        assert measured(song["path"])["duration_s"] == pytest.approx(frames / RATE_HZ, abs=2 / RATE_HZ)


def test_the_same_file_gives_the_same_row(demo_songs):
    path = demo_songs["quiet"]["path"]
    assert measured(path) == measured(path)


def test_quiet_songs_are_kept_and_clipping_is_counted(demo_songs, clip, tmp_path):
    assert measured(demo_songs["quiet"]["path"])["clipped_ratio"] == 0.0
    soundfile.write(tmp_path / "clipped.wav", np.clip(20 * clip, -1, 1), RATE_HZ)
    row = measured(tmp_path / "clipped.wav")
    assert row["clipped_ratio"] > 0.1
    assert row["true_peak_dbtp"] >= 0.0


def test_lyrics_come_from_the_manifest_then_a_sidecar_then_a_tag(mp3, tmp_path):
    tagged = tmp_path / "tagged.mp3"
    ffmpeg(
        "-i", mp3, "-c", "copy", "-metadata", "lyrics-eng=from the tag\nline two", "-metadata", "title=A\x07 b", tagged
    )
    (tmp_path / "song.lrc").write_text("[00:01.50]from the lrc\n")
    (tmp_path / "song.txt").write_bytes("from the tëxt\n".encode("utf-16"))
    lrc, txt = ((tmp_path / name).as_uri() for name in ("song.lrc", "song.txt"))
    found = [
        measured(tagged, lyrics="from the manifest", lyrics_uri=lrc),
        measured(tagged, lyrics_uri=lrc),
        measured(tagged, lyrics_uri=txt),
        measured(tagged),
        measured(mp3),
    ]
    assert [row["lyrics_origin"] for row in found] == ["manifest", "lrc", "txt", "tag", None]
    assert found[1]["given_lines"] == [{"text": "from the lrc", "anchor_s": 1.5}]
    assert found[2]["given_lines"] == [{"text": "from the tëxt", "anchor_s": None}]
    assert [line["text"] for line in found[3]["given_lines"]] == ["from the tag", "line two"]
    assert found[3]["title"] == "A b"


def test_a_megabyte_of_lyrics_is_left_aside_and_noted(mp3, tmp_path):
    (tmp_path / "long.txt").write_text("la la la\n" * 200_000)
    row = measured(mp3, lyrics_uri=(tmp_path / "long.txt").as_uri())
    assert (row["lyrics_origin"], row["given_lines"]) == (None, [])
    assert "longer than" in row["detail"]
    gone = measured(mp3, lyrics_uri=(tmp_path / "gone.txt").as_uri())
    assert "gone.txt" in gone["detail"]


def test_tags_of_the_stream_count_too(mp3, tmp_path):
    ffmpeg("-i", mp3, "-c:a", "libopus", "-metadata", "title=In the; stream = #1", tmp_path / "a.opus")
    assert measured(tmp_path / "a.opus")["title"] == "In the; stream = #1"


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("antiphase", lambda y: np.stack([y[:, 0], -y[:, 0]], axis=1)),
        ("one side", lambda y: y * [1, 0]),
        ("mono", lambda y: y[:, 0]),
        ("six channels", lambda y: np.repeat(y, 3, axis=1)),
    ],
)
def test_odd_but_good_audio_is_accepted(clip, tmp_path, name, change):
    soundfile.write(tmp_path / "odd.wav", change(clip), RATE_HZ)
    assert measured(tmp_path / "odd.wav")["duration_s"] == 6.0


@pytest.mark.parametrize("rate_hz", [8_000, 192_000])
def test_odd_but_good_rates_are_accepted(clip, tmp_path, rate_hz):
    soundfile.write(tmp_path / "odd.wav", clip, rate_hz)
    assert measured(tmp_path / "odd.wav")["sample_rate_hz"] == rate_hz


def test_loudness_does_not_depend_on_the_rate(clip, tmp_path):
    soundfile.write(tmp_path / "low.wav", np.concatenate(list(decode_clip(clip, tmp_path, 8_000))), 8_000)
    soundfile.write(tmp_path / "same.wav", np.concatenate(list(decode(tmp_path / "low.wav", 48_000, 2))), 48_000)
    low, same = (measured(tmp_path / name)["integrated_lufs"] for name in ("low.wav", "same.wav"))
    assert low == pytest.approx(same, abs=0.11)


def decode_clip(clip: np.ndarray, folder: Path, rate_hz: int):
    soundfile.write(folder / "clip.wav", clip, RATE_HZ)
    return decode(folder / "clip.wav", rate_hz, 2)


def test_the_extension_means_nothing(mp3, tmp_path):
    for name in ("a.wav", "A.MP3", "none", ".hidden.mp3"):
        (tmp_path / name).write_bytes(mp3.read_bytes())
        assert measured(tmp_path / name)["codec"] == "mp3"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda y: y * 0, "silent"),
        (lambda y: y * 0 + 0.5, "silent"),
        (lambda y: np.random.default_rng(0).normal(0, 3e-5, y.shape), "silent"),
        (lambda y: y[:8820], "too_short"),
        (lambda y: y[:1], "too_short"),
        (lambda y: y[:0], "too_short"),
        (lambda y: y * np.nan, "not_finite"),
        (lambda y: np.where(np.arange(len(y))[:, None] == 500, np.inf, y), "not_finite"),
        (lambda y: y * 1e30, "corrupt"),
    ],
)
def test_samples_that_are_no_music_are_rejected(clip, tmp_path, change, reason):
    soundfile.write(tmp_path / "bad.wav", change(clip), RATE_HZ, subtype="FLOAT")
    assert reason_of(tmp_path / "bad.wav") == reason


def test_headers_that_lie_are_rejected_or_do_not_matter(clip, tmp_path):
    pcm = (clip * 32767).astype("<i2").tobytes()
    headers = {
        "no rate": wav_header(len(pcm), rate_hz=0),
        "no channels": wav_header(len(pcm), channels=0),
        "4 GHz": wav_header(len(pcm), rate_hz=0xF0000000),
    }
    for name, header in headers.items():
        (tmp_path / name).write_bytes(header + pcm)
        assert reason_of(tmp_path / name) in ("odd_rate", "odd_channels", "not_audio")
    (tmp_path / "hours").write_bytes(wav_header(0xFFFFFFF0) + pcm)
    assert measured(tmp_path / "hours")["duration_s"] == 6.0


def test_files_that_hold_no_audio_are_named(mp3, tmp_path):
    sound = mp3.read_bytes()
    ffmpeg("-i", mp3, "-c:a", "aac", tmp_path / "whole.m4a")
    fairplay = struct.pack(">I", 32) + b"ftypM4P " + bytes(4) + b"M4P mp42isom" + bytes(4)
    fairplay += struct.pack(">I", 40) + b"moov" + struct.pack(">I", 32) + b"drms" + bytes(24)
    noise = np.random.default_rng(0).bytes(100_000)
    expected = {
        "zero.mp3": (b"", "empty"),
        "notes.mp3": (b"this is only a text file\n" * 400, "not_audio"),
        "picture.flac": (b"\x89PNG\r\n\x1a\n" + noise[:9000], "not_audio"),
        "noise.mp3": (noise, "not_audio"),
        "start.mp3": (sound[:200], "not_audio"),
        "cut.mp3": (sound[: len(sound) // 3], "truncated"),
        "cut.m4a": ((tmp_path / "whole.m4a").read_bytes()[:40_000], "truncated"),
        "protected.m4p": (fairplay + noise, "drm"),
    }
    for name, (data, _) in expected.items():
        (tmp_path / name).write_bytes(data)
    assert {name: reason_of(tmp_path / name) for name in expected} == {name: why for name, (_, why) in expected.items()}


def test_what_is_no_file_is_named(tmp_path):
    (tmp_path / "self.mp3").symlink_to("self.mp3")
    (tmp_path / "folder.mp3").mkdir()
    assert [reason_of(tmp_path / name) for name in ("self.mp3", "nowhere.mp3", "folder.mp3")] == [
        "missing",
        "missing",
        "not_audio",
    ]


def test_a_damaged_middle_is_survived(mp3, tmp_path):
    for seed in range(3):
        random = np.random.default_rng(seed)
        hurt = np.frombuffer(mp3.read_bytes(), np.uint8).copy()
        hurt[random.integers(2000, len(hurt), 200)] = random.integers(0, 256, 200)
        (tmp_path / "hurt.mp3").write_bytes(hurt.tobytes())
        try:
            assert np.isfinite(measured(tmp_path / "hurt.mp3")["true_peak_dbtp"])
        except Rejected as error:
            assert error.reason in (Reason.CORRUPT, Reason.TRUNCATED)


def test_a_track_longer_than_allowed_is_not_decoded_to_its_end(mp3):
    with pytest.raises(Rejected) as caught:
        track_of(TrackSettings(max_duration_s=2.0), row_of(mp3))
    assert caught.value.reason == Reason.TOO_LONG


def test_the_stage_opens_in_a_worker_and_its_settings_are_its_hash():
    stage = tracks_stage(SETTINGS, 1)
    assert set(stage.reads) == {"manifest"}
    assert stage.parameters == SETTINGS.model_dump(mode="json")
    assert callable(stage.open())


def test_a_file_that_was_replaced_since_it_was_listed_is_not_taken_for_the_old_one(mp3):
    listed = {"bytes": mp3.stat().st_size, "modified_s": mp3.stat().st_mtime}
    assert measured(mp3, **listed)["bytes"] == listed["bytes"]
    for other in ({"bytes": listed["bytes"] + 1}, {"modified_s": listed["modified_s"] - 1}):
        with pytest.raises(Rejected) as caught:
            track_of(SETTINGS, row_of(mp3, **(listed | other)))
        assert caught.value.reason == Reason.REPLACED


def test_a_title_that_speaks_of_a_full_disk_stops_no_run(tmp_path):
    video = ("-f", "lavfi", "-i", "color=size=16x16:duration=0.2", "-metadata", "title=No space left on device")
    ffmpeg(*video, tmp_path / "silent film.mp4")
    assert reason_of(tmp_path / "silent film.mp4") == Reason.NOT_AUDIO
