"""Latents of a batch's shards, and the index of all that a run learns from."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from assets.shards.counting import shards_that_count
from resources.ledger import Ledger, digest
from training.settings import CodecSettings

MOST_FAULTY = 0.01  # samples that do not decode, as a share; beyond a few, something is broken


class NoLatents(Exception):
    """There is nothing to learn from yet; the message says what to materialise."""


@dataclass(frozen=True, slots=True)
class LatentBatch:
    """What became of a batch's shards."""

    codec: str  # as latents are named in the store
    shards: int
    samples: int
    faults: Mapping[str, int]
    data_version: str


@dataclass(frozen=True, slots=True)
class DataIndex:
    """The index of latent shards that a run is given, and how many shards have no latents yet."""

    key: str
    codec: str
    channels: int
    snapshot: str
    samples: int
    shards: int
    without: int


def encode_batch(ledger: Ledger, batch: str, settings: CodecSettings, device: str) -> LatentBatch:
    """Makes the latents of a batch's shards that are not there yet.

    Raises:
        KeyError: the batch has no shards.
        ModelUnavailable: the codec's weights cannot be had.
        SampleFault, TooManyFaults: a shard is gone or damaged, or too many of its samples are.
    """
    from training.codec import open_codec
    from training.data.faults import Skipping
    from training.data.latents import codec_name, encode_shard, read_index

    codec, name = open_codec(settings, device), codec_name(settings)
    policy = Skipping(MOST_FAULTY)
    faults: Counter[str] = Counter()
    hashes, samples = [], 0
    shards = shards_that_count(ledger, batches=[batch])
    for key in shards:
        made = encode_shard(ledger.store, key, codec, name, on_fault=policy)
        hashes.append(read_index(ledger.store, made.index, ["sample"])[1]["shard_sha256"])
        samples += made.samples
        faults.update(made.faults)
    return LatentBatch(name, len(shards), samples, dict(faults), digest([name, hashes]))


def index_now(ledger: Ledger, codec: str, settings: CodecSettings) -> DataIndex:
    """One index of the latents of all shards that count now. `codec` is what the profile calls it.

    Raises:
        NoLatents: there are no shards, or none has latents of this codec.
    """
    from training.data.latents import LatentShard, codec_name, index_key, index_shards, read_index

    name, store = codec_name(settings), ledger.store
    keys = shards_that_count(ledger)
    if not keys:
        raise NoLatents("there are no shards yet: melisma run")
    indexes = [index for index in (index_key(name, key) for key in keys) if store.exists(index)]
    if not indexes:
        raise NoLatents(
            f"none of the {len(keys)} shards has latents of the codec {codec}: materialise `latents` for it"
        )
    key = index_shards(store, [LatentShard(index, 0, {}) for index in indexes])
    table, about = read_index(store, key, ["sample"])
    return DataIndex(
        key, about["codec"], about["channels"], about["snapshot"], len(table), len(indexes), len(keys) - len(indexes)
    )
