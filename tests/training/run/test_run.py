"""A run as it is started, killed, stopped, resumed, and shared by two ranks: in processes of its own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import torch
from safetensors.torch import load_file

from resources.stores import FolderStore
from training.data.faults import TooManyFaults
from training.run.checkpoints import CheckpointError, found, progress_of
from training.run.export import WEIGHTS, open_export
from training.run.hours import sessions
from training.run.ranks import Ranks
from training.run.run import Ending, RunRefused, run
from training.run.settings import OptimiserSettings, RunSettings, SavingSettings
from training.settings import CodecSettings, SamplerSettings
from training.stages import STAGES

HOUSE = Path(__file__).resolve().parents[3]
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m"]

Make = Callable[..., RunSettings]


@pytest.fixture
def settings(small_run: Make) -> Make:
    return small_run


def start(settings: RunSettings, *launcher: str) -> subprocess.Popen[str]:
    """A run in processes of its own."""
    file = settings.folder.with_suffix(".json")
    file.write_text(settings.model_dump_json())
    return subprocess.Popen(
        [*(launcher or (sys.executable, "-m")), "training.run", str(file)],
        cwd=HOUSE,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(HOUSE)},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def shared(settings: RunSettings) -> None:
    """A run of two ranks."""
    process = start(settings, *TORCHRUN)
    _, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors


def alone(settings: RunSettings) -> list[str]:
    """A run of this process; gives what it tells."""
    told: list[str] = []
    run(settings, Ranks(), told.append)
    return told


def rows(settings: RunSettings) -> list[dict[str, float]]:
    return [json.loads(line) for line in (settings.folder / "curves/curves.jsonl").read_text().splitlines()]


def losses(settings: RunSettings) -> list[float]:
    return [row["loss"] for row in rows(settings)]


def weights(settings: RunSettings) -> bytes:
    return (settings.folder / f"exports/step-{settings.steps:08d}" / WEIGHTS).read_bytes()


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    for _ in range(2400):
        if path.exists():
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    raise AssertionError(f"{path} never came")


def test_a_run_that_is_killed_and_started_again_ends_bit_for_bit_where_an_undisturbed_one_ends(settings: Make):
    whole, killed = settings("whole", steps=12), settings("killed", steps=12, workers=1)
    alone(whole)
    process = start(killed)
    wait_for(killed.folder / "checkpoints/step-00000004", process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert found(killed.folder / "checkpoints")[-1].name < "step-00000012"
    assert alone(killed)[0].startswith("goes on after step")
    assert weights(killed) == weights(whole)
    assert losses(killed) == losses(whole)


@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_two_ranks_learn_and_average_what_one_rank_does_from_twice_the_batches(settings: Make, parallel: str):
    one, two = settings("one", accumulation=2), settings("two", parallel=parallel)
    alone(one)
    shared(two)
    assert losses(two) == pytest.approx(losses(one), rel=1e-5)
    average, shared_average = (load_file(each.folder / "exports/step-00000004" / WEIGHTS) for each in (one, two))
    assert all(torch.allclose(shared_average[name], weight, atol=1e-4) for name, weight in average.items())


def test_two_ranks_that_share_every_weight_learn_in_half_precision(settings: Make):
    full, half = settings("full", accumulation=2), settings("half", parallel="fsdp", precision="bfloat16")
    alone(full)
    shared(half)
    assert losses(half) == pytest.approx(losses(full), rel=0.05)


def test_a_run_may_go_on_with_another_number_of_ranks(settings: Make):
    one = settings("one", accumulation=2)
    alone(one)
    shared(settings("two", steps=2, parallel="fsdp"))
    alone(settings("two", accumulation=2))
    assert losses(settings("two")) == pytest.approx(losses(one), rel=1e-5)


def test_a_run_that_is_asked_to_stop_saves_and_stops(settings: Make):
    long = settings(steps=10_000, saving=SavingSettings(every=10_000, log_every=1))
    told: list[str] = []

    def ask_after_three(line: str) -> None:
        told.append(line)
        if len(told) == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    assert run(long, Ranks(), ask_after_three) is Ending.STOPPED
    (checkpoint,) = found(long.folder / "checkpoints")
    assert progress_of(checkpoint)["step"] == len(losses(long)) == 4


def test_two_ranks_that_are_asked_to_stop_save_and_leave_no_process(settings: Make):
    long = settings(steps=10_000, saving=SavingSettings(every=10_000, log_every=1))
    process = start(long, *TORCHRUN)
    wait_for(long.folder / "hours", process)
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert len(found(long.folder / "checkpoints")) == 1
    assert [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE] == []


def test_a_run_that_is_interrupted_at_the_keyboard_ends_in_peace(settings: Make):
    long = settings(steps=10_000, workers=1, saving=SavingSettings(every=10_000, log_every=1))
    process = start(long)
    wait_for(long.folder / "hours", process)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert out.splitlines()[-1].startswith("stopped: ")


def test_each_start_of_a_run_is_in_the_ledger_of_device_hours(settings: Make):
    alone(settings(steps=2))
    alone(settings(steps=4))
    assert [(each.from_step, each.to_step) for each in sessions(settings().folder / "hours")] == [(0, 2), (2, 4)]


def test_a_run_begins_with_the_weights_of_the_stage_before(settings: Make):
    first = settings("music", steps=6)
    alone(first)
    after = settings("vocals", steps=1, start=first.folder / "exports/step-00000006")
    alone(after)
    assert losses(after)[0] < losses(first)[0]
    assert open_export(after.folder / "exports/step-00000001").origin.start == str(after.start)


def test_a_run_that_was_killed_before_its_last_export_makes_it(settings: Make):
    alone(settings())
    before = weights(settings())
    shutil.rmtree(settings().folder / "exports")
    alone(settings())
    assert weights(settings()) == before


@pytest.mark.parametrize("stage", STAGES)
def test_a_run_of_any_stage_makes_songs_on_its_way(settings: Make, stage: str):
    listened = settings(steps=2, stage=STAGES[stage], saving=SavingSettings(every=2, sample_every=2))
    alone(listened)
    assert sorted(path.name for path in (listened.folder / "samples/step-00000002").iterdir()) == ["0.flac", "1.flac"]


def test_a_checkpoint_of_another_configuration_is_refused_and_the_difference_is_named(settings: Make):
    alone(settings(steps=2))
    model = settings().model
    wider = model.model_copy(update={"dit": model.dit.model_copy(update={"width": 32})})
    with pytest.raises(CheckpointError, match=r"is of another run: model\.dit\.width: 32, was 16"):
        alone(settings(model=wider))


def test_latents_of_another_codec_are_refused(settings: Make):
    other = settings().model.model_copy(update={"codec": CodecSettings()})
    with pytest.raises(RunRefused, match=r"holds latents of mel-.* and the model is of mel-"):
        alone(settings(model=other))


def test_a_store_without_the_index_is_refused_and_named(settings: Make):
    with pytest.raises(RunRefused, match=r"nowhere: there is no index of latents"):
        alone(settings(store="nowhere"))


def test_a_crop_that_is_longer_than_any_song_is_refused_at_once(settings: Make):
    with pytest.raises(ValueError, match="a crop of 400 s is longer than the longest song, 300 s"):
        settings(crop_s=400.0)


def test_a_scheduler_that_does_not_go_with_the_objective_is_refused_at_once(settings: Make):
    with pytest.raises(
        ValueError, match=r"the scheduler euler does not go with v: set `sampler.scheduler` to ddim or dpm"
    ):
        settings(sampler=SamplerSettings(scheduler="euler"))


def test_a_batch_that_cannot_hold_a_sample_is_refused_and_says_what_to_set(settings: Make):
    with pytest.raises(RunRefused, match="set `frames` to 86 at least"):
        alone(settings(frames=16))


def test_a_shard_that_is_cut_short_is_skipped_and_counted(settings: Make, latents: tuple[FolderStore, str]):
    store, _ = latents
    (uri,) = [key for key in store.list("latents/") if key.endswith(".tar") and "/train/" in key]
    path = store.root / uri
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    cut = settings(most_faulty=1.0, saving=SavingSettings(every=2, log_every=1, sample_every=2))
    alone(cut)
    assert rows(cut)[-1]["faults/truncated"] > 0


def test_more_faulty_samples_than_may_be_end_a_run_and_its_last_checkpoint_is_whole(
    settings: Make, latents: tuple[FolderStore, str]
):
    store, _ = latents
    alone(settings(steps=2))
    (uri,) = [key for key in store.list("latents/") if key.endswith(".tar") and "/train/" in key]
    (store.root / uri).write_bytes(b"")
    with pytest.raises(TooManyFaults):
        alone(settings(most_faulty=0.0))
    assert [path.name for path in found(settings().folder / "checkpoints")] == ["step-00000002"]


def test_what_is_newer_than_where_a_run_goes_on_from_is_taken_away(settings: Make):
    alone(settings())
    shutil.rmtree(settings().folder / "checkpoints/step-00000004")
    changed = settings(optimiser=OptimiserSettings(learning_rate=1e-3, warm_up=2, ema=0.5))
    before = weights(changed)
    alone(changed)
    assert weights(changed) != before
    assert [row["step"] for row in rows(changed)] == [1, 2, 3, 4]


def test_a_full_disk_ends_a_run_with_one_sentence_and_leaves_its_last_checkpoint(settings: Make, small_disk, tmp_path):
    small = settings("small", steps=2)
    small.folder.mkdir()
    small_disk(small.folder, "size=16m")
    alone(small)
    room = shutil.disk_usage(small.folder).free
    (small.folder / "filler").write_bytes(bytes(room - 100_000))
    with pytest.raises(CheckpointError, match=r"step-00000004 could not be saved.*step-00000002 is whole"):
        alone(settings("small", steps=4))
    (small.folder / "filler").unlink()
    assert alone(settings("small", steps=4))[0].startswith("goes on after step 2")
