import json

import pytest

from assets.pages.words import evidence_in_words, reason_in_words
from assets.tables import Reason


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_is_a_sentence(reason):
    assert reason_in_words(reason).endswith(".")


def test_a_reason_of_a_later_version_is_shown_by_its_name():
    assert reason_in_words("too_loud") == "too loud"


def test_evidence_is_told_in_phrases():
    evidence = json.dumps({"agreement": 0.914, "sung_s": 29.31, "inside_singing": 1.0})
    assert evidence_in_words(evidence) == [
        "100 % of the words start where somebody sings",
        "91 % of what a transcriber heard in a few stretches is in the lyrics",
        "29.3 s of singing",
    ]


def test_evidence_nobody_knew_of_is_shown_by_its_name_and_nothing_found_is_left_out():
    evidence = json.dumps({"moved_lines": 3, "dropped": {"unlikely": 2}, "agreement": None, "cuts": [], "spare": {}})
    assert evidence_in_words(evidence) == ["moved lines: 3", "dropped: unlikely 2"]
    assert evidence_in_words(None) == []
