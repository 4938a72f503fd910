from pathlib import Path

from training.run.hours import Hours, sessions
from training.run.ranks import Ranks


def test_each_start_of_a_run_is_a_stretch_of_its_own(tmp_path: Path):
    for first, last in ((0, 5), (5, 9)):
        hours = Hours(tmp_path, first, Ranks())
        hours.reached(last - 1)
        hours.reached(last)
    assert [(found.from_step, found.to_step) for found in sessions(tmp_path)] == [(0, 5), (5, 9)]


def test_hours_are_those_of_all_devices(tmp_path: Path):
    hours = Hours(tmp_path, 0, Ranks(world=1000))
    hours.clock_s -= 3.6
    hours.reached(1)
    (found,) = sessions(tmp_path)
    assert 1.0 <= found.hours < 1.1


def test_only_the_first_rank_writes(tmp_path: Path):
    Hours(tmp_path, 0, Ranks(rank=1, world=2)).reached(3)
    assert list(tmp_path.iterdir()) == []
