import hashlib
import os
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from resources.child import Child
from resources.ffmpeg import DecodeError, Limits, decode, decode_mono, encode, first_audio, local_path, opened

RATE_HZ = 44_100


@pytest.fixture(scope="module")
def song() -> np.ndarray:
    """Three and a third seconds of two tones and a little noise, float32 [n, 2]."""
    time_s = np.arange(147_000) / RATE_HZ
    noise = np.random.default_rng(1).normal(0, 0.01, (len(time_s), 2))
    tones = np.stack([np.sin(2 * np.pi * 220 * time_s), np.sin(2 * np.pi * 331 * time_s)], axis=1)
    return (0.3 * tones + noise).astype(np.float32)


@pytest.fixture(scope="module")
def wav(song: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("audio") / "song.wav"
    soundfile.write(path, song, RATE_HZ, subtype="FLOAT")
    return path


def whole(path: Path, rate_hz: int = RATE_HZ, channels: int = 2, **options: object) -> np.ndarray:
    return np.concatenate(list(decode(path, rate_hz, channels, **options)))


def children() -> set[str]:
    """Processes that are ours: running, or dead and not reaped."""
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


def test_what_was_written_is_what_is_decoded_in_blocks_of_a_second(song, wav):
    blocks = list(decode(wav, RATE_HZ, 2))
    assert [len(block) for block in blocks] == [44_100, 44_100, 44_100, 14_700]
    assert all(block.dtype == np.float32 for block in blocks)
    np.testing.assert_array_equal(np.concatenate(blocks), song)


@pytest.mark.parametrize(("start_s", "duration_s"), [(0.5, 1.0), (1.7, None), (0.0, 0.1), (3.0, 9.0)])
def test_a_stretch_is_that_slice_of_the_whole(wav, start_s, duration_s):
    part = whole(wav, start_s=start_s, duration_s=duration_s)
    first = round(start_s * RATE_HZ)
    last = None if duration_s is None else first + round(duration_s * RATE_HZ)
    np.testing.assert_array_equal(part, whole(wav)[first:last])


def test_mono_becomes_stereo_at_its_own_level_and_back(song, tmp_path):
    soundfile.write(tmp_path / "mono.wav", song[:, 0], RATE_HZ, subtype="FLOAT")
    doubled = whole(tmp_path / "mono.wav", channels=2)
    np.testing.assert_array_equal(doubled, song[:, [0, 0]])
    np.testing.assert_array_equal(whole(tmp_path / "mono.wav", channels=1)[:, 0], song[:, 0])


def test_a_track_with_one_channel_turned_over_is_not_silent_as_mono(song, tmp_path):
    path = tmp_path / "turned.wav"
    soundfile.write(path, np.stack([song[:, 0], -song[:, 0]], axis=1), RATE_HZ, subtype="FLOAT")
    np.testing.assert_allclose(decode_mono(path, RATE_HZ), song[:, 0], atol=1e-6)


def test_any_other_track_is_the_mean_of_its_channels_as_mono(song, wav):
    np.testing.assert_allclose(decode_mono(wav, RATE_HZ), song.mean(axis=1), atol=1e-6)


def test_another_rate_keeps_length_and_pitch(wav):
    at_16k = whole(wav, rate_hz=16_000, channels=1)
    assert len(at_16k) == pytest.approx(147_000 * 16_000 / RATE_HZ, abs=2)
    spectrum = np.abs(np.fft.rfft(at_16k[:16_000, 0]))
    assert abs(int(spectrum[:300].argmax()) - 220) <= 1


@pytest.mark.parametrize(("codec", "tolerance"), [("flac", 2**-23), ("opus", 0.1)])
def test_what_is_encoded_decodes_to_the_same_length_and_sound(song, tmp_path, codec, tolerance):
    encode(tmp_path / "first", iter(np.array_split(song, 5)), RATE_HZ, codec)
    decoded = whole(tmp_path / "first")
    assert decoded.shape == song.shape
    assert np.abs(decoded - song).max() <= tolerance


@pytest.mark.parametrize("codec", ["flac", "opus"])
def test_the_same_audio_is_encoded_to_the_same_bytes(song, tmp_path, codec):
    encode(tmp_path / "first", [song], RATE_HZ, codec)
    encode(tmp_path / "again", np.array_split(song, 7), RATE_HZ, codec)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "again").read_bytes()


@pytest.mark.parametrize(
    "name",
    [
        b"--help -rf",
        b"line one\nline two.wav",
        b"100%d %s.wav",
        b"bad_utf8_\xff\xfe.wav",
        b"concat:a|b",
        b"'q' \"$HOME`.wav",
    ],
)
def test_no_file_name_is_too_odd(song, wav, tmp_path, name):
    odd = Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), name)))  # noqa: PTH118 - bytes
    odd.write_bytes(wav.read_bytes())
    np.testing.assert_array_equal(whole(local_path(odd.as_uri())), song)
    encode(odd, [song], RATE_HZ)
    assert whole(odd).shape == song.shape


def test_only_local_files_have_a_path():
    assert local_path("/music/a b.mp3") == Path("/music/a b.mp3")
    assert local_path("file:///music/a%20b%23.mp3") == Path("/music/a b#.mp3")
    for uri in ("https://example.org/a.mp3", "s3://bucket/a.mp3", "file://elsewhere/a.mp3"):
        with pytest.raises(ValueError, match="not a"):
            local_path(uri)


def test_a_file_that_was_replaced_is_not_decoded(wav, tmp_path):
    copy = tmp_path / "copy.wav"
    copy.write_bytes(wav.read_bytes())
    sha256 = hashlib.sha256(copy.read_bytes()).hexdigest()
    assert len(whole(copy, sha256=sha256))
    copy.write_bytes(wav.read_bytes()[:-4])
    with pytest.raises(DecodeError, match=r"copy\.wav is no longer the file") as error:
        whole(copy, sha256=sha256)
    assert error.value.reason == "replaced"


def test_a_playlist_cannot_reach_another_file(wav, tmp_path):
    (tmp_path / "list.m3u8").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{wav}\n#EXT-X-ENDLIST\n")
    (tmp_path / "list.ffconcat").write_text(f"ffconcat version 1.0\nfile '{wav}'\n")
    for playlist in tmp_path.iterdir():
        with pytest.raises(DecodeError):
            whole(playlist)


def test_what_cannot_be_opened_has_its_reason(tmp_path):
    (tmp_path / "empty.mp3").touch()
    (tmp_path / "text.mp3").write_text("no music here\n" * 99)
    (tmp_path / "self.mp3").symlink_to("self.mp3")
    os.mkfifo(tmp_path / "pipe.mp3")
    found = {}
    for name in ("nowhere.mp3", "empty.mp3", "text.mp3", "self.mp3", "pipe.mp3", "."):
        with pytest.raises(DecodeError) as caught:
            whole(tmp_path / name)
        found[name] = caught.value.reason
    assert found == {
        "nowhere.mp3": "missing",
        "empty.mp3": "empty",
        "text.mp3": "not_audio",
        "self.mp3": "missing",
        "pipe.mp3": "not_audio",
        ".": "not_audio",
    }


def test_samples_that_are_not_finite_come_as_zero(song, tmp_path):
    broken = song.copy()
    broken[100:110] = np.nan
    broken[200] = np.inf
    soundfile.write(tmp_path / "nan.wav", broken, RATE_HZ, subtype="FLOAT")
    decoded = whole(tmp_path / "nan.wav")
    assert np.isfinite(decoded).all()
    np.testing.assert_array_equal(decoded[300:], song[300:])


def test_a_reader_that_stops_leaves_no_process_behind(wav):
    before = children()
    blocks = decode(wav, RATE_HZ, 2)
    next(blocks)
    assert children() - before
    blocks.close()
    assert children() == before


def test_ends_and_failures_leave_no_process_behind(wav, tmp_path):
    before = children()
    whole(wav)
    (tmp_path / "text.mp3").write_text("no music here\n" * 99)
    with pytest.raises(DecodeError):
        whole(tmp_path / "text.mp3")
    assert children() == before


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(output_s=1.0), "decoder_limit"),
        (Limits(memory_bytes=30 << 20), "decoder_"),
        (Limits(wait_s=0.0), "decoder_timeout"),
    ],
)
def test_a_decoder_that_wants_too_much_is_stopped(wav, limits, reason):
    before = children()
    with pytest.raises(DecodeError) as caught:
        whole(wav, limits=limits)
    assert caught.value.reason.startswith(reason)
    assert children() == before


def test_a_decoder_that_never_ends_is_stopped_in_time(wav):
    endless = ["-f", "lavfi", "-i", "anullsrc", "-f", "null", "-"]
    start = time.monotonic()
    with pytest.raises(DecodeError) as caught, Child(endless, Limits(wait_s=0.5)) as child:
        child.read()
    assert caught.value.reason == "decoder_timeout"
    assert time.monotonic() - start < 5.0


def test_processor_time_and_file_size_are_bounded(tmp_path):
    endless = ["-loglevel", "error", "-f", "lavfi", "-i", "anoisesrc=r=192000"]
    with pytest.raises(DecodeError) as caught, Child([*endless, "-f", "null", "-"], Limits(cpu_s=1)) as child:
        child.finish()
    assert caught.value.reason == "decoder_limit"
    big = ["-y", "-f", "wav", f"file:{tmp_path / 'big.wav'}"]
    with pytest.raises(DecodeError) as caught, Child([*endless, *big], Limits(file_bytes=1 << 20)) as child:
        child.finish()
    assert caught.value.reason == "decoder_limit"
    assert (tmp_path / "big.wav").stat().st_size <= 1 << 20


def test_a_slow_reader_is_not_taken_for_a_slow_decoder(wav):
    limits = Limits(wait_s=2.0)
    for number, _ in enumerate(decode(wav, RATE_HZ, 2, limits=limits)):
        if number == 0:
            time.sleep(2.2)


def test_what_ffmpeg_says_is_the_same_in_every_run(tmp_path):
    (tmp_path / "noise.mp3").write_bytes(np.random.default_rng(0).bytes(50_000))
    said = set()
    for _ in range(3):
        with pytest.raises(DecodeError) as caught:
            whole(tmp_path / "noise.mp3")
        said.add(str(caught.value))
    assert len(said) == 1
    assert "Invalid data" in said.pop()


def test_the_log_of_a_talkative_decoder_stays_small(wav):
    arguments = ["-loglevel", "debug", *first_audio().output("pipe:1", format="f32le", af="ashowinfo").get_args()]
    with opened(wav) as file, Child(arguments, Limits(), stdin=file) as child:
        while child.read():
            pass
        child.finish()
        assert len(child.log) <= 2 * 32 * 1024
