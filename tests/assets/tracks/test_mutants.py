"""Damaged files of every common kind: each is ok, or rejected for a reason; none fails, and none leaves anything."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.tables import Rejected, table_of
from assets.tracks.settings import TrackSettings
from assets.tracks.stage import MANIFEST, track_of
from resources.child import executable
from resources.ffmpeg import decode, encode

KINDS = {"mp3": "libmp3lame", "flac": "flac", "ogg": "libvorbis", "m4a": "aac", "wav": "pcm_s16le"}
RATE_HZ = 44_100
EXTREMES = st.sampled_from(
    [b"\x00", b"\xff", b"\x7f\xff", b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\x80\x00\x00\x00"]
)


@pytest.fixture(scope="module")
def originals(tmp_path_factory, demo_songs) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("originals")
    encode(folder / "a.wav", decode(demo_songs["pop"]["path"], RATE_HZ, 2, start_s=9.0, duration_s=1.2), RATE_HZ)
    for kind, codec in KINDS.items():
        tags = ("-metadata", "title=A Title", "-metadata", "lyrics-eng=one line")
        command = [
            executable(),
            "-v",
            "error",
            "-y",
            "-i",
            folder / "a.wav",
            "-c:a",
            codec,
            *tags,
            folder / f"b.{kind}",
        ]
        subprocess.run(list(map(str, command)), check=True)
    return {kind: (folder / f"b.{kind}").read_bytes() for kind in KINDS}


@st.composite
def damages(draw: st.DrawFn) -> list[tuple[str, float, float, bytes]]:
    """What is done, from where to where (as shares of the file), and with which bytes."""
    one = st.tuples(
        st.sampled_from(["overwrite", "cut", "repeat", "blank", "move"]),
        st.one_of(st.floats(0, 0.02), st.floats(0, 1)),
        st.floats(0, 0.3),
        st.one_of(EXTREMES, st.binary(min_size=1, max_size=8)),
    )
    return draw(st.lists(one, min_size=1, max_size=3))


def damaged(data: bytes, done: list[tuple[str, float, float, bytes]]) -> bytes:
    for what, at, length, new in done:
        start = int(at * len(data))
        end = min(len(data), start + int(length * len(data)))
        head, part, tail = data[:start], data[start:end], data[end:]
        match what:
            case "overwrite":
                data = head + new + data[start + len(new) :]
            case "cut":
                data = head + tail
            case "repeat":
                data = head + part * 3 + tail
            case "blank":
                data = head + new[:1] * len(part) + tail
            case "move":
                data = tail + head + part
    return data


@settings(max_examples=25, derandomize=True)
@given(kind=st.sampled_from(sorted(KINDS)), done=damages())
def test_a_damaged_file_is_ok_or_rejected_and_leaves_nothing(originals, tmp_path_factory, kind, done):
    path = tmp_path_factory.mktemp("mutant") / f"m.{kind}"
    path.write_bytes(damaged(originals[kind], done))
    before = children()
    try:
        (row,) = track_of(TrackSettings(), {**dict.fromkeys(MANIFEST), "uri": path.as_uri()})
    except Rejected as error:
        assert error.detail
    else:
        table_of("tracks", [row])
        later_s = sum(len(block) for block in decode(path, RATE_HZ, 2)) / RATE_HZ
        assert later_s == pytest.approx(row["duration_s"], abs=0.05)
    assert children() == before


def children() -> str:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text()


def test_a_track_whose_rate_changes_on_the_way_is_rejected(tmp_path, demo_songs):
    song = np.concatenate(list(decode(demo_songs["pop"]["path"], RATE_HZ, 2, start_s=9.0, duration_s=3.0)))
    joined = b""
    for rate_hz in (44_100, 32_000):
        soundfile.write(tmp_path / "a.wav", song, rate_hz)
        command = [executable(), "-v", "error", "-y", "-i", tmp_path / "a.wav", "-f", "adts", tmp_path / "a.aac"]
        subprocess.run(list(map(str, command)), check=True)
        joined += (tmp_path / "a.aac").read_bytes()
    (tmp_path / "joined.aac").write_bytes(joined)
    with pytest.raises(Rejected) as caught:
        track_of(TrackSettings(), {**dict.fromkeys(MANIFEST), "uri": (tmp_path / "joined.aac").as_uri()})
    assert caught.value.reason == "corrupt"
