"""The data gate: what the pipeline made of songs whose truth is known, and whether that is good enough to go on."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from assets.scores.facts import beat_agrees, key_agreement
from assets.scores.truth import Truth
from assets.scores.words import LOST_SHARE, NOTHING, TimedWord, WordScore, score_words
from assets.tables import Row, ok_rows
from resources.ledger import Ledger

MIN_PLACED_GIVEN = 0.96
MAX_LOST_SHARE = 0.02
MAX_ERROR_RATE = 0.45  # of words that were heard, not given; Whisper base errs on half of the words of hard voices
MIN_TEMPO_SHARE = 0.85
MIN_KEY_AGREEMENT = 0.65


@dataclass(slots=True)
class Judged:
    """Sums over the songs with truth that a corpus holds. A song that was not done has lost all its words."""

    songs: int = 0
    given: WordScore = NOTHING  # songs that came with their words
    heard: WordScore = NOTHING  # songs that came without
    lost: list[str] = field(default_factory=list)
    invented: int = 0  # words on songs that have none
    tempi: list[bool] = field(default_factory=list)
    keys: list[float] = field(default_factory=list)

    @property
    def figures(self) -> dict[str, float]:
        found: dict[str, float] = {"songs_with_truth": self.songs}
        if self.given.words:
            found["given_words_placed"] = round(self.given.placed_share, 4)
        if self.heard.words:
            found |= {"heard_words_placed": round(self.heard.placed_share, 4)}
            found |= {"heard_word_error_rate": round(self.heard.error_rate, 4)}
        if self.tempi:
            found["tempo_right"] = round(sum(self.tempi) / len(self.tempi), 4)
        if self.keys:
            found["key_agreement"] = round(sum(self.keys) / len(self.keys), 4)
        return found | {"lost_songs": len(self.lost), "invented_words": self.invented}


def judge(ledger: Ledger, truths: Mapping[str, Truth]) -> Judged:
    """What all finished batches made of the songs in `truths`, which go by the SHA-256 of their files."""
    judged = Judged()
    done = [set(ledger.batches(table)) for table in ("catalogue", "lyrics", "captions", "windows")]
    for batch in sorted(set.intersection(*done)):
        columns = ["track_id", "sha256", "lyrics_origin", "status"]
        tracks = {
            row["track_id"]: row for row in ok_rows(ledger.read("tracks", batch, columns)) if row["sha256"] in truths
        }
        if not tracks:
            continue
        lyrics, captions = (_rows(ledger, table, batch, tracks) for table in ("lyrics", "captions"))
        kept = {row["track_id"] for row in ok_rows(ledger.read("catalogue", batch, ["track_id", "status"]))}
        for name, track in tracks.items():
            if name in kept:  # a duplicate is judged where it came first
                _add(judged, truths[track["sha256"]], track, lyrics.get(name), captions.get(name))
    return judged


def faults(judged: Judged) -> list[str]:
    """What is not good enough, in words; none where all is, or where no song with truth is in the corpus."""
    found: list[str] = []
    if judged.given.words and judged.given.placed_share < MIN_PLACED_GIVEN:
        found.append(f"{judged.given.placed_share:.1%} of given words are in their places, not {MIN_PLACED_GIVEN:.0%}")
    if judged.heard.words and judged.heard.error_rate > MAX_ERROR_RATE:
        found.append(f"the word error rate is {judged.heard.error_rate:.2f}, over {MAX_ERROR_RATE:.2f}")
    if len(judged.lost) > MAX_LOST_SHARE * judged.songs:
        found.append(f"lost: {', '.join(judged.lost)}")
    if judged.invented:
        found.append(f"{judged.invented} words on tracks that nobody sings on")
    figures = judged.figures
    if figures.get("tempo_right", 1.0) < MIN_TEMPO_SHARE:
        found.append(f"{figures['tempo_right']:.0%} of tempi are right, not {MIN_TEMPO_SHARE:.0%}")
    if figures.get("key_agreement", 1.0) < MIN_KEY_AGREEMENT:
        found.append(f"keys agree by {figures['key_agreement']:.2f}, not {MIN_KEY_AGREEMENT:.2f}")
    return found


def _rows(ledger: Ledger, table: str, batch: str, tracks: Mapping[str, Row]) -> dict[str, Row]:
    return {row["track_id"]: row for row in ok_rows(ledger.read(table, batch)) if row["track_id"] in tracks}


def _add(judged: Judged, truth: Truth, track: Row, lyrics: Row | None, captions: Row | None) -> None:
    lines = lyrics["lines"] if lyrics else []
    words = [TimedWord(w["text"], w["start_s"], w["end_s"]) for line in lines for w in line["words"]]
    score = score_words(truth.words, words)
    judged.songs += 1
    if not truth.words:
        judged.invented += score.insertions
    elif track["lyrics_origin"]:
        judged.given += score
    else:
        judged.heard += score
    if truth.words and score.placed_share < LOST_SHARE:
        judged.lost.append(truth.name)
    if truth.tempo_bpm is not None:
        judged.tempi.append(beat_agrees(truth.tempo_bpm, captions["tempo_bpm"] if captions else None))
        judged.keys.append(key_agreement(truth.key, captions["key"] if captions else None))
