"""Which files a Demucs model is made of: on the hub, in a folder, or one checkpoint. Opens none of the networks.

A model is a bag: a YAML file that names its members, how much each counts for each source, and the length of a segment.
Of a bag only those members are taken whose word counts for the vocals: of `htdemucs_ft` that is one of four.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resources.hub import snapshot
from resources.weights import WeightsError, sha256_of

REPOSITORIES = {
    "htdemucs": "adefossez/HTDemucs",
    "htdemucs_ft": "adefossez/HTDemucs-ft",
    "hdemucs_mmi": "adefossez/Demucs-hdemucs_mmi",
}
VOCALS = 3  # its place among the sources of every published bag; the network's own list is compared when it is loaded
SUFFIXES = (".th", ".safetensors")
CHECKSUM = re.compile(r"-([0-9a-f]{8})$")  # SIGNATURE-CHECKSUM.th, as Demucs saves a checkpoint


@dataclass(frozen=True, slots=True)
class Member:
    path: Path
    weight: float


@dataclass(frozen=True, slots=True)
class DemucsFiles:
    """The networks whose weighted mean are the vocals."""

    members: tuple[Member, ...]
    segment_s: float | None = None  # instead of the networks' own
    revision: str = ""  # the commit of the hub's repository


def demucs_files(name: str, weights: str = "", revision: str = "") -> DemucsFiles:
    """The files of `htdemucs`, `htdemucs_ft` or `hdemucs_mmi` from the hub; with `weights`, of any model on disk.

    `weights` is a checkpoint, or a folder as `demucs --repo` takes it: NAME.yaml with its members beside it, or only a
    checkpoint of that name, or only one checkpoint. What has a checksum in its name must have that content.

    Raises:
        WeightsError: there is no such model, a file of it is missing or damaged, or the hub cannot be reached.
    """
    if not weights:
        return _on_hub(name, revision)
    path = Path(weights).expanduser()
    if path.is_file():
        return DemucsFiles((Member(_intact(path), 1.0),))
    if not path.is_dir():
        raise WeightsError(f"there are no weights at {path}: check the path")
    checkpoints = {CHECKSUM.sub("", file.stem): file for file in sorted(path.iterdir()) if file.suffix in SUFFIXES}
    bag = path / f"{name}.yaml"
    if bag.is_file():
        return _members(_read(bag), checkpoints, path)
    if name in checkpoints or len(checkpoints) == 1:
        return DemucsFiles((Member(_intact(checkpoints.get(name) or next(iter(checkpoints.values()))), 1.0),))
    raise WeightsError(
        f"{path} has neither {bag.name} nor a checkpoint of that name: it holds {len(checkpoints)} others"
    )


def _on_hub(name: str, revision: str) -> DemucsFiles:
    if name not in REPOSITORIES:
        raise WeightsError(f"the hub has no Demucs called {name!r}: take {', '.join(REPOSITORIES)}, or set `weights`")
    repository, bag = REPOSITORIES[name], f"{name}.yaml"
    first = snapshot(repository, [bag], revision=revision)
    read = _read(first.folder / bag)
    signatures = [signature for signature, _ in read.voices]
    found = snapshot(repository, [bag, *(f"{each}.safetensors" for each in signatures)], revision=first.revision)
    files = {each: found.folder / f"{each}.safetensors" for each in signatures}
    return _members(read, files, found.folder, found.revision)


@dataclass(frozen=True, slots=True)
class _Bag:
    voices: tuple[tuple[str, float], ...]  # signatures of members, and how much each counts for the vocals
    segment_s: float | None


def _read(bag: Path) -> _Bag:
    """Raises WeightsError where it is no bag, or no member counts for the vocals."""
    import yaml

    try:
        described: Any = yaml.safe_load(bag.read_text(encoding="utf-8"))
        signatures = [str(each) for each in described["models"]]
        weights = described.get("weights") or [[1.0] * (VOCALS + 1)] * len(signatures)
        voices = zip(signatures, (float(of_sources[VOCALS]) for of_sources in weights), strict=True)
        heard = tuple((signature, weight) for signature, weight in voices if weight)
        segment = described.get("segment")
        segment_s = None if segment is None else float(segment)
    except (yaml.YAMLError, KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise WeightsError(f"{bag} does not describe a Demucs model: {error!r}") from None
    if not heard:
        raise WeightsError(f"no member of {bag} counts for the vocals")
    return _Bag(heard, segment_s)


def _members(bag: _Bag, files: dict[str, Path], folder: Path, revision: str = "") -> DemucsFiles:
    lacking = [signature for signature, _ in bag.voices if signature not in files]
    if lacking:
        raise WeightsError(f"{folder} has no {' or '.join(lacking[0] + suffix for suffix in SUFFIXES)}: copy it there")
    members = tuple(Member(_intact(files[signature]), weight) for signature, weight in bag.voices)
    return DemucsFiles(members, bag.segment_s, revision)


def _intact(path: Path) -> Path:
    """Raises WeightsError where the name has a checksum, and the content another."""
    if named := CHECKSUM.search(path.stem):
        found = sha256_of(path)
        if not found.startswith(named[1]):
            raise WeightsError(f"{path} is damaged: its sha256 begins with {found[:8]}, its name says {named[1]}")
    return path
