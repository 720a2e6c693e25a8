"""File descriptors: what the recorder asks of the system for the files that it holds open or makes."""

import logging
import os
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows, where a reader goes by the file's age instead of the lock
    fcntl = None  # type: ignore[assignment]

log = logging.getLogger("capture")


def lock(fd: int, path: Path) -> None:
    """Holds a lock while the run is on, by which a reader tells a running run from an interrupted one."""
    if fcntl is None:
        return
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        log.debug("capture: no lock on %s: %s", path, error)


def allow(fd: int, mode: int) -> None:
    """Gives a new file these permissions, where the mode with which it was opened was subject to the umask."""
    if fcntl is not None:
        os.fchmod(fd, mode)


def sync_folder(path: Path) -> None:
    """Makes the entry of a new file last through a power cut."""
    if fcntl is None:
        return
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def out_of_the_way(fd: int) -> int:
    """The same file under a high descriptor.

    Code that closes descriptors it does not own frees low numbers, and the next file or socket to be opened gets the
    lowest free one. A recorder that still wrote to that number would write into somebody's connection.
    """
    if fcntl is None:
        return fd
    try:
        import resource

        ceiling, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        floor = min(ceiling if ceiling > 0 else 1024, 1024) * 3 // 4
        high = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, floor)
    except (ImportError, OSError, ValueError):
        return fd
    os.close(fd)
    return high
