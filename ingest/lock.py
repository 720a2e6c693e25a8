"""One process at a time changes a folder of tables; a second one waits."""

import contextlib
import os
from collections.abc import Callable, Iterator

from ingest.found import IngestError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

LOCK = ".lock"


@contextlib.contextmanager
def locked(out: str, tell: Callable[[str], None]) -> Iterator[None]:
    """Hold the folder for as long as the context lasts.

    Args:
        out: the folder of tables.
        tell: called with one line where another process holds it.

    Raises:
        IngestError: the folder can't be written to.
    """
    path = os.path.join(out, LOCK)
    try:
        # not through a link, and nothing that stands there is emptied
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        file = open(descriptor, "r+b")  # noqa: SIM115 - held open for as long as the lock
    except OSError as error:
        is_odd = os.path.lexists(path) and (os.path.islink(path) or not os.path.isfile(path))
        reason = f"{LOCK} in it is no ordinary file; move it away" if is_odd else error.strerror or error
        raise IngestError(f"{out}: can't be written to, {reason}") from None
    with file:
        if fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                tell(f"{out}: another ingest is at work here, waiting for it")
                fcntl.flock(file, fcntl.LOCK_EX)
        yield
