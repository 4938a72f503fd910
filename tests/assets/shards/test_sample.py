import json

from hypothesis import given
from hypothesis import strategies as st

from assets.shards.sample import lines_within, sample_json, sample_name
from assets.windows.densest import Line, Word, densest_windows


def word(text, start_s, end_s):
    return {"text": text, "start_s": start_s, "end_s": end_s, "confidence": 0.9, "trust": 0.8}


def line(*words):
    text = " ".join(w["text"] for w in words)
    return {
        "text": text + "!",
        "start_s": words[0]["start_s"],
        "end_s": words[-1]["end_s"],
        "confidence": 0.9,
        "trust": 0.8,
        "words": words,
    }


LINES = [line(word("we", 9.0, 9.5), word("run", 10.1, 10.6)), line(word("all", 11.0, 11.4), word("night", 11.4, 12.0))]
MODEL = {"role": "separator", "name": "spleeter", "package": "p", "revision": "", "sha256": "385e"}
WINDOW = {
    "rank": 1, "length_s": 5.0, "start_s": 10.1, "end_s": 15.1, "words": 3, "kind": "lyrics", "parameter_hash": "w",
}  # fmt: skip
TRACK = {
    "track_id": "t",
    "batch": "b00000",
    "tracks": {
        "uri": "file:///a.mp3", "sha256": "s", "duration_s": 60.0, "license": "CC0", "genre": None,
        "parameter_hash": "t",
    },
    "catalogue": {"split": "train", "parameter_hash": "c"},
    "stems": {"vocals_uri": "v.flac", "gain_db": 0.0, "models": [MODEL], "parameter_hash": "s"},
    "lyrics": {
        "language": "en", "origin": "given", "lines": LINES, "trust": 0.9, "models": [], "parameter_hash": "l",
    },
    "captions": {
        "caption": "A song.", "short_caption": "song", "tags": [], "tempo_bpm": 90.0, "key": "A minor", "models": [],
        "parameter_hash": "p",
    },
}  # fmt: skip


def test_times_in_a_sample_count_from_its_window():
    (part, whole) = lines_within(LINES, 10.1, 15.1, 60.0)
    assert [(w["text"], w["start_s"], w["end_s"]) for w in whole["words"]] == [("all", 0.9, 1.3), ("night", 1.3, 1.9)]
    assert (whole["text"], whole["whole"]) == ("all night!", True)
    assert part["words"][0]["start_s"] == 0.0


def test_a_line_that_is_cut_has_only_the_words_that_are_there():
    part = lines_within(LINES, 10.1, 15.1, 60.0)[0]
    assert (part["text"], part["whole"]) == ("run", False)


def test_a_sample_tells_where_it_comes_from():
    sample = json.loads(sample_json(TRACK, WINDOW, 44100))
    assert sample["lyrics"]["text"] == "run\nall night!"
    assert sample["license"] == "CC0"
    assert sample["provenance"]["stages"]["stems"] == {"parameter_hash": "s", "models": [MODEL]}
    assert sample["provenance"]["stages"]["windows"]["parameter_hash"] == "w"
    assert sample["provenance"]["uri"] == "file:///a.mp3"


def test_a_sample_does_not_quote_its_own_lyrics():
    quoting = TRACK["captions"] | {"caption": "A song. We run all night.", "short_caption": "we run all night, song"}
    sample = json.loads(sample_json(TRACK | {"captions": quoting}, WINDOW, 44100))
    assert (sample["caption"], sample["short_caption"]) == ("A song.", "song")


def test_names_of_samples_have_no_dots():
    assert sample_name("t", WINDOW) == "t-5s-1"
    assert sample_name("t", WINDOW | {"length_s": 8.304, "rank": 2}) == "t-8304ms-2"


gaps_and_lengths = st.lists(st.tuples(st.floats(0, 3), st.floats(1e-4, 2)), min_size=1, max_size=12)


@given(gaps_and_lengths, st.floats(2, 12), st.floats(-0.1, 5))
def test_a_sample_has_just_the_words_that_its_window_counted(gaps_and_lengths, length_s, rest_s):
    """Also where times are no whole microseconds, and where the last word goes on after the end of the track."""
    words, now_s = [], 0.0
    for gap_s, word_s in gaps_and_lengths:
        words.append(word("la", now_s + gap_s, now_s + gap_s + word_s))
        now_s += gap_s + word_s
    duration_s = max(now_s + rest_s, words[-1]["start_s"] + 1e-4)
    lines = [line(*words[i : i + 3]) for i in range(0, len(words), 3)]
    plain = [
        Line(li["start_s"], li["end_s"], tuple(Word(w["start_s"], w["end_s"]) for w in li["words"])) for li in lines
    ]
    for window in densest_windows(plain, length_s, duration_s, 2):
        held = lines_within(lines, window.start_s, window.end_s, duration_s)
        assert (len(held), sum(len(li["words"]) for li in held)) == (window.lines, window.words)
        times_s = [
            li[name] for li in (*held, *(w for li in held for w in li["words"])) for name in ("start_s", "end_s")
        ]
        assert min(times_s) >= 0
        assert max(times_s) <= length_s + 1e-5
