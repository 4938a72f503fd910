"""What a page says in words: why a track is not ok, and what speaks for and against its word times."""

import json
from collections.abc import Mapping
from typing import Any

from assets.tables import Reason

REASONS: Mapping[Reason, str] = {
    Reason.MISSING: "The file is not there.",
    Reason.REPLACED: "The file is no longer the one that was measured.",
    Reason.UNREADABLE: "The file cannot be read.",
    Reason.EMPTY: "The file has no bytes in it.",
    Reason.NOT_AUDIO: "The file is not audio.",
    Reason.DRM: "The file is locked by DRM.",
    Reason.TRUNCATED: "The file ends before its audio does.",
    Reason.CORRUPT: "The file is damaged.",
    Reason.TOO_SHORT: "The track is too short.",
    Reason.TOO_LONG: "The track is too long.",
    Reason.SILENT: "The track is silent.",
    Reason.NOT_FINITE: "The track has samples that are no numbers.",
    Reason.ODD_RATE: "The sample rate is out of range.",
    Reason.ODD_CHANNELS: "The number of channels is out of range.",
    Reason.DECODER_CRASHED: "The decoder crashed on the file.",
    Reason.DECODER_TIMEOUT: "The decoder took too long over the file.",
    Reason.DECODER_LIMIT: "The file decodes to more than is allowed.",
    Reason.DUPLICATE: "Another track of the corpus is the same recording; the first to arrive is kept.",
    Reason.SPLIT_CONFLICT: "It resembles tracks of two splits, so it may be in neither.",
    Reason.LYRICS_TOO_LONG: "The given lyrics are longer than what is sung: they are not this recording's.",
    Reason.LYRICS_UNREADABLE: "The given lyrics cannot be read.",
    Reason.LYRICS_MISMATCH: "The given lyrics are not what is sung: another song, version or language.",
    Reason.NO_WINDOW: "No window holds a whole word and cuts none.",
    Reason.LOW_TRUST: "Its word times are trusted less than shards ask for.",
    Reason.ERROR: "An error of ours; the next run tries again.",
    Reason.CRASHED: "The worker crashed or ran out of memory; the next run tries again.",
    Reason.TIMEOUT: "It took too long; the next run tries again.",
    Reason.OUT_OF_MEMORY: "There was not enough memory; the next run tries again.",
}

# What is known of how an evidence reads; what is not here is shown by its name.
EVIDENCE: Mapping[str, str] = {
    "inside_singing": "{:.0%} of the words start where somebody sings",
    "plausible_lengths": "{:.0%} of the words last as long as sung words do",
    "covered_singing": "{:.0%} of the singing is in a line",
    "same_place": "{:.0%} of the words are put in one place by mix and voice, heard apart",
    "agreement": "{:.0%} of what a transcriber heard in a few stretches is in the lyrics",
    "found": "{:.0%} of the lyrics are sung",
    "takes_agree": "{:.0%} of the words heard in one take were heard in the other",
    "confidence": "{:.0%} mean probability of the letters where they were placed",
    "language_probability": "{:.0%} probability of the language",
    "sung_s": "{:.1f} s of singing",
    "given_words": "{:.0f} words given",
    "log_probability": "{:.2f} mean log probability of the transcriber's tokens",
}


def reason_in_words(reason: str | None) -> str:
    """A sentence; the reason itself where it is none of the list."""
    return REASONS[Reason(reason)] if reason in set(Reason) else (reason or "").replace("_", " ")


def evidence_in_words(evidence: str | None) -> list[str]:
    """What a track's trust was judged by, a phrase each; what nothing was found of is left out."""
    found: dict[str, Any] = json.loads(evidence) if evidence else {}
    known = [words.format(found[name]) for name, words in EVIDENCE.items() if isinstance(found.get(name), int | float)]
    rest = [(name, value) for name, value in found.items() if name not in EVIDENCE and value not in (None, {}, [], "")]
    others = [f"{name.replace('_', ' ')}: {_shown(value)}" for name, value in rest]
    return [phrase.replace("%", " %") for phrase in known] + others


def _shown(value: Any) -> str:
    match value:
        case float():
            return f"{value:.3g}"
        case dict():
            return ", ".join(f"{name} {_shown(part)}" for name, part in value.items())
        case list():
            return ", ".join(map(_shown, value))
    return str(value)[:200]
