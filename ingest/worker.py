"""What a worker process does first, before it loads what it reads with: so nothing here loads any of that."""

import gc
import os
import threading
from multiprocessing.connection import Connection

from ingest.pandas_unused import leave_pandas_alone


def prepare(until: Connection) -> None:
    """In a worker: end when the ingest does, also where that was killed and could not say so.

    Args:
        until: is closed at the other end when nothing more is wanted.
    """
    leave_pandas_alone()
    gc.set_threshold(50_000, 20, 50)  # rows are many and in no cycles

    def wait() -> None:
        until.poll(None)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
