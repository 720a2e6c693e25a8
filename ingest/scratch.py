"""Where temporary files lie: of a read beside the tables, because the system's own folder may lie in memory."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from contextvars import ContextVar
from typing import IO

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_FOLDER: ContextVar[str | None] = ContextVar("folder", default=None)


@contextlib.contextmanager
def scratch_in(folder: str) -> Iterator[None]:
    """What this thread makes here meanwhile lies in that folder."""
    before = _FOLDER.set(folder)
    try:
        yield
    finally:
        _FOLDER.reset(before)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Of the processes that read into the same folder one at a time does what takes much memory."""
    folder = _FOLDER.get()
    if folder is None or fcntl is None:
        yield
        return
    with open(os.path.join(folder, "alone"), "wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def scratch_file() -> IO[bytes]:
    """A file without a name, which goes with the last who has it."""
    return tempfile.TemporaryFile(prefix="ingest-", dir=_FOLDER.get())


def scratch_folder() -> "tempfile.TemporaryDirectory[str]":
    """A folder for as long as the context lasts."""
    return tempfile.TemporaryDirectory(prefix="ingest-", dir=_FOLDER.get())
