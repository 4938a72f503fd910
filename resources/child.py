"""One ffmpeg process on a leash: bounded memory, processor time, waiting and log, and never left behind."""

import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import IO, Self

import imageio_ffmpeg

from resources.outages import Outage

LOG_BYTES = 32 * 1024
READ_BYTES = 1 << 20
NO_ROOM = re.compile(r"No space left on device|Disk quota exceeded|Read-only file system")
COMPLAINT = re.compile(r"error|invalid|fail|no such|not found|matches no|could not|cannot", re.IGNORECASE)
# A shell sets the limits: preexec_fn can deadlock in a worker that has threads.
LEASH = 'ulimit -v "$1" 2>/dev/null; ulimit -t "$2"; ulimit -f "$3"; ulimit -c 0; shift 3; exec "$@"'


@dataclass(frozen=True, slots=True)
class Limits:
    """What one child may use. `wait_s` runs only while we wait for ffmpeg, not while it waits for us."""

    wait_s: float = 300.0
    cpu_s: int = 600
    memory_bytes: int = 2 << 30
    file_bytes: int = 8 << 30
    output_s: float = 4 * 3600.0


LIMITS = Limits()


class DecodeError(Exception):
    """A file ffmpeg could not read or write: `reason` from the closed list of reasons, the text ffmpeg's last words."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(reason, message)
        self.reason = reason
        self.message = message

    def __str__(self) -> str:
        return self.message


@cache
def executable() -> str:
    """The ffmpeg that came with the wheel, or the one that IMAGEIO_FFMPEG_EXE names."""
    return str(imageio_ffmpeg.get_ffmpeg_exe())


class Child:
    """A running ffmpeg; leaving the block kills and reaps it if it still runs.

    Its log is kept at both ends: the first `LOG_BYTES` tell what the file is, the last ones what went wrong.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        limits: Limits,
        stdin: int | IO[bytes] = subprocess.DEVNULL,
        outputs: Sequence[int] = (),
        writes_file: bool = False,
    ) -> None:
        """`outputs` are descriptors, besides 0, 1 and 2, that ffmpeg may write to (`pipe:N`).

        Only of a child that `writes_file` a full disk is believed: in others' logs, tags may say what they like.
        """
        self._writes_file = writes_file
        self._wait_left_s = limits.wait_s
        self._head = self._tail = b""
        bounds = [str(limits.memory_bytes // 1024), str(limits.cpu_s), str(limits.file_bytes // 512)]
        command = [executable(), "-nostdin", "-hide_banner", "-nostats", *arguments]
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", LEASH, "ffmpeg", *bounds, *command],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            pass_fds=outputs,
            start_new_session=True,
        )
        for pipe in self._pipes():
            os.set_blocking(pipe.fileno(), False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in self._pipes():
            pipe.close()

    @property
    def log(self) -> str:
        """What ffmpeg said so far, without terminal codes and memory addresses (they differ from run to run)."""
        text = (self._head + self._tail).decode("utf-8", "replace").replace("\r", "\n")
        return re.sub(r" @ 0x[0-9a-f]+", "", "".join(c for c in text if c.isprintable() or c == "\n"))

    def read(self) -> bytes:
        """The next bytes of ffmpeg's output, at most `READ_BYTES`; none at its end."""
        assert self._process.stdout is not None
        self._wait_for(self._process.stdout, select.POLLIN)
        return self._process.stdout.read(READ_BYTES) or b""

    def write(self, data: bytes) -> bool:
        """Feed ffmpeg's input; False where it no longer listens (`finish` says why)."""
        assert self._process.stdin is not None
        left = memoryview(data)
        try:
            while left:
                self._wait_for(self._process.stdin, select.POLLOUT)
                left = left[self._process.stdin.write(left) or 0 :]
        except BrokenPipeError:
            return False
        return True

    def finish(self) -> None:
        """Wait for a good end.

        Raises:
            DecodeError: ffmpeg failed, crashed or reached a limit.
            Outage: there is no room for what it writes.
        """
        assert self._process.stderr is not None
        if self._process.stdin is not None:
            self._process.stdin.close()
        while not self._process.stderr.closed:
            self._wait_for(self._process.stderr, select.POLLIN)
        code = self._process.wait()
        if code != 0:
            if self._writes_file and (full := NO_ROOM.search(self.log)):
                raise Outage(f"ffmpeg cannot write ({full[0]}): make room, and run it again")
            raise DecodeError(reason_of(code, self.log), last_words(self.log) or f"ffmpeg ended with {code}")

    def _pipes(self) -> list[IO[bytes]]:
        pipes = (self._process.stdin, self._process.stdout, self._process.stderr)
        return [pipe for pipe in pipes if pipe is not None and not pipe.closed]

    def _wait_for(self, wanted: IO[bytes], event: int) -> None:
        """Return when `wanted` is ready; the log is read meanwhile, so that ffmpeg is never held up by it."""
        log = self._process.stderr
        assert log is not None
        while True:
            poller = select.poll()
            poller.register(wanted, event)
            if not log.closed:
                poller.register(log, select.POLLIN)
            start_s = time.monotonic()
            ready = dict(poller.poll(max(0.0, self._wait_left_s) * 1000))
            self._wait_left_s -= time.monotonic() - start_s
            if not log.closed and log.fileno() in ready:
                self._keep(log)
                if wanted is log:
                    return
            if not wanted.closed and wanted.fileno() in ready:
                return
            if self._wait_left_s <= 0:
                raise DecodeError("decoder_timeout", "ffmpeg made no progress within its time")

    def _keep(self, log: IO[bytes]) -> None:
        said = log.read(READ_BYTES)
        if not said:
            log.close()
            return
        room = LOG_BYTES - len(self._head)
        self._head += said[:room]
        self._tail = (self._tail + said[room:])[-LOG_BYTES:]


def reason_of(code: int, log: str) -> str:
    """Which of the closed list of reasons fits how ffmpeg ended; a negative code is a signal."""
    if code in (-signal.SIGKILL, -signal.SIGXCPU, -signal.SIGXFSZ):
        return "decoder_limit"
    if "Cannot allocate memory" in log or "File too large" in log:
        return "decoder_limit"
    if code < 0:
        return "decoder_crashed"
    if "moov atom not found" in log or "End of file" in log:
        return "truncated"
    if "matches no streams" in log or "Error opening input" in log:
        return "not_audio"
    return "corrupt"


def last_words(log: str, lines: int = 3) -> str:
    """The last few different lines in which ffmpeg complains, as one line for a person."""
    complaints = (line.strip() for line in log.splitlines() if COMPLAINT.search(line))
    return "; ".join(list(dict.fromkeys(complaints))[-lines:])[:500]
