"""Steps that would do harm are not taken, and are counted; too many of them end the run."""

from math import inf, nan

import pytest

from training.run.guard import Guard, TooMuchTrouble, Trouble
from training.run.settings import GuardSettings

SETTINGS = GuardSettings(spike=3.0, remembered=4, in_a_row=3)


def guard_after(*losses: float) -> Guard:
    guard = Guard(SETTINGS)
    for loss in losses:
        guard.judge(loss, 1.0)
    return guard


@pytest.mark.parametrize(("loss", "gradient"), [(nan, 1.0), (inf, 1.0), (1.0, inf), (1.0, nan)])
def test_what_is_no_number_is_skipped(loss: float, gradient: float):
    assert guard_after().judge(loss, gradient) is Trouble.NOT_FINITE


def test_a_jump_of_the_loss_is_skipped():
    assert guard_after(1.0, 1.1, 0.9, 1.0).judge(3.1, 1.0) is Trouble.SPIKE


def test_losses_at_the_very_beginning_may_jump():
    assert guard_after(1.0, 1.1, 0.9).judge(3.1, 1.0) is None


def test_a_spike_does_not_move_what_spikes_are_measured_by():
    guard = guard_after(1.0, 1.0, 1.0, 1.0, 9.0)
    assert guard.judge(3.1, 1.0) is Trouble.SPIKE


def test_each_kind_of_trouble_is_counted():
    assert guard_after(1.0, 1.0, 1.0, 1.0, 9.0, 1.0, nan, 1.0, nan).skipped == {"not_finite": 2, "spike": 1}


def test_too_many_in_a_row_end_the_run_and_say_what_to_do():
    guard_after(nan, nan).check("epoch 1")
    with pytest.raises(TooMuchTrouble, match=r"3 steps in a row were skipped, up to epoch 1: lower the learning rate"):
        guard_after(nan, nan, nan).check("epoch 1")


def test_a_good_step_begins_the_count_anew():
    guard = guard_after(nan, nan, 1.0, nan, nan, 1.0)
    assert guard.in_a_row == 0


def test_a_guard_that_is_brought_back_judges_the_same():
    before = guard_after(1.0, 1.0, 1.0, 1.0, nan)
    after = Guard(SETTINGS)
    after.load(before.state())
    assert after.judge(3.1, 1.0) is Trouble.SPIKE
    assert after.skipped == {"not_finite": 1, "spike": 1}
