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


def allow(fd: int, permissions: int) -> None:
    """Gives a new file those of a run's permissions that make sense for a file, whatever the umask."""
    if fcntl is not None:
        os.fchmod(fd, permissions & 0o666)


def new_file(path: Path, permissions: int) -> int:
    """Makes a file beside the journal, with the permissions of the run.

    Raises:
        OSError: it is there, or can't be made.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    fd = os.open(path, flags, permissions & 0o666)
    allow(fd, permissions)
    return fd


def make_folder(path: Path, permissions: int) -> None:
    """Makes a folder with the permissions of the run, whatever the umask. One that is there stays as it is.

    Raises:
        OSError: it can't be made.
    """
    try:
        os.mkdir(path, permissions)
        os.chmod(path, permissions)
    except FileExistsError:
        pass


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
