"""The doctor runs each model as a stage would, and says what ails it."""

from dataclasses import replace

import pytest

from assets.profile import Profile
from pipelines.doctor import examine, roles
from resources.models import ModelUnavailable

EMBEDDED = {role.name: role for role in roles(Profile())}


def test_a_model_that_runs_says_what_it_is_and_what_it_costs():
    (trial,) = examine([EMBEDDED["separator"]], 1.0, threads=1)
    row = trial.row(1.0)
    assert (row["model"], row["device"], row[""]) == ("spleeter-2stems", "cpu", "ok")
    assert row["sha256"]
    assert min(row["load s"], row["memory MB"], row["× real time"]) > 0


def test_a_model_that_cannot_be_had_says_why_and_the_others_are_still_tried():
    def find(choice, *, fetch):
        raise ModelUnavailable("there are no weights at /nowhere: check the path")

    lacking = replace(EMBEDDED["transcriber"], find=find)
    failed, fine = examine([lacking, EMBEDDED["separator"]], 1.0, threads=1)
    assert failed.row(1.0)[""] == "failed"
    assert failed.fault == "there are no weights at /nowhere: check the path"
    assert fine.row(1.0)[""] == "ok"


@pytest.mark.parametrize("name", ["separator", "transcriber", "aligner", "captioner"])
def test_every_role_of_the_profile_is_looked_into(name: str):
    assert EMBEDDED[name].choice.model
