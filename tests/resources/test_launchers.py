"""Training runs as Dagster starts them: real ones, very small, in processes of their own."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from resources.configured import LauncherResource
from resources.launchers import MARK, LocalRun, TorchrunLauncher, birth_of, marked

HOUSE = Path(__file__).resolve().parents[2]
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
LAUNCH = """
import sys, time
from pathlib import Path
from resources.launchers import TorchrunLauncher
launched = TorchrunLauncher().start(Path(sys.argv[1]), Path(sys.argv[2]), 1, {"OMP_NUM_THREADS": "1"})
print(launched.mark, flush=True)
time.sleep(600)
"""

Make = Callable[..., Any]


def written(settings: Any) -> Path:
    file: Path = settings.folder.with_suffix(".json")
    file.write_text(settings.model_dump_json())
    return file


def long_run(small_run: Make, **changes: Any) -> Any:
    return small_run(steps=100_000, saving={"every": 100_000, "log_every": 1}, **changes)


def wait_for(condition: Callable[[], object], seconds: float = 120.0) -> None:
    until_s = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until_s, "it never came"
        time.sleep(0.05)


def learning(folder: Path) -> bool:
    file = folder / "curves" / "curves.jsonl"
    return file.exists() and file.stat().st_size > 0


def checkpoints(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "checkpoints").glob("step-*"))


def weights(settings: Any) -> bytes:
    return (settings.folder / f"exports/step-{settings.steps:08d}/model.safetensors").read_bytes()


def trained(settings: Any, on_row: Callable[[Mapping[str, float]], None] = lambda row: None) -> Any:
    """One materialisation of an asset that trains."""

    @dg.asset
    def model(context: dg.AssetExecutionContext, launcher: LauncherResource) -> dg.MaterializeResult:
        launcher.train(context, written(settings), settings.folder, 1, 1, on_row)
        return dg.MaterializeResult()

    resources = {"launcher": LauncherResource(kind="torchrun", grace_s=60)}
    with dg.DagsterInstance.ephemeral() as instance:
        return dg.materialize([model], instance=instance, resources=resources, raise_on_error=False)


@pytest.mark.parametrize(("processes", "workers"), [(1, 2), (2, 0)])
def test_a_run_that_is_stopped_saves_and_leaves_no_process_behind(small_run: Make, processes: int, workers: int):
    settings = long_run(small_run, workers=workers)
    launched = TorchrunLauncher().start(written(settings), settings.folder / "launch.log", processes, ONE_THREAD)
    wait_for(lambda: learning(settings.folder))
    assert len(marked(launched.mark)) >= 3  # one and its two readers, or torchrun and its two ranks; and their helpers
    launched.stop(grace_s=60)
    assert marked(launched.mark) == []
    assert launched.poll() is not None
    assert len(checkpoints(settings.folder)) == 1


def test_a_run_that_does_not_stop_in_time_is_killed_with_all_that_it_started(small_run: Make):
    settings = long_run(small_run, workers=2)
    launched = TorchrunLauncher().start(written(settings), settings.folder / "launch.log", 1, ONE_THREAD)
    wait_for(lambda: len(marked(launched.mark)) >= 3)
    launched.stop(grace_s=0.0)
    assert marked(launched.mark) == []


def test_a_run_whose_launcher_is_killed_saves_and_ends(small_run: Make):
    settings = long_run(small_run, workers=1)
    command = [sys.executable, "-c", LAUNCH, str(written(settings)), str(settings.folder / "launch.log")]
    launcher = subprocess.Popen(command, cwd=HOUSE, stdout=subprocess.PIPE, text=True)
    assert launcher.stdout is not None
    mark = launcher.stdout.readline().strip()
    wait_for(lambda: learning(settings.folder))
    launcher.send_signal(signal.SIGKILL)
    launcher.wait()
    wait_for(lambda: marked(mark) == [], seconds=60)
    assert len(checkpoints(settings.folder)) == 1


def test_a_killed_trainer_is_tried_again_and_ends_bit_for_bit_where_an_undisturbed_one_ends(small_run: Make):
    whole, killed = small_run("whole", steps=12), small_run("killed", steps=12)
    assert trained(whole).success
    steps: list[float] = []

    def kill_once(row: Mapping[str, float]) -> None:
        steps.append(row["step"])
        if checkpoints(killed.folder) and not (killed.folder / "was killed").exists():
            (killed.folder / "was killed").touch()
            os.kill(trainer_of(killed.folder), signal.SIGKILL)

    assert trained(killed, kill_once).success
    assert (killed.folder / "was killed").exists()
    assert weights(killed) == weights(whole)
    assert steps == sorted(set(steps))
    assert steps[-1] == 12


def test_a_run_that_is_cancelled_saves_leaves_no_process_and_is_not_tried_again(small_run: Make):
    settings, tries = long_run(small_run, workers=1), []

    def cancel(row: Mapping[str, float]) -> None:
        tries.append(marked(mark_of(trainer_of(settings.folder))))
        raise KeyboardInterrupt  # as Dagster has it where a run is terminated

    result = trained(settings, cancel)
    assert not result.success
    assert len(tries) == 1
    assert [event for event in result.all_events if event.is_step_up_for_retry] == []
    assert [pid for pid in tries[0] if birth_of(pid)] == []
    assert len(checkpoints(settings.folder)) == 1


def mark_of(pid: int) -> str:
    words = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return next(word for word in words if word.startswith(MARK.encode())).partition(b"=")[2].decode()


def trainer_of(folder: Path) -> int:
    return int((folder / "lock").read_text().split()[1])


def test_a_refused_run_fails_with_its_reason_and_is_not_tried_again(small_run: Make):
    result = trained(small_run(index="latents/none.parquet"))
    assert not result.success
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert (
        "there is no index of latents at latents/none.parquet"
        in failure.step_failure_data.user_failure_data.description
    )
    assert [event for event in result.all_events if event.is_step_up_for_retry] == []


def test_a_trainer_that_dies_each_time_fails_with_its_last_words(small_run: Make, tmp_path: Path):
    settings = small_run()
    file = tmp_path / "no settings.json"
    file.write_text("{}")
    launched = TorchrunLauncher().start(file, settings.folder / "launch.log", 1, ONE_THREAD)
    wait_for(lambda: launched.poll() is not None)
    assert launched.poll() == 2
    assert "holds no settings of a run: folder: Field required" in launched.last_words()


STUBBORN = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"


def stubborn(log: Path, mark: str) -> LocalRun:
    log.touch()
    command = [sys.executable, "-c", STUBBORN]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, MARK: mark}, start_new_session=True)
    assert process.stdout is not None
    process.stdout.readline()
    return LocalRun(process, mark, log, 0)


def test_a_run_that_heeds_nothing_is_killed_even_where_no_marks_are_found(tmp_path: Path):
    run = replace(stubborn(tmp_path / "launch.log", "a"), mark="of nobody")  # as where there is no /proc
    start_s = time.monotonic()
    run.stop(grace_s=0.2)
    assert run.poll() == -signal.SIGKILL
    assert time.monotonic() - start_s < 10


def test_a_stop_that_is_interrupted_leaves_no_process_behind(tmp_path: Path):
    run = stubborn(tmp_path / "launch.log", "interrupted")
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        run.stop(grace_s=30)
    assert marked("interrupted") == []
    assert run.poll() == -signal.SIGKILL


def test_a_log_that_was_there_before_is_not_a_runs_own_words(tmp_path: Path):
    (tmp_path / "launch.log").write_text("of yesterday\n")
    launched = TorchrunLauncher().start(tmp_path / "none.json", tmp_path / "launch.log", 1, ONE_THREAD)
    wait_for(lambda: launched.poll() is not None)
    assert isinstance(launched, LocalRun)
    assert "of yesterday" not in launched.last_words()
    assert "none.json cannot be read" in launched.last_words()


def test_a_process_is_known_by_its_birth_as_well_as_its_number():
    assert birth_of(os.getpid()).split()[0] == str(os.getpid())
    gone = subprocess.Popen(["true"])
    assert gone.wait() == 0
    assert birth_of(gone.pid) == ""
