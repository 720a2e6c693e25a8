"""Standard input as a run: `cat run.jsonl | ingest -`.

It is copied to a file first, because telling what it is takes its beginning twice and a database is not read in order.
"""

import hashlib
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ingest.discover import STANDARD_INPUT, Found


@contextmanager
def standard_input(paths: Sequence[str]) -> Iterator[list[Found]]:
    """Read standard input, where it is among the paths, and keep it for as long as the context lasts.

    Yields:
        A list of the one run, or an empty one. Its name is made from its content, so that the same input twice is the
        same run and another one does not replace it.
    """
    if STANDARD_INPUT not in paths:
        yield []
        return
    with tempfile.NamedTemporaryFile(prefix="ingest-") as copy:
        shutil.copyfileobj(sys.stdin.buffer, copy, 1024 * 1024)
        copy.flush()
        size = copy.tell()
        copy.seek(0)
        digest = hashlib.sha256()
        while piece := copy.read(1024 * 1024):
            digest.update(piece)
        name = f"stdin-{digest.hexdigest()[:16]}"
        yield [Found(name, name, None, digest.hexdigest(), size, content=copy.name)]
