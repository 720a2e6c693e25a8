"""What a worker process does first, before it loads what it reads with: so nothing here loads any of that."""

import gc
import os
import sys
import threading
import traceback
from multiprocessing import connection
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any

from ingest.pandas_unused import leave_pandas_alone

STARTED = (
    "import sys; sys.path[:] = filter(None, sys.path); from multiprocessing import connection; "
    "_, handle, *sys.path = sys.argv; from ingest.worker import work; work(int(handle))"
)
"""What Python runs in a worker, with the handle of its connection and the folders in which the first process looks for
modules. Until it knows these, it looks in none of the user's."""


def work(handle: int) -> None:
    """In a worker: do what is asked for, until the other end is closed, as it is when that process is killed.

    Args:
        handle: of the connection that gives functions with their arguments, and takes what these return or raise.
    """
    asked: Connection[Any, Any] = getattr(connection, "PipeConnection", Connection)(handle)  # Windows has its own
    leave_pandas_alone()
    gc.set_threshold(50_000, 20, 50)  # rows are many and in no cycles
    tasks: SimpleQueue[Any] = SimpleQueue()
    try:
        threading.Thread(target=_receive, args=(asked, tasks), daemon=True).start()
    except RuntimeError:  # the system lets this user have no more
        os._exit(1)
    while True:
        function, *arguments = tasks.get()
        try:
            outcome = function(*arguments)
        except Exception as error:
            if sys.version_info >= (3, 11):
                error.add_note(traceback.format_exc())
            outcome = error
        try:
            asked.send(outcome)
        except OSError:
            os._exit(1)


def _receive(asked: "Connection[Any, Any]", tasks: "SimpleQueue[Any]") -> None:
    """Put aside what is asked for. The process ends when nothing more is, or can be loaded, whatever it is at."""
    try:
        while True:
            tasks.put(asked.recv())
    except BaseException:  # of which the other end hears by that: it would wait for ever
        os._exit(0)
