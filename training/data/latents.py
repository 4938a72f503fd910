"""Shards of latents beside shards of audio: what the song model learns from, made once for each codec.

    shards/SPLIT/STEM.tar                   audio, as it is and stays; STEM ends in its hash
    latents/CODEC/SPLIT/STEM-HASH.tar       its samples as latents (`training/data/members.py`), in the same order
    latents/CODEC/SPLIT/STEM.parquet        the index of that; where it is, nothing is done again
    latents/CODEC/index-SNAPSHOT.parquet    the index of many: what a training run is given

The same audio and codec give the same bytes.

Letters: t sample of sound, n latent frame, c latent channel.
"""

import hashlib
import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from resources.stores import Store
from resources.tars import TarWriter
from training.codec import Codec
from training.data.faults import Fault, OnFault, SampleFault, stop
from training.data.members import FILES, JSON, npy_of
from training.data.sounds import DecodedSample, decoded_in, whole_shard
from training.request import Track
from training.settings import CodecSettings

TEXT, WHOLE = pa.string(), pa.int64()
INDEX = pa.schema(
    {
        "sample": TEXT,
        "track_id": TEXT,
        "split": TEXT,
        "kind": TEXT,
        "words": WHOLE,
        "duration_s": pa.float64(),
        "frames": WHOLE,
        "shard_uri": TEXT,
        "shard_sha256": TEXT,
        "shard_bytes": WHOLE,
        "offset_bytes": WHOLE,
        "bytes": WHOLE,
        "json_bytes": WHOLE,
    }
)
ABOUT = b"latents"  # where an index's metadata says what its latents are
VERSION = 1  # of what makes latents of sound, beside settings and weights: raised, all of them are made anew
ROWS = 1 << 20  # of an index that are held in memory while it is written


@dataclass(frozen=True, slots=True)
class LatentShard:
    """A shard that is in the store. `faults` counts the samples of its audio that are not in it, by reason."""

    index: str  # the key of its index
    samples: int
    faults: Mapping[str, int]


def codec_name(settings: CodecSettings) -> str:
    """What latents are kept under: the codec's kind, and a digest of all that they depend on.

    Raises:
        ModelUnavailable: its weights cannot be had.
    """
    if settings.kind == "mel":
        facts: dict[str, Any] = {name: getattr(settings, name) for name in ("rate_hz", "bands", "hop")}
    else:
        from training.learned_codecs import find_codec

        found = find_codec(settings)
        facts = {"sha256": found.sha256, "settings": found.settings}
    facts["version"] = VERSION
    return f"{settings.kind}-{hashlib.sha256(_json(facts)).hexdigest()[:12]}"


def index_key(name: str, key: str) -> str:
    """Where the index of the latents of the shard of audio at `key` is, once they are made."""
    return f"latents/{name}/{PurePosixPath(key).parent.name}/{PurePosixPath(key).stem}.parquet"


def encode_shard(store: Store, key: str, codec: Codec, name: str, *, on_fault: OnFault = stop) -> LatentShard:
    """The shard of audio at `key` as one of latents, under the codec's `name`.

    Where it is there already, nothing is read of the audio, and `on_fault` hears of nothing: `faults` of what is given
    tells what was passed over when it was made.

    Raises:
        SampleFault: that shard is gone or not what its name says; or whatever `on_fault` does not pass over.
    """
    index = index_key(name, key)
    folder, stem, split = str(PurePosixPath(index).parent), PurePosixPath(key).stem, PurePosixPath(key).parent.name
    if store.exists(index):
        table, about = read_index(store, index, ["sample"])
        return LatentShard(index, len(table), about["faults"])
    faults: Counter[str] = Counter()
    rows: list[dict[str, Any]] = []
    with whole_shard(store, key) as audio, store.scratch() as scratch:
        part = scratch / "latents.tar"
        with part.open("wb") as file:
            tar = TarWriter(file)
            for read, sample in enumerate(decoded_in(audio, key, codec.rate_hz, scratch), start=1):
                encoded = sample if isinstance(sample, SampleFault) else _encoded(sample, key, codec)
                if isinstance(encoded, SampleFault):
                    on_fault(encoded, read)
                    faults[encoded.reason] += 1
                    continue
                row, members = encoded
                offset_bytes, size_bytes = tar.add(row["sample"], members)
                rows.append(row | {"split": split, "offset_bytes": offset_bytes, "bytes": size_bytes})
            sha256 = tar.close()
        uri = f"{folder}/{stem}-{sha256[:12]}.tar"
        store.put(uri, part)
    shard = {"shard_uri": uri, "shard_sha256": sha256, "shard_bytes": tar.bytes}
    about = {"codec": name, "frame_s": codec.frame_s, "channels": codec.channels, "audio": key, "faults": dict(faults)}
    table = pa.Table.from_pylist([row | shard for row in rows], INDEX.with_metadata({ABOUT: _json(about | shard)}))
    data = io.BytesIO()
    pq.write_table(table, data)
    store.put_bytes(index, data.getvalue())
    return LatentShard(index, len(rows), dict(faults))


def index_shards(store: Store, shards: Iterable[LatentShard]) -> str:
    """One index of many shards of one codec; gives its key. The same shards give the same index.

    Its snapshot is a digest of the shards' hashes: the data version of what learns from them.

    Raises:
        ValueError: no shards, or shards of several codecs.
    """
    told = hashlib.sha256()
    codecs: set[tuple[str, float, int]] = set()
    held: list[pa.Table] = []
    with store.scratch() as scratch:
        part = scratch / "index.parquet"
        with pq.ParquetWriter(part, INDEX) as writer:
            for index in sorted({shard.index for shard in shards}):
                table, about = read_index(store, index)
                codecs.add((about["codec"], about["frame_s"], about["channels"]))
                told.update(f"{about['shard_uri']} {about['shard_sha256']}\n".encode())
                held.append(table.cast(INDEX))
                if sum(map(len, held)) >= ROWS:
                    writer.write_table(pa.concat_tables(held))
                    held.clear()
            if len(codecs) != 1:
                raise ValueError(f"an index is of shards of one codec, got {sorted(codecs) or 'no shards'}")
            writer.write_table(pa.concat_tables([INDEX.empty_table(), *held]))
            codec, frame_s, channels = codecs.pop()
            snapshot = told.hexdigest()
            about = {"codec": codec, "frame_s": frame_s, "channels": channels, "snapshot": snapshot}
            writer.add_key_value_metadata({ABOUT: _json(about)})
        uri = f"latents/{codec}/index-{snapshot[:12]}.parquet"
        store.put(uri, part)
    return uri


def read_index(
    store: Store, key: str, columns: Sequence[str] | None = None, split: str | None = None
) -> tuple[pa.Table, dict[str, Any]]:
    """An index's rows, all or those of one split, and what its latents are. Keys of shards come as a dictionary.

    Raises:
        ValueError: there is none at `key`, or what is there is no index of latents.
    """
    try:
        with store.local(key) as path:
            about = json.loads((pq.read_metadata(path).metadata or {})[ABOUT])
            rows = [("split", "=", split)] if split else None
            wanted = list(columns) if columns else None
            table = pq.read_table(path, columns=wanted, filters=rows, read_dictionary=["shard_uri"])
    except KeyError:
        raise ValueError(f"there is no index of latents at {key} in this store") from None
    except pa.ArrowInvalid as error:
        raise ValueError(f"{key} is no index of latents: {error}") from None
    return table.replace_schema_metadata(), about


def _encoded(
    decoded: DecodedSample, key: str, codec: Codec
) -> tuple[dict[str, Any], list[tuple[str, bytes]]] | SampleFault:
    """What of its row is known by now, and its members in their order."""
    latents = codec.encode(decoded.sounds).half().numpy()  # 3 n c
    if not np.isfinite(latents).all():
        return SampleFault(Fault.NOT_FINITE, f"{key}: {decoded.name}", "the codec gives what float16 cannot hold")
    arrays = {FILES[track]: npy_of(each) for track, each in zip(Track, latents, strict=True)}
    row = {
        "sample": decoded.name,
        "track_id": decoded.facts.track_id,
        "kind": decoded.facts.window.kind,
        "words": decoded.facts.window.words,
        "duration_s": decoded.facts.duration_s,
        "frames": latents.shape[1],
        "json_bytes": len(decoded.json),
    }
    return row, sorted((arrays | {JSON: decoded.json}).items())


def _json(facts: Mapping[str, Any]) -> bytes:
    return json.dumps(facts, sort_keys=True).encode()
