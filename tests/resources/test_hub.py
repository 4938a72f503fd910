"""Files of a model hub, on a machine that has none: from the cache, or a sentence that says what to do."""

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from resources.hub import find_weights, missing, snapshot
from resources.models import ModelChoice
from resources.weights import WeightsError

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache of huggingface_hub, in a folder of its own; the hub is where nobody listens."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    return tmp_path


def put(cache: Path, name: str, text: str = "{}") -> None:
    """A file of the repository singers/large as a download leaves it."""
    repository = cache / "models--singers--large"
    file = repository / "snapshots" / COMMIT / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    (repository / "refs").mkdir(exist_ok=True)
    (repository / "refs" / "main").write_text(COMMIT)


@pytest.fixture
def hub(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, object]]:
    """A hub on this machine, which answers everything in one way."""
    from huggingface_hub import constants

    answer: dict[str, object] = {"status": 404, "headers": {}}

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(int(str(answer["status"])))
            for name, value in dict(answer["headers"]).items():  # type: ignore[call-overload]
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_HEAD = do_GET  # noqa: N815 - so http.server names it

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    yield answer
    server.shutdown()
    server.server_close()


def test_what_was_downloaded_once_needs_no_hub(cache: Path) -> None:
    put(cache, "config.json")
    put(cache, "model.safetensors")
    found = snapshot("singers/large", ["config.json", "*.safetensors"])
    assert found.revision == COMMIT
    assert (found.folder / "config.json").read_text() == "{}"


def test_a_hub_that_cannot_be_reached_is_named_with_the_cause_and_a_way_out(cache: Path) -> None:
    with pytest.raises(WeightsError, match=r"singers/large is not on this machine.*refused.*set `weights`"):
        snapshot("singers/large", ["config.json"])


def test_a_download_that_was_broken_off_does_not_count_as_there(cache: Path) -> None:
    put(
        cache,
        "model.safetensors.index.json",
        json.dumps({"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}),
    )
    put(cache, "model-1.safetensors")
    with pytest.raises(WeightsError, match=r"has no model-2\.safetensors here: its download was broken off"):
        snapshot("singers/large", ["*.safetensors"])


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("RepoNotFound", "the hub has no singers/large"),
        ("RevisionNotFound", "singers/large has no revision abc"),
        ("GatedRepo", "accept its terms"),
    ],
)
def test_what_the_hub_refuses_is_said_in_a_sentence(hub: dict[str, object], code: str, says: str) -> None:
    hub["headers"] = {"X-Error-Code": code}
    with pytest.raises(WeightsError, match=says):
        snapshot("singers/large", ["config.json"], "abc")


def test_a_pickle_is_never_asked_for(cache: Path) -> None:
    with pytest.raises(ValueError, match=r"pytorch_model\.bin would be a pickle"):
        snapshot("singers/large", ["pytorch_model.bin"])


def test_split_weights_lack_the_parts_that_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "model-1.safetensors"}}))
    assert missing(tmp_path, ["*.json"]) == ["model-1.safetensors"]


def test_weights_in_a_folder_of_ones_own_need_no_hub(cache: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"weights")
    found = find_weights(ModelChoice(model="large", weights=str(folder)), ["*.safetensors"], fetch=True)
    assert (found.path, found.package) == (folder, str(folder))
    assert found.sha256 == hashlib.sha256(b"weights").hexdigest()


def test_a_model_that_is_not_here_yet_is_known_by_its_name_alone(cache: Path) -> None:
    found = find_weights(ModelChoice(model="singers/large"), ["*.safetensors"], fetch=False)
    assert (found.path, found.package, found.revision, found.sha256) == (None, "singers/large", "", "")


def test_what_was_fetched_is_known_afterwards_without_fetching(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "ours"))
    put(cache, "model.safetensors")
    choice = ModelChoice(model="singers/large")
    before = find_weights(choice, ["*.safetensors"], fetch=False)
    fetched = find_weights(choice, ["*.safetensors"], fetch=True)
    assert (before.revision, before.sha256) == (COMMIT, "")
    assert find_weights(choice, ["*.safetensors"], fetch=False) == fetched
    assert fetched.sha256 == hashlib.sha256(b"{}").hexdigest()


def test_a_download_that_is_not_what_the_hub_says_it_is_is_refused(cache: Path, tmp_path: Path) -> None:
    put(cache, "config.json")
    snapshots = cache / "models--singers--large" / "snapshots" / COMMIT
    blob = cache / "models--singers--large" / "blobs" / hashlib.sha256(b"weights").hexdigest()
    blob.parent.mkdir()
    blob.write_bytes(b"weights")
    (snapshots / "model.safetensors").symlink_to(blob)
    choice = ModelChoice(model="singers/large")
    assert find_weights(choice, ["*.safetensors"], fetch=True).sha256 == blob.name
    blob.write_bytes(b"weightz")
    with pytest.raises(WeightsError, match=r"is damaged.*remove it"):
        find_weights(choice, ["*.safetensors"], fetch=True)
