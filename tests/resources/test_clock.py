"""The time of day may jump while a run is under way: nothing that is done depends on it."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parents[2]
YEAR_S = 365 * 86_400

# Stands in front of the C library: the time of day is off by as many seconds as a file says.
CLOCK = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long off_s(void) {
    char text[32] = {0};
    int file = open(getenv("CLOCK_OFF"), O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    ssize_t length = read(file, text, 31);
    close(file);
    return length > 0 ? atol(text) : 0;
}
int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = syscall(SYS_clock_gettime, clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += off_s();
    return failed;
}
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec precise;
    clock_gettime(CLOCK_REALTIME, &precise);
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}
"""
WORK = """
import sys, time
from datetime import datetime
from pathlib import Path
from resources.engines import LocalEngine

def wait(number):
    Path(sys.argv[-1]).write_text("begun")
    until = time.monotonic() + 3
    while time.monotonic() < until:
        time.sleep(0.1)
    return datetime.now().year

def open_work():
    return wait

if __name__ == "__main__":
    (done,) = LocalEngine(workers=1).run(open_work, [0], timeout_s=60.0)
    print(done.result, done.error)
"""


@pytest.mark.parametrize("jump_s", [3 * YEAR_S, -3 * YEAR_S])
def test_a_clock_that_jumps_ends_no_work_that_is_under_way(tmp_path, jump_s):
    if not shutil.which("cc"):
        pytest.skip("no C compiler, to build a clock that jumps")
    (tmp_path / "clock.c").write_text(CLOCK)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", tmp_path / "clock.so", tmp_path / "clock.c"], check=True)
    (tmp_path / "work.py").write_text(WORK)
    clock = {"LD_PRELOAD": str(tmp_path / "clock.so"), "CLOCK_OFF": str(tmp_path / "off"), "PYTHONPATH": str(HOUSE)}
    command = [sys.executable, str(tmp_path / "work.py"), str(tmp_path / "begun")]
    process = subprocess.Popen(command, env=os.environ | clock, stdout=subprocess.PIPE, text=True)
    while not (tmp_path / "begun").exists() and process.poll() is None:
        time.sleep(0.05)
    (tmp_path / "off").write_text(str(jump_s))
    said, _ = process.communicate(timeout=60)
    year = time.gmtime(time.time() + jump_s).tm_year
    assert said.split() == [str(year), "None"]
