import subprocess
import sys
import time
from pathlib import Path

import pytest

from training.run.lock import FolderTaken, locked

HOUSE = Path(__file__).resolve().parents[3]
HOLD = """
import sys, time
from pathlib import Path
from training.run.lock import locked
with locked(Path(sys.argv[1]), print):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def holder(folder: Path, seconds: float) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", HOLD, str(folder), str(seconds)]
    process = subprocess.Popen(command, cwd=HOUSE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_folder_that_another_process_trains_in_is_refused_and_the_process_named(tmp_path: Path):
    process = holder(tmp_path, 60)
    try:
        with (
            pytest.raises(FolderTaken, match=rf"process {process.pid} of .* trains in {tmp_path}: let it end"),
            locked(tmp_path, lambda words: None, wait_s=0.3),
        ):
            pass
    finally:
        process.kill()
        process.wait()


def test_a_folder_whose_process_was_killed_is_free_at_once(tmp_path: Path):
    process = holder(tmp_path, 60)
    process.kill()
    process.wait()
    with locked(tmp_path, lambda words: None, wait_s=0.0):
        pass


def test_a_folder_whose_process_is_about_to_end_is_waited_for(tmp_path: Path):
    process, told = holder(tmp_path, 1.0), []
    start_s = time.monotonic()
    with locked(tmp_path, told.append, wait_s=30.0):
        assert time.monotonic() - start_s > 0.5
    process.wait()
    assert told == [f"waits for {told[0].removeprefix('waits for ')}"]
    assert str(process.pid) in told[0]


def test_one_process_may_take_a_folder_again(tmp_path: Path):
    for _ in range(2):
        with locked(tmp_path, lambda words: None, wait_s=0.0):
            pass
