"""What starts a training run: torchrun on this machine here; Ray or Kubernetes elsewhere, behind the same protocol."""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

HOUSE = Path(__file__).resolve().parents[1]
MARK, OWNER = "MELISMA_LAUNCH", "MELISMA_LAUNCHER"  # variables that a run and all its processes carry
FAREWELL_S = 5.0  # for processes to be gone after they were killed
TOLD_LINES, TOLD_BYTES = 20, 8192  # of a run's own words, when it died


class Launched(Protocol):
    """A run that was started."""

    def poll(self) -> int | None:
        """Its exit code; None while it goes on."""

    def stop(self, grace_s: float) -> None:
        """Has it save and end; what has not ended by itself after `grace_s` is killed, with all that it started."""

    def clear(self) -> None:
        """Takes away what an ended run may have left running."""

    def last_words(self) -> str:
        """The end of what it printed, for a person."""


class TrainingLauncher(Protocol):
    """Starts `python -m training.run SETTINGS.json`, once for each process that trains.

    One for a cluster has to bring the settings there (the folder that they name, and the store, are the same for all
    ranks), pass the environment on to rank 0, and turn `stop` into a SIGINT or SIGTERM to every rank.
    """

    def start(self, settings: Path, log: Path, processes: int, environment: Mapping[str, str]) -> Launched:
        """`log` is added to. `environment` comes on top of this process's own."""


@dataclass(frozen=True, slots=True)
class TorchrunLauncher:
    """Processes of this machine: one by itself, several under torchrun.

    `shutdown_s` is how long torchrun waits for its ranks to save after a signal.
    """

    shutdown_s: float = 600.0

    def start(self, settings: Path, log: Path, processes: int, environment: Mapping[str, str]) -> "LocalRun":
        several = ["torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
        several += ["--shutdown-timeout", str(round(self.shutdown_s)), "-m"]
        command = [sys.executable, "-m", *(several if processes > 1 else ()), "training.run", str(settings)]
        mark = secrets.token_hex(8)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as out:
            from_byte = out.tell()
            process = subprocess.Popen(
                command,
                cwd=HOUSE,
                env={**os.environ, **environment, MARK: mark, OWNER: birth_of(os.getpid())},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C at a terminal is the launcher's to pass on, once
            )
        return LocalRun(process, mark, log, from_byte)


@dataclass(frozen=True, slots=True)
class LocalRun:
    """The first process of a run on this machine. All others are known by the mark in their environment: torchrun puts
    its ranks into sessions of their own, so that no group and, once torchrun is gone, no parent tells whose they are.
    """

    process: "subprocess.Popen[bytes]"
    mark: str
    log: Path
    from_byte: int

    def poll(self) -> int | None:
        return self.process.poll()

    def stop(self, grace_s: float) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                with suppress(subprocess.TimeoutExpired):
                    self.process.wait(grace_s)
            finally:  # whoever is interrupted once more while waiting does not want to wait
                self.clear()
        else:
            self.clear()

    def clear(self) -> None:
        until_s = time.monotonic() + FAREWELL_S
        while (left := marked(self.mark)) and time.monotonic() < until_s:
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.poll()
            time.sleep(0.05)
        self.process.kill()  # where there is no /proc nothing was found; does nothing to one that has ended
        self.process.wait()

    def last_words(self) -> str:
        with self.log.open("rb") as file:
            file.seek(max(self.from_byte, file.seek(0, os.SEEK_END) - TOLD_BYTES))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-TOLD_LINES:])


def marked(mark: str) -> list[int]:
    """The processes of this machine that carry a mark; none is found where there is no /proc."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):  # it has ended, or is another user's
            if wanted in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
    return found


def birth_of(pid: int) -> str:
    """A process by its number and when it began: a number alone is given again. Empty for one that has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else f"{pid} {fields[19]}"
