import hashlib
from pathlib import Path

import pytest

from assets.manifest.batches import seal_batches
from assets.manifest.sources import list_source
from assets.profile import Profile
from assets.report.gate import Judged, faults, judge
from assets.scores.truth import Truth, read_truths
from assets.scores.words import TimedWord
from assets.way import go
from resources.engines import LocalEngine
from resources.ffmpeg import local_path
from resources.ledger import Ledger
from resources.stores import open_store

DEMO = Path(__file__).parents[3] / "demo"
WORDS = (TimedWord("we", 1.0, 1.5), TimedWord("run", 2.0, 2.5))
TRUTHS = {
    "sung": Truth("Sung", "pop", WORDS, 120.0, "A minor"),
    "played": Truth("Played", "instrumental", (), None, "C major"),
}


def sha256_of(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.fixture
def corpus(ledger, seal_batch):
    """Makes a batch of one track whose file is known: corpus(sha256, words with starts, **facts of the caption)."""

    def make(sha256: str, *words: tuple[str, float], origin: str | None = "txt", kept: bool = True, **facts):
        track = {"track_id": "t", "status": "ok"}
        placed = [
            {"text": text, "start_s": start_s, "end_s": start_s + 0.5, "confidence": 1.0} for text, start_s in words
        ]
        line = {"text": "", "start_s": 0.0, "end_s": 9.0, "confidence": 1.0, "words": placed}
        fate = {"status": "ok"} if kept else {"status": "rejected", "reason": "duplicate"}
        seal_batch(ledger, "tracks", "b0", [track | {"sha256": sha256, "lyrics_origin": origin}])
        seal_batch(ledger, "catalogue", "b0", [track | fate])
        seal_batch(ledger, "lyrics", "b0", [track | {"lines": [line] if words else []}])
        seal_batch(ledger, "captions", "b0", [track | {"tempo_bpm": 60.0, "key": "A minor"} | facts])
        seal_batch(ledger, "windows", "b0", [track])
        return judge(ledger, TRUTHS)

    return make


def test_a_song_whose_words_are_in_their_places_passes(corpus):
    judged = corpus("sung", ("we", 1.1), ("run", 2.1))
    assert faults(judged) == []
    assert judged.figures["given_words_placed"] == judged.figures["tempo_right"] == 1.0


def test_a_song_whose_words_are_elsewhere_does_not(corpus):
    assert [fault.split()[0] for fault in faults(corpus("sung", ("we", 5.0), ("run", 6.0)))] == ["0.0%", "lost:"]


def test_a_song_that_came_without_words_is_judged_by_its_errors(corpus):
    judged = corpus("sung", ("we", 1.1), ("ran", 2.1), origin=None)
    assert judged.figures["heard_word_error_rate"] == 0.5
    assert faults(judged) == ["the word error rate is 0.50, over 0.45"]


def test_words_on_an_instrumental_are_a_fault(corpus):
    assert faults(corpus("played", ("thanks", 1.0))) == ["1 words on tracks that nobody sings on"]


def test_a_wrong_tempo_and_a_wrong_key_are_faults(corpus):
    judged = corpus("sung", ("we", 1.1), ("run", 2.1), tempo_bpm=97.0, key="C# major")
    assert [fault.split()[-2:] for fault in faults(judged)] == [["not", "85%"], ["not", "0.65"]]


def test_a_duplicate_is_judged_where_it_came_first(corpus):
    assert corpus("sung", ("we", 5.0), kept=False).songs == 0


def test_a_corpus_without_known_songs_has_no_faults(corpus):
    judged = corpus("unknown")
    assert (judged.songs, faults(judged)) == (0, [])


def test_the_songs_of_the_demo_are_known():
    truths = read_truths(DEMO)
    assert len(truths) == 8
    assert sum(len(truth.words) for truth in truths.values()) == 287


@pytest.fixture(scope="module")
def judged_songs(tmp_path_factory) -> Judged:
    """Four songs of the demo, all the way: two that came with their words, one without, and an instrumental."""
    settings = Profile(store=str(tmp_path_factory.mktemp("judged") / "store"))
    ledger, truths = Ledger(open_store(settings.store_root)), read_truths(DEMO)
    wanted = {sha256 for sha256, truth in truths.items() if truth.kind in ("pop", "backing", "mono", "instrumental")}
    files = [row for row in list_source(str(DEMO / "audio")) if sha256_of(local_path(row["uri"])) in wanted]
    seal_batches(files, ledger, len(files), seal_short=True)
    for _ in go(settings, "b00000", ledger, LocalEngine(workers=2), last="windows"):
        pass
    return judge(ledger, truths)


def test_real_songs_pass_the_gate(judged_songs):
    assert judged_songs.songs == 4
    assert faults(judged_songs) == []


def test_given_words_of_real_songs_are_in_their_places(judged_songs):
    assert judged_songs.given.words > 50
    assert judged_songs.given.placed_share >= 0.97


def test_words_of_a_real_song_that_came_without_are_mostly_heard_and_in_their_places(judged_songs):
    assert judged_songs.heard.words > 30
    assert judged_songs.heard.error_rate <= 0.35
    assert judged_songs.heard.placed_share >= 0.65
