"""What is wrong with the machine and not with a track: a disk or a bucket that is full, read-only or out of reach."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

# Nobody but the machine is at fault for these, whatever was being written.
DISK = {
    errno.ENOSPC: "is on a full disk: make room, and run it again",
    errno.EDQUOT: "is over its quota: make room, and run it again",
    errno.EROFS: "is on a disk that is read-only: mount it for writing, and run it again",
}
# These too, where it is our own files that are read or written.
OURS = DISK | {
    errno.EACCES: "may not be used by this user: give it the rights, and run it again",
    errno.EPERM: "may not be used by this user: give it the rights, and run it again",
    errno.ENOTDIR: "is not a folder: name another place, and run it again",
    errno.EIO: "is on a disk that fails: look after the disk, and run it again",
    errno.ESTALE: "is out of reach: mount it, and run it again",
    errno.ENOTCONN: "is out of reach: mount it, and run it again",
    errno.EHOSTDOWN: "is out of reach: mount it, and run it again",
}


class Outage(Exception):
    """The run cannot go on, and no track is at fault: it stops at once, and the message says what to do."""


def outage_of(error: BaseException) -> Outage | None:
    """The outage that an error comes from, if any: the error itself, or a disk that nothing can be written to."""
    if isinstance(error, Outage):
        return error
    if isinstance(error, OSError) and error.errno in DISK:
        return Outage(f"{error.filename or 'what is being written'} {DISK[error.errno]}")
    return None


@contextmanager
def outages_of(place: str) -> Iterator[None]:
    """Errors of the machine at a place of ours (`the store /x`) become an Outage that names it."""
    try:
        yield
    except OSError as error:
        if error.errno not in OURS:
            raise
        raise Outage(f"{place} {OURS[error.errno]}") from error
