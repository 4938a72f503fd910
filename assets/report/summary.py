"""The whole corpus in numbers: the funnel from files to samples, what was left out and why, and how values lie."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from assets.rules import Rule
from assets.tables import Status
from resources.ledger import Ledger

# table -> columns whose spread a person wants to see, with the words for it
SPREADS: Mapping[str, Mapping[str, str]] = {
    "tracks": {
        "duration_s": "length of a track, s",
        "integrated_lufs": "loudness, LUFS",
        "bandwidth_hz": "bandwidth, Hz",
    },
    "stems": {"vocal_to_mix_db": "voice against mix, dB"},
    "lyrics": {"trust": "trust in word times", "words": "words in a track"},
    "captions": {"tempo_bpm": "tempo, bpm"},
    "windows": {"words_per_s": "words a second in a window"},
}


@dataclass(slots=True)
class Summary:
    """Counts over all finished batches. Every list keeps the order of the stages."""

    funnel: dict[str, dict[str, int]] = field(default_factory=dict)  # stage -> tracks by status
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)  # (stage, reason) -> tracks
    spreads: dict[str, list[float]] = field(default_factory=dict)  # words for it -> values
    samples: dict[str, int] = field(default_factory=dict)  # split -> samples
    seconds: dict[str, float] = field(default_factory=dict)  # stage -> seconds of work, all attempts
    audio_s: dict[str, float] = field(default_factory=dict)  # stage -> seconds of audio worked on, all attempts


def summarise(ledger: Ledger, stages: Sequence[str]) -> Summary:
    """Batch by batch, so that what is held is values and not tables."""
    summary = Summary()
    for stage in stages:
        counts: Counter[str] = Counter()
        seconds = audio_s = 0.0
        for batch in ledger.batches(stage):
            pointer = ledger.pointer(stage, batch)
            counts.update(pointer.counts if pointer else {})
            _look(summary, ledger, stage, batch)
            efforts = ledger.efforts(stage, batch)
            seconds += sum(efforts["seconds"].to_pylist())
            audio_s += sum(value or 0.0 for value in efforts["audio_s"].to_pylist())
        summary.funnel[stage] = {status.value: counts[status] for status in Status}
        summary.seconds[stage], summary.audio_s[stage] = seconds, audio_s
    return summary


def _look(summary: Summary, ledger: Ledger, stage: str, batch: str) -> None:
    columns = [*SPREADS.get(stage, {}), *(["split"] if stage == "shards" else [])]
    fates: dict[str, tuple[str, str]] = {}
    for row in ledger.read(stage, batch, ["track_id", "status", "reason", *columns]).to_pylist():
        if row["status"] != Status.OK:
            fates[row["track_id"]] = (stage, row["reason"])
        elif stage == "shards":
            summary.samples[row["split"]] = summary.samples.get(row["split"], 0) + 1
        for column, words in SPREADS.get(stage, {}).items():
            if row[column] is not None:
                summary.spreads.setdefault(words, []).append(row[column])
    summary.reasons.update(fates.values())


def broken_rules(ledger: Ledger, rules: Mapping[str, Sequence[Rule]]) -> dict[tuple[str, str], list[str]]:
    """Every rule on every finished batch: (stage, rule) -> the faults, each with its batch."""
    found: dict[tuple[str, str], list[str]] = {}
    for stage, stage_rules in rules.items():
        for rule in stage_rules:
            faults = [f"{batch}: {fault}" for batch in ledger.batches(stage) for fault in rule(ledger, batch)]
            found[stage, rule.__name__] = faults
    return found


def straddling_groups(ledger: Ledger) -> list[str]:
    """Groups of duplicates with members in two splits; what was left out as a duplicate counts too.

    Empty, or validation is worth nothing.
    """
    split_of: dict[str, str] = {}
    faults = []
    for batch in ledger.batches("catalogue"):
        for row in ledger.read("catalogue", batch, ["group", "split"]).to_pylist():
            if row["group"] and split_of.setdefault(row["group"], row["split"]) != row["split"]:
                faults.append(f"{row['group']} is in {split_of[row['group']]} and in {row['split']}")
    return faults
