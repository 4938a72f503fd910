import json
from typing import Any

import pytest

from training.data.facts import facts_of
from training.data.faults import Fault, SampleFault
from training.request import SungLine, SungWord

WORD = {"text": "la", "start_s": 1, "end_s": 1.5, "confidence": 0.9}
LINE = {"text": "la", "start_s": 1.0, "end_s": 1.5, "words": [WORD]}
WHOLE: dict[str, Any] = {
    "sample": "a-1", "track_id": "a", "duration_s": 4, "window": {"kind": "lyrics", "words": 1, "rank": 1},
    "lyrics": {"language": "en", "lines": [LINE], "text": "la"}, "caption": "A song.", "short_caption": "song",
    "tempo_bpm": 120, "genre": "pop",
}  # fmt: skip


def with_word(**fields: Any) -> dict[str, Any]:
    return WHOLE | {"lyrics": {"language": "en", "lines": [LINE | {"words": [WORD | fields]}]}}


def test_lines_and_words_are_as_they_are_asked_for():
    facts = facts_of(json.dumps(WHOLE).encode(), "here")
    assert facts.lyrics.lines == (SungLine("la", (SungWord("la", 1.0, 1.5),)),)
    assert (facts.duration_s, facts.tempo_bpm, facts.window.words) == (4.0, 120.0, 1)


def test_a_line_may_have_a_section():
    facts = WHOLE | {"lyrics": {"language": "en", "lines": [LINE | {"section": "Chorus"}]}}
    assert facts_of(json.dumps(facts).encode(), "here").lyrics.lines[0].section == "Chorus"


def test_captions_tempo_language_and_the_count_of_words_may_be_unknown():
    unknown = {"caption": None, "short_caption": None, "tempo_bpm": None}
    unknown |= {"lyrics": {"language": None, "lines": []}, "window": {"kind": "energy", "words": None}}
    assert facts_of(json.dumps(WHOLE | unknown).encode(), "here").caption is None


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        (with_word(start_s="1"), "lyrics.lines.0.words.0.start_s"),
        (with_word(end_s=None), "lyrics.lines.0.words.0.end_s"),
        (with_word(end_s=float("inf")), "lyrics.lines.0.words.0.end_s"),
        (with_word(text=7), "lyrics.lines.0.words.0.text"),
        (WHOLE | {"lyrics": []}, "lyrics"),
        (WHOLE | {"tempo_bpm": "120"}, "tempo_bpm"),
        (WHOLE | {"tempo_bpm": True}, "tempo_bpm"),
        (WHOLE | {"caption": 1}, "caption"),
        (WHOLE | {"duration_s": float("nan")}, "duration_s"),
        (WHOLE | {"duration_s": -1.0}, "duration_s"),
        (WHOLE | {"window": {"kind": "lyrics", "words": 1.5}}, "window.words"),
    ],
)
def test_a_field_that_is_not_what_it_should_be_is_a_fault_that_names_it(facts, field):
    with pytest.raises(SampleFault, match=f"here: wrong_field: '{field}' of its JSON") as caught:
        facts_of(json.dumps(facts).encode(), "here")
    assert caught.value.reason is Fault.WRONG_FIELD


def test_a_word_without_a_time_is_a_fault_that_names_it():
    line = LINE | {"words": [{"text": "la", "start_s": 1.0}]}
    facts = WHOLE | {"lyrics": {"language": "en", "lines": [line]}}
    with pytest.raises(SampleFault, match=r"missing_field: its JSON has no 'lyrics\.lines\.0\.words\.0\.end_s'"):
        facts_of(json.dumps(facts).encode(), "here")


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"7", b"\xff", b"[" * 100_000, b'{"sample": "\\ud800"}'])
def test_what_is_no_json_object_is_a_fault(data):
    with pytest.raises(SampleFault) as caught:
        facts_of(data, "here")
    assert caught.value.reason is Fault.NOT_JSON
