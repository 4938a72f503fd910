"""What becomes of each track of a batch: kept with its split, left out as a duplicate, or left out of every split."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assets.catalogue.duplicates import Match, Place, Recording, find_duplicates
from assets.catalogue.index import DuplicateIndex
from assets.catalogue.settings import CatalogueSettings
from assets.catalogue.splits import split_of
from assets.tables import Reason, Row, Status

COVERED = 0.9  # a duplicate that another track holds so much of adds nothing to find others by


def catalogue_batch(
    batch: str,
    sealed: Sequence[str],
    tracks: pa.Table,
    index: DuplicateIndex,
    settings: CatalogueSettings,
    splits: Mapping[str, str] | None = None,
) -> list[Row]:
    """The catalogue's rows of a batch, in the order of its tracks; the batch is in the index afterwards.

    `sealed` are all batches in order of their sealing; those before `batch` must be in the index. `splits` are what
    tracks of this batch were given before, or by the manifest, and keep. The same tracks after the same batches give
    the same rows and the same index.

    Raises:
        LookupError: an earlier batch has no catalogue yet.
    """
    number = sealed.index(batch)
    arrived = {(number, row): recording for row, recording in enumerate(recordings_of(tracks))}
    with index.before(batch, sealed) as past:
        matches = find_duplicates(arrived, past, settings)
        others = sorted({match.place for found in matches.values() for match in found if match.place not in arrived})
        rows, kept = decide(arrived, matches, past.recordings(others), settings, splits)
    index.add(batch, kept)
    return rows


def recordings_of(tracks: pa.Table) -> list[Recording]:
    """The tracks of a table that are ok."""
    kept = tracks.filter(pc.equal(tracks["status"], Status.OK)).select(["track_id", "sha256", "fingerprint"])
    track_ids, hashes, fingerprints = (column.combine_chunks() for column in kept.columns)
    return [
        Recording(track_id, sha256, _array(fingerprint))
        for track_id, sha256, fingerprint in zip(track_ids.to_pylist(), hashes.to_pylist(), fingerprints, strict=True)
    ]


def _array(fingerprint: pa.ListScalar) -> np.ndarray:
    # A list of Python numbers would be half of the whole work.
    return fingerprint.values.to_numpy().copy() if fingerprint.is_valid else np.zeros(0, np.uint32)


def decide(
    arrived: Mapping[Place, Recording],
    matches: Mapping[Place, Sequence[Match]],
    earlier: Mapping[Place, Recording],
    settings: CatalogueSettings,
    splits: Mapping[str, str] | None = None,
) -> tuple[list[Row], list[tuple[Recording, bool]]]:
    """One row for each track that arrived, and what later batches are to recognise, with whether it is worth listing.

    The first of a group is kept; a track near members of two splits belongs to neither, and founds no group.
    """
    known = dict(earlier)
    rows: list[Row] = []
    kept: list[tuple[Recording, bool]] = []
    for place, recording in sorted(arrived.items()):
        near = [(match, known[match.place]) for match in matches[place] if match.place in known]
        row: Row = {"track_id": recording.track_id, "status": Status.OK, "reason": None, "detail": None}
        row |= {"group": recording.track_id, "duplicate_of": None, "split": None}
        if len({other.split for _, other in near}) > 1:
            named = ", ".join(f"{other.track_id} ({other.split})" for _, other in near[:4])
            row |= {
                "status": Status.REJECTED,
                "reason": Reason.SPLIT_CONFLICT,
                "detail": f"near {named}",
                "group": None,
            }
            rows.append(row)
            continue
        if near:
            first = near[0][1]
            detail = "the same file" if first.sha256 == recording.sha256 else "the same recording"
            row |= {"status": Status.REJECTED, "reason": Reason.DUPLICATE, "split": first.split}
            row |= {"group": first.group, "duplicate_of": first.group, "detail": f"{detail} as {first.track_id}"}
        else:
            drawn = split_of(recording.track_id, settings.valid_share, settings.test_share, settings.split_seed)
            row["split"] = (splits or {}).get(recording.track_id, drawn)
        rows.append(row)
        known[place] = replace(recording, group=row["group"], split=row["split"])
        kept.append((known[place], all(match.covers < COVERED for match, _ in near)))
    return rows, kept
