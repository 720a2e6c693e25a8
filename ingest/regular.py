"""Ordinary files, opened so that nothing that only looks like one is waited for or followed."""

import os
import stat
from typing import IO

BUFFER = 64 * 1024
"""Bytes read at once."""


def open_regular(path: str) -> IO[bytes]:
    """Open an ordinary file for reading, not through a link. Raises OSError; never waits for a FIFO or device."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(0, "not an ordinary file")
    return open(path, "rb", BUFFER, opener=lambda *_: descriptor)  # so that it has its name
