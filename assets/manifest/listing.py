"""What a source holds against what is known of it: which files are new, and which came with something else."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from assets.manifest.sources import modified_s_of
from assets.tables import COLUMNS, Row, Status
from resources.ledger import Ledger, digest

STAGE = "manifest"
State = tuple[int | None, float | None]  # size and time of a file


def batch_name(number: int) -> str:
    return f"b{number:05d}"


def track_id(uri: str, replaced_by: State | None = None) -> str:
    """Names a file, for good: by where it is, and once its content was replaced, by its state as well."""
    name = uri if replaced_by is None else f"{uri} {replaced_by[0]} {replaced_by[1]}"
    return hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


class Listing:
    """One look at a source: `new` goes through its files, `changed` then tells what is said otherwise of old ones."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.listed = self.known = 0
        self._sealed = SealedFiles.of(ledger)
        self._looked_at = np.zeros(len(self._sealed.names), bool)
        self._told: dict[int, dict[str, Row]] = defaultdict(dict)  # number of the batch -> track -> file

    def new(self, files: Iterable[Row]) -> Iterator[Row]:
        """A row for each file that has no batch yet; a file that is listed twice comes once."""
        seen: set[str] = set()
        for file in files:
            self.listed += 1
            name = self._name(file)
            place = self._sealed.find(name)
            if name not in seen and place is None:
                seen.add(name)
                yield {"track_id": name, "status": Status.OK, "input_hash": said_of(file), **file}
                continue
            self.known += 1
            if place is None or self._looked_at[place]:
                continue  # the first mention of a file counts
            self._looked_at[place] = True
            if int(self._sealed.said[place]) != _short(said_of(file)):
                self._told[int(self._sealed.batches[place])][name] = file

    def changed(self) -> Iterator[tuple[str, list[Row], int]]:
        """Each batch with known files that came with something else than before: all its rows, and how many changed."""
        for number, files in sorted(self._told.items()):
            batch = batch_name(number)
            before = self.ledger.read(STAGE, batch).to_pylist()
            now = [updated(row, files[row["track_id"]]) if row["track_id"] in files else row for row in before]
            count = sum(was["input_hash"] != row["input_hash"] for was, row in zip(before, now, strict=True))
            if count:
                yield batch, now, count

    def _name(self, file: Row) -> str:
        state = (file["bytes"], file["modified_s"])
        first = track_id(file["uri"])
        place = self._sealed.find(first)
        if state[0] is None or place is None or int(self._sealed.states[place]) == _short(digest(state)):
            return first
        return track_id(file["uri"], replaced_by=state)


def said_of(file: Row) -> str:
    """A hash of all that a source says of a file."""
    return digest({name: file[name] for name in COLUMNS[STAGE] if file.get(name) is not None})


def updated(row: Row, file: Row) -> Row:
    """A sealed row with what a source says of the file now. What it no longer mentions stays as it was said before."""
    said = {name: row.get(name) if file.get(name) is None else file[name] for name in COLUMNS[STAGE]}
    if file["bytes"] is not None:  # else all of it may only be out of reach for a while
        said["lyrics_modified_s"] = modified_s_of(said["lyrics_uri"])
    return {**row, **said, "input_hash": said_of(said)}


@dataclass(frozen=True, slots=True)
class SealedFiles:
    """Every file that has a batch, in columns sorted by `names`: 26 bytes a file, so that five million fit anywhere."""

    names: np.ndarray  # uint64, track ids
    states: np.ndarray  # uint64, hashes of size and time
    said: np.ndarray  # uint64, hashes of all that was said of the file
    batches: np.ndarray  # uint16, number of its batch

    @classmethod
    def of(cls, ledger: Ledger) -> "SealedFiles":
        parts = [np.zeros((0, 4), np.uint64)]
        for number, batch in enumerate(ledger.batches(STAGE)):
            columns = ledger.read(STAGE, batch, ["track_id", "bytes", "modified_s", "input_hash"]).columns
            rows = zip(*(column.to_pylist() for column in columns), strict=True)
            hashes = [(int(name, 16), _short(digest(state)), _short(said), number) for name, *state, said in rows]
            parts.append(np.array(hashes, np.uint64).reshape(-1, 4))
        files = np.concatenate(parts)
        files = files[np.argsort(files[:, 0])]
        return cls(files[:, 0].copy(), files[:, 1].copy(), files[:, 2].copy(), files[:, 3].astype(np.uint16))

    def find(self, name: str) -> int | None:
        """The row of a track, if it has a batch."""
        wanted = np.uint64(int(name, 16))
        place = int(np.searchsorted(self.names, wanted))
        return place if place < len(self.names) and self.names[place] == wanted else None


def _short(hexadecimal: str) -> int:
    """64 bits of a hash."""
    return int(hexadecimal[:16], 16)
