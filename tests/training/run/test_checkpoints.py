"""A checkpoint is whole or not there, brings back everything, and the newest are kept."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from training.run.checkpoints import CheckpointError, Learner, found, load, progress_of, save
from training.run.ema import Ema
from training.run.ranks import Ranks

ALONE = Ranks()


def learner(width: int = 3, steps: int = 2, seed: int = 0) -> Learner:
    torch.manual_seed(seed)
    model = nn.Linear(width, 2)
    made = Learner(model, torch.optim.AdamW(model.parameters(), lr=0.1), Ema(model, decay=0.5))
    for step in range(1, steps + 1):
        model(torch.ones(1, width)).sum().backward()
        made.optimiser.step()
        made.ema.follow(model, step)
        made.optimiser.zero_grad()
    return made


def all_of(made: Learner) -> list[Tensor]:
    moments = [value for state in made.optimiser.state_dict()["state"].values() for value in state.values()]
    return [*made.model.state_dict().values(), *moments, *made.ema.whole().values()]


def test_weights_their_average_and_the_optimiser_come_back(tmp_path: Path):
    before, after = learner(seed=0), learner(steps=0, seed=1)
    load(save(tmp_path, 2, before, {}, 3, ALONE), after, ALONE)
    assert [value.tolist() for value in all_of(after)] == [value.tolist() for value in all_of(before)]


def test_progress_comes_back(tmp_path: Path):
    checkpoint = save(tmp_path, 2, learner(), {"step": 2, "losses": [0.1]}, 3, ALONE)
    assert progress_of(checkpoint) == {"step": 2, "losses": [0.1]}


def test_the_newest_are_kept(tmp_path: Path):
    for step in range(5):
        save(tmp_path, step, learner(), {}, 2, ALONE)
    assert [path.name for path in found(tmp_path)] == ["step-00000003", "step-00000004"]


def test_what_a_killed_run_left_half_written_is_no_checkpoint(tmp_path: Path):
    (tmp_path / ".step-00000009.part").mkdir()
    save(tmp_path, 3, learner(), {}, 2, ALONE)
    assert [path.name for path in found(tmp_path)] == ["step-00000003"]


def test_a_full_disk_leaves_the_checkpoint_before_it_whole_and_is_named(small_disk, tmp_path: Path):
    disk = tmp_path
    small_disk(disk, "size=1m")
    save(disk, 1, learner(), {"step": 1}, 2, ALONE)
    large = learner(width=200_000, steps=1)
    with pytest.raises(CheckpointError, match=r"step-00000002 could not be saved: .*step-00000001 is whole"):
        save(disk, 2, large, {"step": 2}, 2, ALONE)
    assert [path.name for path in disk.iterdir()] == ["step-00000001"]
    load(disk / "step-00000001", learner(), ALONE)


def test_a_checkpoint_of_another_model_is_refused(tmp_path: Path):
    checkpoint = save(tmp_path, 2, learner(width=3), {}, 3, ALONE)
    with pytest.raises(CheckpointError, match=r"cannot be read: .*take it away"):
        load(checkpoint, learner(width=4), ALONE)


def test_a_checkpoint_that_lost_a_part_is_refused(tmp_path: Path):
    checkpoint = save(tmp_path, 2, learner(), {}, 3, ALONE)
    next(checkpoint.glob("*.distcp")).write_bytes(b"")
    with pytest.raises(CheckpointError, match="cannot be read"):
        load(checkpoint, learner(), ALONE)
