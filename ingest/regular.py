"""Ordinary files, opened so that nothing that only looks like one is waited for or followed."""

import os
import stat
from collections.abc import Sequence
from typing import IO

BUFFER = 64 * 1024
"""Bytes read at once."""

_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_FLAGS = os.O_RDONLY | _NO_LINK | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0)
"""What a folder is opened with: Linux asks for no right to list it then."""
_BY_STEPS = os.open in os.supports_dir_fd and hasattr(os, "O_DIRECTORY")


def open_regular(path: str) -> IO[bytes]:
    """Open an ordinary file for reading, no link followed, also where a folder on the way has become one by now.

    Args:
        path: of the file, by folders that are no links.

    Raises:
        OSError: there is none. It never waits for a FIFO or device.
    """
    root, *parts = os.path.abspath(path).split(os.sep)
    descriptor = open_below(root + os.sep, parts)
    return open(path, "rb", BUFFER, opener=lambda *_: descriptor)  # so that it has its name


def open_below(root: str, parts: Sequence[str]) -> int:
    """Open an ordinary file for reading, no link followed on the way from a folder, which may be one itself.

    Args:
        root: the folder.
        parts: the names of the folders below it, and that of the file.

    Returns:
        Its descriptor.

    Raises:
        OSError: there is none. It never waits for a FIFO or device.
    """
    if not _BY_STEPS:  # Windows
        path = os.path.join(root, *parts)
        if os.path.realpath(path) != os.path.normpath(path):
            raise OSError(0, "leads through a link")
        return _checked(os.open(path, _FLAGS))
    folder = os.open(root, _FOLDER)
    try:
        for part in parts[:-1]:
            below = os.open(part, _FOLDER | _NO_LINK, dir_fd=folder)
            os.close(folder)
            folder = below
        # looked at before it is opened: opening a device can do something
        if not stat.S_ISREG(os.stat(parts[-1], dir_fd=folder, follow_symlinks=False).st_mode):
            raise OSError(0, "not an ordinary file")
        return _checked(os.open(parts[-1], _FLAGS, dir_fd=folder))
    finally:
        os.close(folder)


def _checked(descriptor: int) -> int:
    """The descriptor, where it is that of an ordinary file."""
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(0, "not an ordinary file")
    return descriptor
