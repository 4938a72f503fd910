"""The `tracks` stage: from a file to what it is, what it holds, and why it is left out if it is."""

import hashlib
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from assets.stage import Process, Stage
from assets.tables import Reason, Rejected, Row
from assets.tracks.given_lyrics import Origin, decode_text, first_with_lines
from assets.tracks.measure import Measured, measure
from assets.tracks.probe import Probe, probe
from assets.tracks.settings import TrackSettings
from assets.tracks.tags import clean, lyrics_of
from resources.ffmpeg import DecodeError, Limits, local_path, opened

MANIFEST = (
    "uri",
    "bytes",
    "modified_s",
    "lyrics",
    "lyrics_uri",
    "lyrics_modified_s",
    "license",
    "title",
    "artist",
    "genre",
)


def tracks_stage(settings: TrackSettings, threads: int) -> Stage:
    """`threads` is there for the common shape of stages: a decoder has one thread, and the workers are many."""
    return Stage(
        table="tracks",
        version="2",
        reads={"manifest": MANIFEST},
        parameters=settings.model_dump(mode="json"),
        open=partial(_open, settings),
        timeout_s=2 * settings.decode_timeout_s + 60.0,
    )


def _open(settings: TrackSettings) -> Process:
    return partial(track_of, settings)


def track_of(settings: TrackSettings, file: Row) -> list[Row]:
    """The one row of a file of the manifest.

    Raises:
        Rejected: any of the reasons a file can be left out for.
    """
    limits = Limits(
        wait_s=settings.decode_timeout_s,
        cpu_s=int(settings.decode_timeout_s) + 1,
        memory_bytes=settings.decode_memory_bytes,
        output_s=settings.max_duration_s,
    )
    path = local_path(file["uri"])
    try:
        size, sha256 = _bytes_of(path, (file["bytes"], file["modified_s"]))
        header = probe(path, limits)
        found = measure(path, header.sample_rate_hz, settings, limits)
    except DecodeError as error:
        if error.reason in (Reason.MISSING, Reason.UNREADABLE) and file["bytes"] is not None:
            raise  # it was there when it was listed: an unmounted share is no fault of the file, and worth another try
        raise Rejected(Reason(error.reason), error.message) from error
    _check_length(header, found, settings)
    notes: list[str] = []
    origin, lines = first_with_lines(_lyrics(file, header, settings.max_lyrics_bytes, notes))
    return [
        {
            "detail": "; ".join(notes) or None,
            "uri": file["uri"],
            "sha256": sha256,
            "bytes": size,
            "container": header.container,
            "codec": header.codec,
            "sample_rate_hz": found.sample_rate_hz,
            "channels": found.channels,
            "duration_s": found.duration_s,
            "title": clean(file["title"]) or clean(header.tags.get("title")),
            "artist": clean(file["artist"]) or clean(header.tags.get("artist")),
            "genre": clean(file["genre"]) or clean(header.tags.get("genre")),
            "license": clean(file["license"]) or clean(header.tags.get("license")),
            "lyrics_origin": origin,
            "given_lines": [{"text": line.text, "anchor_s": line.anchor_s} for line in lines],
            "integrated_lufs": found.integrated_lufs,
            "true_peak_dbtp": found.true_peak_dbtp,
            "clipped_ratio": found.clipped_ratio,
            "silent_ratio": found.silent_ratio,
            "bandwidth_hz": found.bandwidth_hz,
            "fingerprint": found.fingerprint.tolist(),
        }
    ]


def _bytes_of(path: Path, listed: tuple[int | None, float | None]) -> tuple[int, str]:
    """Size and SHA-256 of a file, if it still is the one that was listed: another is another track."""
    with opened(path) as file:
        now = os.fstat(file.fileno())
        if any(was not in (None, is_) for was, is_ in zip(listed, (now.st_size, now.st_mtime), strict=True)):
            raise Rejected(Reason.REPLACED, "the file is no longer the one that was listed: ingest its folder again")
        sha256, size = hashlib.sha256(), 0
        while block := file.read(1 << 20):
            sha256.update(block)
            size += len(block)
    return size, sha256.hexdigest()


def _check_length(header: Probe, found: Measured, settings: TrackSettings) -> None:
    # A header that claims more than any track may last is no promise: streams and liars write such lengths.
    stated_s = header.duration_s
    if stated_s is None or stated_s > settings.max_duration_s:
        return
    if found.duration_s < settings.min_decoded_ratio * stated_s - 1.0:
        raise Rejected(Reason.TRUNCATED, f"{found.duration_s:.1f} s decode of the {stated_s:.1f} s it states")


def _lyrics(file: Row, header: Probe, most_bytes: int, notes: list[str]) -> Iterator[tuple[Origin, str | None]]:
    """Sources of lyrics by rank: the manifest, a sidecar, a tag. What is too long is left aside, and noted."""
    given: list[tuple[Origin, str | None]] = [("manifest", file["lyrics"]), ("tag", lyrics_of(header.tags))]
    if file["lyrics_uri"]:
        sidecar = local_path(file["lyrics_uri"])
        try:
            with opened(sidecar) as text:
                origin: Origin = "lrc" if sidecar.suffix.lower() == ".lrc" else "txt"
                given.insert(1, (origin, decode_text(text.read(most_bytes + 1))))
        except DecodeError as error:
            notes.append(f"lyrics {sidecar.name!r}: {error}")
    for origin, words in given:
        if words and len(words.encode("utf-8", "replace")) > most_bytes:
            notes.append(f"lyrics of the {origin} are longer than {most_bytes} bytes")
        else:
            yield origin, words
