"""The tables: their columns, written down once, and the closed list of reasons a row can carry."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

Row = dict[str, Any]


class Status(StrEnum):
    OK = "ok"
    REJECTED = "rejected"  # the input is at fault: the same bytes are never tried again
    FAILED = "failed"  # we, or the machine, are at fault: worth another try


class Reason(StrEnum):
    """Why a row is not ok."""

    MISSING = "missing"
    UNREADABLE = "unreadable"
    EMPTY = "empty"
    NOT_AUDIO = "not_audio"
    DRM = "drm"
    TRUNCATED = "truncated"
    CORRUPT = "corrupt"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    SILENT = "silent"
    NOT_FINITE = "not_finite"
    ODD_RATE = "odd_rate"
    ODD_CHANNELS = "odd_channels"
    DECODER_CRASHED = "decoder_crashed"
    DECODER_TIMEOUT = "decoder_timeout"
    DECODER_LIMIT = "decoder_limit"
    REPLACED = "replaced"
    DUPLICATE = "duplicate"
    SPLIT_CONFLICT = "split_conflict"
    LYRICS_TOO_LONG = "lyrics_too_long"
    LYRICS_UNREADABLE = "lyrics_unreadable"
    LYRICS_MISMATCH = "lyrics_mismatch"
    NO_WINDOW = "no_window"
    LOW_TRUST = "low_trust"
    # The next four are failures: of this run, not of the track. So are missing and unreadable, once a file was listed.
    ERROR = "error"
    CRASHED = "crashed"
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out_of_memory"


class Rejected(Exception):
    """The input is at fault. `detail` is for the person who looks at the row."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail

    def __reduce__(self) -> tuple[type["Rejected"], tuple[Reason, str]]:
        return Rejected, (self.reason, self.detail)


def _struct(**fields: pa.DataType) -> pa.StructType:
    return pa.struct(list(fields.items()))


TEXT, REAL, WHOLE = pa.string(), pa.float64(), pa.int64()
SPAN = _struct(start_s=REAL, end_s=REAL)
WORD = _struct(text=TEXT, start_s=REAL, end_s=REAL, confidence=REAL, trust=REAL)
LINE = _struct(text=TEXT, start_s=REAL, end_s=REAL, confidence=REAL, trust=REAL, words=pa.list_(WORD))

MODEL = _struct(role=TEXT, name=TEXT, package=TEXT, revision=TEXT, sha256=TEXT)

FATE = {"track_id": TEXT, "status": TEXT, "reason": TEXT, "detail": TEXT, "input_hash": TEXT, "parameter_hash": TEXT}
COLUMNS: dict[str, dict[str, pa.DataType]] = {
    "manifest": {
        "uri": TEXT,
        "bytes": WHOLE,
        "modified_s": REAL,
        "lyrics": TEXT,
        "lyrics_uri": TEXT,
        "lyrics_modified_s": REAL,
        "license": TEXT,
        "title": TEXT,
        "artist": TEXT,
        "genre": TEXT,
        "split": TEXT,
    },
    "tracks": {
        "uri": TEXT,
        "sha256": TEXT,
        "bytes": WHOLE,
        "container": TEXT,
        "codec": TEXT,
        "sample_rate_hz": WHOLE,
        "channels": WHOLE,
        "duration_s": REAL,
        "title": TEXT,
        "artist": TEXT,
        "genre": TEXT,
        "license": TEXT,
        "lyrics_origin": TEXT,
        "given_lines": pa.list_(_struct(text=TEXT, anchor_s=REAL)),
        "integrated_lufs": REAL,
        "true_peak_dbtp": REAL,
        "clipped_ratio": REAL,
        "silent_ratio": REAL,
        "bandwidth_hz": REAL,
        "fingerprint": pa.list_(pa.uint32()),
    },
    "catalogue": {"group": TEXT, "duplicate_of": TEXT, "split": TEXT},
    "stems": {
        "vocals_uri": TEXT,
        "accompaniment_uri": TEXT,
        "gain_db": REAL,
        "vocal_to_mix_db": REAL,
        "vocal_segments": pa.list_(SPAN),
        "models": pa.list_(MODEL),
    },
    "lyrics": {
        "language": TEXT,
        "origin": TEXT,
        "lines": pa.list_(LINE),
        "words": WHOLE,
        "trust": REAL,
        "evidence": TEXT,
        "lrc_uri": TEXT,
        "json_uri": TEXT,
        "models": pa.list_(MODEL),
    },
    "captions": {
        "caption": TEXT,
        "short_caption": TEXT,
        "tags": pa.list_(TEXT),
        "tempo_bpm": REAL,
        "key": TEXT,
        "origin": TEXT,
        "evidence": TEXT,
        "models": pa.list_(MODEL),
    },
    "windows": {
        "rank": WHOLE,
        "length_s": REAL,
        "start_s": REAL,
        "end_s": REAL,
        "words": WHOLE,
        "words_per_s": REAL,
        "sung_s": REAL,
        "lines": WHOLE,
        "kind": TEXT,
    },
    "shards": {
        "sample": TEXT,
        "split": TEXT,
        "shard_uri": TEXT,
        "shard_sha256": TEXT,
        "shard_bytes": WHOLE,
        "offset_bytes": WHOLE,
        "bytes": WHOLE,
        "start_s": REAL,
        "end_s": REAL,
        "words": WHOLE,
        "kind": TEXT,
    },
    "pages": {"mix_uri": TEXT, "vocals_uri": TEXT, "accompaniment_uri": TEXT, "spectrogram_uri": TEXT},
}
STAGES = tuple(COLUMNS)

# Tables of training runs: a run is to them what a batch is to the tables above.
RUN_FATE = {"run": TEXT, "status": TEXT, "reason": TEXT, "detail": TEXT}
RUN_COLUMNS: dict[str, dict[str, pa.DataType]] = {
    "models": {
        "stage": TEXT,
        "size": TEXT,
        "codec": TEXT,
        "index": TEXT,
        "snapshot": TEXT,
        "steps": WHOLE,
        "learning_rate": REAL,
        "parameters": WHOLE,
        "first_loss": REAL,
        "last_loss": REAL,
        "audio_s_per_s": REAL,
        "device": TEXT,
        "devices": WHOLE,
        "device_hours": REAL,
        "sessions": WHOLE,
        "sha256": TEXT,
        "export_uri": TEXT,
        "before_sha256": TEXT,
        "git_revision": TEXT,
        "settings": TEXT,
    },
    "durations": {
        "index": TEXT,
        "snapshot": TEXT,
        "songs": WHOLE,
        "epochs": WHOLE,
        "held_out_songs": WHOLE,
        "held_out_lines": WHOLE,
        "error_s": REAL,
        "syllables_error_s": REAL,
        "sha256": TEXT,
        "export_uri": TEXT,
        "settings": TEXT,
    },
    "samples": {
        "item": TEXT,
        "track_id": TEXT,
        "seed": WHOLE,
        "prompt": TEXT,
        "lyrics": TEXT,
        "language": TEXT,
        "duration_s": REAL,
        "rate_hz": WHOLE,
        "mix_uri": TEXT,
        "vocals_uri": TEXT,
        "accompaniment_uri": TEXT,
        "lrc_uri": TEXT,
        "read_s": REAL,
        "denoise_s": REAL,
        "decode_s": REAL,
        "memory_bytes": WHOLE,
        "model_sha256": TEXT,
    },
    "heard": {
        "system": TEXT,
        "item": TEXT,
        "seed": WHOLE,
        "length_error_s": REAL,
        "tempo_bpm": REAL,
        "tempo_agrees": pa.bool_(),
        "lufs": REAL,
        "true_peak_dbtp": REAL,
        "clipped_ratio": REAL,
        "silent_ratio": REAL,
        "words": WHOLE,
        "words_heard": WHOLE,
        "word_error": REAL,
        "line_error_s": REAL,
        "lines_near": REAL,
        "lines_near_unheard": REAL,
        "neighbour": TEXT,
        "neighbour_likeness": REAL,
    },
    "scores": {
        "system": TEXT,
        "figure": TEXT,
        "unit": TEXT,
        "better": TEXT,
        "value": REAL,
        "low": REAL,
        "high": REAL,
        "count": WHOLE,
    },
}

DESCRIPTIONS = {
    "track_id": "names a file, for good",
    "status": "ok, rejected (the input is at fault) or failed (worth another try)",
    "reason": "why it is not ok, from a closed list",
    "detail": "the reason in words",
    "input_hash": "hash of all that the row was made from",
    "parameter_hash": "hash of the settings and models that made it",
    "uri": "where the file is",
    "bytes": "size",
    "sha256": "of the file's bytes",
    "license": "as the manifest gave it",
    "lyrics_origin": "where the given lyrics came from: manifest, lrc, txt or tag; null where there are none",
    "integrated_lufs": "EBU R128 integrated loudness",
    "clipped_ratio": "share of samples at full scale",
    "silent_ratio": "share of the track below the silence threshold",
    "vocals_uri": "key of the vocals in the store",
    "accompaniment_uri": "key of mix minus vocals in the store",
    "mix_uri": "key of the mix in the store, as a browser plays it",
    "spectrogram_uri": "key of its picture in the store",
    "vocal_to_mix_db": "level of the vocals under that of the mix",
    "language": "ISO code",
    "origin": "of lyrics: given, transcribed, or none where nobody sings; of a caption: measured or heard by a model",
    "caption": "how it sounds, in sentences",
    "short_caption": "the same in keywords",
    "tags": "genre, mood, voice and instruments, as far as they are known",
    "lines": "lines with their words, each with start, end, confidence and trust",
    "words": "how many",
    "lrc_uri": "key of the .lrc in the store",
    "json_uri": "key of the same as JSON",
    "tempo_bpm": "measured; null where there is no pulse",
    "key": "measured; null where there is none",
    "rank": "1 is the best of its length",
    "shard_uri": "key of the tar in the store",
    "offset_bytes": "where the sample starts in the tar",
    "models": "which models made it: their role, name, package, revision and the sha256 of their weights",
    "duration_s": "length as decoded, seconds",
    "given_lines": "the lyrics that came with the file; anchor_s where an .lrc gave the line's time",
    "true_peak_dbtp": "EBU R128 true peak",
    "bandwidth_hz": "where the spectrum really ends, whatever the sample rate says",
    "fingerprint": "chromaprint of the whole track, eight a second",
    "duplicate_of": "the track that arrived first",
    "group": "the first track of its duplicate group",
    "split": "train, valid or test; never changed once given",
    "gain_db": "put on the mix before it was split; 0 unless its peaks are more than 6 dB over full scale",
    "vocal_segments": "where there is singing",
    "trust": "probability that a word is sung within 0.3 s of its time: of a track, the mean over its words",
    "evidence": "what it was judged by, as JSON: the trust of lyrics, and the answers that a heard caption is made of",
    "anchor_s": "time an .lrc file gave the line",
    "kind": "lyrics (most words) or energy (no words to count)",
    "length_s": "the length asked for",
    "run": "the training run",
    "stage": "music, vocals or joint",
    "size": "which preset",
    "index": "key of the index of latent shards that it learnt from",
    "snapshot": "digest of these shards: the data version",
    "parameters": "how many numbers the model has",
    "first_loss": "mean of the first tenth of the run",
    "last_loss": "mean of the last tenth of the run",
    "audio_s_per_s": "seconds of music learnt from in a second, the median of the run",
    "device_hours": "of all devices and all times that it was started",
    "sessions": "how often it was started",
    "export_uri": "where the model is in the store",
    "before_sha256": "of the model that it went on from",
    "settings": "all of them, as JSON",
    "error_s": "mean absolute error of held-out lines' lengths",
    "syllables_error_s": "the same of lengths by syllables",
    "item": "the request: a held-out window",
    "system": "what made it: the model, or what that is compared with",
    "memory_bytes": "the most that was held at once",
    "neighbour": "the training track that sounds most like it",
    "neighbour_likeness": "how much of it is found there again, 1 for a copy of its parts, 0 for nothing like it",
    "lines_near": "share of the lines that begin within 0.3 s of where they should",
    "lines_near_unheard": "the same of lines spread evenly over the clip",
    "better": "which way is better",
    "low": "of the 95 % bootstrap interval over requests",
    "high": "of the 95 % bootstrap interval over requests",
    "sung_s": "seconds in which a word is sung",
}


def schema_of(stage: str) -> pa.Schema:
    """The Arrow schema of a stage's table: a row's fate, then the stage's own columns."""
    return pa.schema(list((FATE | COLUMNS[stage]).items()))


def table_of(stage: str, rows: Iterable[Row]) -> pa.Table:
    """Rows as an Arrow table; a column that a row leaves out is null.

    Raises:
        KeyError: a row has a column the table does not.
    """
    return _table(stage, rows, schema_of(stage))


def run_schema_of(table: str) -> pa.Schema:
    """The same for a table of training runs."""
    return pa.schema(list((RUN_FATE | RUN_COLUMNS[table]).items()))


def run_table_of(table: str, rows: Iterable[Row]) -> pa.Table:
    """Rows of a training run as an Arrow table. Raises KeyError: a row has a column the table does not."""
    return _table(table, rows, run_schema_of(table))


def ok_rows(table: pa.Table, columns: Sequence[str] | None = None) -> list[Row]:
    """The rows that are ok, as plain values."""
    kept = table.filter(pc.equal(table["status"], Status.OK))
    return kept.select(list(columns)).to_pylist() if columns is not None else kept.to_pylist()


def _table(name: str, rows: Iterable[Row], schema: pa.Schema) -> pa.Table:
    rows = list(rows)
    if odd := {column for row in rows for column in row} - set(schema.names):
        raise KeyError(f"table {name} has no column {', '.join(sorted(odd))}; its columns are in assets/tables.py")
    return pa.Table.from_pylist(rows, schema=schema)
