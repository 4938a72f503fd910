import json

import pytest

from assets.captions.checks import few_fell_back


@pytest.fixture
def batch(ledger, seal_batch):
    """The faults that are found in a batch: batch(heard, fallen back, measured only)."""

    def batch(heard, fallen, only_measured=0):
        said = [("heard", json.dumps({"faults": {}}))] * heard
        said += [("measured", json.dumps({"faults": {"refusal": 2}}))] * fallen + [("measured", None)] * only_measured
        rows = [
            {"track_id": f"t{i}", "status": "ok", "origin": origin, "evidence": evidence}
            for i, (origin, evidence) in enumerate(said)
        ]
        seal_batch(ledger, "captions", "b0", rows)
        return few_fell_back(ledger, "b0")

    return batch


def test_captions_that_were_only_ever_measured_have_not_fallen_back(batch):
    assert batch(0, 0, only_measured=5) == []


def test_one_in_ten_may_fall_back(batch):
    assert batch(9, 1) == []


def test_more_are_counted_with_the_faults_of_their_answers(batch):
    assert batch(8, 2, only_measured=90) == [
        "2 of 10 tracks fell back to what was measured (faulty answers: refusal 4)"
    ]
