"""Where temporary files lie: of a read beside the tables, because the system's own folder may lie in memory.

That they can't be written, as on a full disk, is an IngestError and no OSError: the file that is being read is sound.
"""

import contextlib
import io
import os
import tempfile
from collections.abc import Iterator
from contextvars import ContextVar
from typing import IO, Any

from ingest.found import IngestError

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
def writing() -> Iterator[None]:
    """In it nothing but temporary files is opened and written.

    Raises:
        IngestError: in place of an OSError.
    """
    try:
        yield
    except OSError as error:
        folder = _FOLDER.get()
        where = folder or tempfile.tempdir or "the system's temporary folder"
        kept = "; the tables are as they were" if folder is not None else ""
        reason = error.strerror or error
        raise IngestError(f"{where}: temporary files can't be written there, {reason}{kept}") from None


class _Written(io.FileIO):
    """A temporary file. What is written to it may be held back and come here much later."""

    def write(self, data: Any, /) -> int:
        with writing():
            return super().write(data)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Of the processes that read into the same folder one at a time does what takes much memory."""
    folder = _FOLDER.get()
    if folder is None or fcntl is None:
        yield
        return
    with writing():
        file = _Written(os.path.join(folder, "alone"), "wb")
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def scratch_file() -> IO[bytes]:
    """A file without a name, which goes with the last who has it."""
    with writing(), tempfile.TemporaryFile(prefix="ingest-", dir=_FOLDER.get(), buffering=0) as file:
        return io.BufferedRandom(_Written(os.dup(file.fileno()), "rb+"))


def scratch_folder() -> "tempfile.TemporaryDirectory[str]":
    """A folder for as long as the context lasts."""
    with writing():
        folder = os.path.realpath(_FOLDER.get() or tempfile.gettempdir())  # `ingest.regular` follows no link
        return tempfile.TemporaryDirectory(prefix="ingest-", dir=folder)


def scratch_in_folder(path: str, mode: str = "wb") -> IO[bytes]:
    """A file of this path in a `scratch_folder`, opened to be written or, with `ab`, to be added to."""
    with writing():
        return io.BufferedWriter(_Written(path, mode))
